package lodge.cpu.x86.interpreter;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import lodge.cpu.x86.Cpu;

/**
 * Which code page is at a virtual address: a direct-mapped table, with as many places for user
 * rights as for supervisor rights, so that calls of the system evict no page of a program.
 *
 * <p>Whoever links to a page counts on being told when its translation is flushed, so a page may
 * not simply be forgotten. Global pages that give their place to others are therefore kept aside:
 * the kernel's text and its modules lie at random distances, and where two pages that call each
 * other have one place, forgetting would void all links at each call.
 */
final class CodeLookup {
  private static final int USER = 4;

  /** What of a tag is no address: the mode and the rights. */
  private static final int KEYS = 8;

  /** How many times as many pages as have a place may be kept aside. */
  private static final int MOST_ASIDE = 4;

  private final Cpu cpu;
  private final int half;

  /** GVA of the page, the mode, and {@link #USER} for user rights; -1 when free. */
  private final long[] tags;

  private final CodePage[] pages;

  /** Which of them are mapped by global pages and survive a change of the address space. */
  private final boolean[] global;

  /** Global pages without a place, by tag. */
  private final Map<Long, CodePage> aside = new HashMap<>();

  /** How often a page took the place of another one. */
  long replaced;

  /** What may no longer be trusted. */
  enum Lost {
    NOTHING,
    LINKS,
    GLOBAL_LINKS
  }

  /**
   * @param half places for each of the two rights, a power of 2
   */
  CodeLookup(Cpu cpu, int half) {
    this.cpu = cpu;
    this.half = half;
    tags = new long[2 * half];
    pages = new CodePage[2 * half];
    global = new boolean[2 * half];
    Arrays.fill(tags, -1);
  }

  private int place(long linear) {
    return (int) (linear >>> 12) & half - 1 | (cpu.cpl == 3 ? half : 0);
  }

  private long tag(long linear) {
    return linear & ~0xFFFL | cpu.codeKey | (cpu.cpl == 3 ? USER : 0);
  }

  /** The page at an address with the present mode and rights, if it has a place; else null. */
  CodePage peek(long linear) {
    int i = place(linear);
    return tags[i] == tag(linear) ? pages[i] : null;
  }

  /** Takes out a global page that was kept aside, to give it a place again; null if it was not. */
  CodePage recall(long linear) {
    return aside.remove(tag(linear));
  }

  /** Gives a page a place, with the present mode and rights. */
  Lost put(long linear, CodePage page, boolean isGlobal) {
    int i = place(linear);
    Lost lost = Lost.NOTHING;
    if (tags[i] != -1) {
      replaced++;
      if (!global[i]) {
        lost = Lost.LINKS;
      } else if (aside.size() < MOST_ASIDE * half) {
        aside.put(tags[i], pages[i]);
      } else {
        aside.clear();
        lost = Lost.GLOBAL_LINKS;
      }
    }
    tags[i] = tag(linear);
    pages[i] = page;
    global[i] = isGlobal;
    return lost;
  }

  boolean isGlobal(long linear) {
    int i = place(linear);
    return tags[i] == tag(linear) ? global[i] : aside.containsKey(tag(linear));
  }

  void clear() {
    Arrays.fill(tags, -1);
    aside.clear();
  }

  /** Forgets what is not global. */
  void clearLocal() {
    for (int i = 0; i < tags.length; i++) {
      if (!global[i]) {
        tags[i] = -1;
      }
    }
  }

  /** Forgets what is at an address in any mode; false when there was nothing. */
  boolean remove(long gva) {
    boolean found = false;
    for (int i = (int) (gva >>> 12) & half - 1; i < tags.length; i += half) {
      if ((tags[i] ^ gva) >>> 12 == 0) {
        tags[i] = -1;
        found = true;
      }
    }
    for (int key = 0; key < KEYS && !aside.isEmpty(); key++) {
      found |= aside.remove(gva & ~0xFFFL | key) != null;
    }
    return found;
  }
}
