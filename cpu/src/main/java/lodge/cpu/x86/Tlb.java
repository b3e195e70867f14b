package lodge.cpu.x86;

import static lodge.core.host.HostMemory.getLong;
import static lodge.core.host.HostMemory.putLong;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import lodge.core.GuestMemory;

/**
 * The cached translations of one address space: a direct-mapped table for each set of rights, laid
 * out as {@link Mmu} says. Which slots are in use is listed on the side, so that emptying costs no
 * more than filling did.
 */
final class Tlb {
  static final int ENTRIES = 1024;
  static final int ENTRY_SHIFT = 5;
  static final int ENTRY_BYTES = 1 << ENTRY_SHIFT;
  static final long INVALID = 1;

  /** Where the parts of an entry are, in bytes. */
  static final int READ_TAG = 0;

  static final int WRITE_TAG = 8;
  static final int LEAF = 16;
  static final int ADDEND = 24;

  private static final int KINDS = 3;
  static final int TABLE_BYTES = ENTRIES << ENTRY_SHIFT;

  /** Past this many the list is given up until the next time that all slots are emptied. */
  private static final int LISTED = 2048;

  /** {@link #pcid}: the address space is nobody's. */
  static final int NOBODY = -1;

  /** {@link #clearWrites}: all pages. */
  static final long EVERY_PAGE = -1;

  /** Outside of the heap, so that a look at an entry is one load with no check of an index. */
  private final MemorySegment memory =
      Arena.ofAuto().allocate((long) KINDS * TABLE_BYTES, GuestMemory.PAGE_SIZE);

  private final long base = memory.address();

  /** Address of each set of rights' table: {@link Mmu#USER} and so on. */
  final long[] tables = new long[KINDS];

  /** Entries that are or were in use, relative to {@link #base}. */
  private final int[] slots = new int[LISTED];

  /** More than {@link #LISTED}: any slot may be in use. */
  private int used;

  /**
   * Where large pages are known: a bit for each 512 GiB of bits 47:39 of the GVA. INVLPG cannot
   * tell which slots a large page fills.
   */
  private final long[] largeRegions = new long[8];

  /** Process-context identifier, 0 to 0xFFF, or {@link #NOBODY}. */
  int pcid = NOBODY;

  /** When it was last switched to. */
  long lastUse;

  /** Which state of {@link Mmu#protectFromWrites} it knows. */
  int protections;

  Tlb() {
    for (int kind = 0; kind < KINDS; kind++) {
      tables[kind] = base + (long) kind * TABLE_BYTES;
    }
    invalidateAll();
  }

  /** To be called before an entry is filled. */
  void use(long entry, long gva, boolean large) {
    if (getLong(entry + READ_TAG) == INVALID) {
      if (used < LISTED) {
        slots[used] = (int) (entry - base);
      }
      if (used <= LISTED) {
        used++;
      }
    }
    if (large) {
      noteLarge(gva);
    }
  }

  /** Somebody remembers a translation of a large page. */
  void noteLarge(long gva) {
    largeRegions[(int) (gva >>> 45) & 7] |= 1L << (gva >>> 39);
  }

  private boolean hasLarge(long gva) {
    return (largeRegions[(int) (gva >>> 45) & 7] & 1L << (gva >>> 39)) != 0;
  }

  private boolean listed() {
    return used <= LISTED;
  }

  void clear() {
    if (listed()) {
      for (int i = 0; i < used; i++) {
        invalidate(base + slots[i]);
      }
    } else {
      invalidateAll();
    }
    used = 0;
    Arrays.fill(largeRegions, 0);
  }

  private void invalidateAll() {
    for (int slot = 0; slot < KINDS * TABLE_BYTES; slot += ENTRY_BYTES) {
      invalidate(base + slot);
    }
  }

  private static void invalidate(long entry) {
    putLong(entry + READ_TAG, INVALID);
    putLong(entry + WRITE_TAG, INVALID);
  }

  private static boolean isGlobal(long entry) {
    return (getLong(entry + LEAF) & PageWalk.GLOBAL) != 0;
  }

  private static boolean isValidGlobal(long entry) {
    return getLong(entry + READ_TAG) != INVALID && isGlobal(entry);
  }

  private static boolean isLarge(long entry) {
    return (getLong(entry + LEAF) & PageWalk.LARGE) != 0;
  }

  /** Drops all but the translations of global pages. */
  void clearNonGlobal() {
    if (!listed()) {
      list();
    }
    int kept = 0;
    int count = used;
    for (int i = 0; i < count; i++) {
      int slot = slots[i];
      if (isValidGlobal(base + slot)) {
        slots[kept++] = slot;
      } else {
        invalidate(base + slot);
      }
    }
    used = kept;
  }

  /** Lists the global ones of all entries, as far as the list goes, and empties all others. */
  private void list() {
    int count = 0;
    for (int slot = 0; slot < KINDS * TABLE_BYTES; slot += ENTRY_BYTES) {
      if (isValidGlobal(base + slot) && count < LISTED) {
        slots[count++] = slot;
      } else {
        invalidate(base + slot);
      }
    }
    used = count;
  }

  /** Takes over the translations of global pages from another address space. */
  void adoptGlobals(Tlb other) {
    if (!other.listed()) {
      return;
    }
    for (int i = 0; i < other.used; i++) {
      long from = other.base + other.slots[i];
      if (isValidGlobal(from)) {
        long to = base + other.slots[i];
        use(to, getLong(from + READ_TAG), isLarge(from));
        for (int part = 0; part < ENTRY_BYTES; part += 8) {
          putLong(to + part, getLong(from + part));
        }
      }
    }
  }

  /**
   * Drops the translations of one page.
   *
   * @param gva page-aligned
   * @param globalsOnly those of this address space stay
   * @return whether the page may be a large one
   */
  boolean clearPage(long gva, boolean globalsOnly) {
    for (long table : tables) {
      long entry = TlbEntry.of(table, gva);
      if (getLong(entry + READ_TAG) == gva && (!globalsOnly || isGlobal(entry))) {
        invalidate(entry);
      }
    }
    boolean large = hasLarge(gva);
    if (large) {
      clearLargePage(gva, globalsOnly);
    }
    return large;
  }

  /** A large page has at most 1 GiB: what is left of others in there goes, too. */
  private void clearLargePage(long gva, boolean globalsOnly) {
    if (!listed()) {
      clear();
      return;
    }
    int kept = 0;
    for (int n = 0; n < used; n++) {
      long entry = base + slots[n];
      boolean drop =
          isLarge(entry)
              && (getLong(entry + READ_TAG) ^ gva) >>> 30 == 0
              && (!globalsOnly || isGlobal(entry));
      if (drop || getLong(entry + READ_TAG) == INVALID) {
        invalidate(entry);
      } else {
        slots[kept++] = slots[n];
      }
    }
    used = kept;
  }

  /**
   * Makes writes to a page take the slow path.
   *
   * @param hostPage its address on the host, or {@link #EVERY_PAGE}
   */
  void clearWrites(long hostPage) {
    if (listed()) {
      for (int n = 0; n < used; n++) {
        clearWrites(base + slots[n], hostPage);
      }
      return;
    }
    for (int slot = 0; slot < KINDS * TABLE_BYTES; slot += ENTRY_BYTES) {
      clearWrites(base + slot, hostPage);
    }
  }

  private static void clearWrites(long entry, long hostPage) {
    long tag = getLong(entry + WRITE_TAG);
    if (tag != INVALID && (hostPage == EVERY_PAGE || tag + getLong(entry + ADDEND) == hostPage)) {
      putLong(entry + WRITE_TAG, INVALID);
    }
  }
}
