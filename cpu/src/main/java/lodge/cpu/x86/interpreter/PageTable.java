package lodge.cpu.x86.interpreter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Code pages by guest-physical page and mode: two levels of arrays, since a lookup must be cheap in
 * a cold JVM, too.
 */
final class PageTable {
  private static final int MODES = 4;
  private static final int LEAF_SHIFT = 10;
  private static final int LEAF = 1 << LEAF_SHIFT;

  private CodePage[][] leaves = new CodePage[64][];
  private final List<CodePage> all = new ArrayList<>();

  /** The page, or null. */
  CodePage get(long gpa, int mode) {
    long slot = (gpa >>> 12) * MODES + mode;
    int leaf = (int) Math.min(slot >>> LEAF_SHIFT, Integer.MAX_VALUE);
    if (leaf >= leaves.length || leaves[leaf] == null) {
      return null;
    }
    return leaves[leaf][(int) slot & LEAF - 1];
  }

  void put(CodePage page) {
    long slot = (page.gpa >>> 12) * MODES + page.mode;
    int leaf = (int) (slot >>> LEAF_SHIFT);
    if (leaf >= leaves.length) {
      leaves = Arrays.copyOf(leaves, Math.max(leaf + 1, 2 * leaves.length));
    }
    if (leaves[leaf] == null) {
      leaves[leaf] = new CodePage[LEAF];
    }
    leaves[leaf][(int) slot & LEAF - 1] = page;
    all.add(page);
  }

  List<CodePage> values() {
    return all;
  }

  void clear() {
    Arrays.fill(leaves, null);
    all.clear();
  }
}
