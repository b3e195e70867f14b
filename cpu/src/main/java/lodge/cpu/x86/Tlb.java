package lodge.cpu.x86;

import java.util.Arrays;

/**
 * The cached translations of one address space: a direct-mapped table for each set of rights, laid
 * out as {@link Mmu} says. Which slots are in use is listed on the side, so that emptying costs no
 * more than filling did.
 */
final class Tlb {
  static final int ENTRIES = 1024;
  static final int ENTRY_LONGS = 4;
  static final long INVALID = 1;
  static final int READ_TAG = 0;
  static final int WRITE_TAG = 1;
  static final int LEAF = 2;
  static final int ADDEND = 3;

  private static final int KINDS = 3;
  private static final int TABLE_LONGS = ENTRIES * ENTRY_LONGS;

  /** Past this many the list is given up until the next time that all slots are emptied. */
  private static final int LISTED = 2048;

  /** {@link #pcid}: the address space is nobody's. */
  static final int NOBODY = -1;

  /** {@link #clearWrites}: all pages. */
  static final long EVERY_PAGE = -1;

  /** By set of rights: {@link Mmu#USER} and so on. */
  final long[][] tables = new long[KINDS][TABLE_LONGS];

  /** Slots that are or were in use: the table's number times its length plus the index. */
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
    for (long[] table : tables) {
      Arrays.fill(table, INVALID);
    }
  }

  /** To be called before a slot is filled. */
  void use(int kind, int index, long gva, boolean large) {
    if (tables[kind][index] == INVALID) {
      if (used < LISTED) {
        slots[used] = kind * TABLE_LONGS + index;
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
        empty(slots[i]);
      }
    } else {
      for (long[] table : tables) {
        Arrays.fill(table, INVALID);
      }
    }
    used = 0;
    Arrays.fill(largeRegions, 0);
  }

  private void empty(int slot) {
    long[] table = tables[slot / TABLE_LONGS];
    int i = slot % TABLE_LONGS;
    table[i + READ_TAG] = INVALID;
    table[i + WRITE_TAG] = INVALID;
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
      long[] table = tables[slot / TABLE_LONGS];
      int at = slot % TABLE_LONGS;
      if (table[at + READ_TAG] != INVALID && (table[at + LEAF] & PageWalk.GLOBAL) != 0) {
        slots[kept++] = slot;
      } else {
        table[at + READ_TAG] = INVALID;
        table[at + WRITE_TAG] = INVALID;
      }
    }
    used = kept;
  }

  /** Lists the global ones of all slots, as far as the list goes, and empties all others. */
  private void list() {
    int count = 0;
    for (int slot = 0; slot < KINDS * TABLE_LONGS; slot += ENTRY_LONGS) {
      long[] table = tables[slot / TABLE_LONGS];
      int i = slot % TABLE_LONGS;
      boolean global = table[i + READ_TAG] != INVALID && (table[i + LEAF] & PageWalk.GLOBAL) != 0;
      if (global && count < LISTED) {
        slots[count++] = slot;
      } else {
        table[i + READ_TAG] = INVALID;
        table[i + WRITE_TAG] = INVALID;
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
      int slot = other.slots[i];
      int kind = slot / TABLE_LONGS;
      int at = slot % TABLE_LONGS;
      long[] from = other.tables[kind];
      if (from[at + READ_TAG] != INVALID && (from[at + LEAF] & PageWalk.GLOBAL) != 0) {
        use(kind, at, from[at + READ_TAG], (from[at + LEAF] & PageWalk.LARGE) != 0);
        System.arraycopy(from, at, tables[kind], at, ENTRY_LONGS);
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
    int i = (int) (gva >>> 10) & TABLE_LONGS - ENTRY_LONGS;
    for (long[] table : tables) {
      if (table[i + READ_TAG] == gva && (!globalsOnly || isGlobal(table, i))) {
        table[i + READ_TAG] = INVALID;
        table[i + WRITE_TAG] = INVALID;
      }
    }
    boolean large = hasLarge(gva);
    if (large) {
      clearLargePage(gva, globalsOnly);
    }
    return large;
  }

  private static boolean isGlobal(long[] table, int index) {
    return (table[index + LEAF] & PageWalk.GLOBAL) != 0;
  }

  /** A large page has at most 1 GiB: what is left of others in there goes, too. */
  private void clearLargePage(long gva, boolean globalsOnly) {
    if (!listed()) {
      clear();
      return;
    }
    int kept = 0;
    for (int n = 0; n < used; n++) {
      long[] table = tables[slots[n] / TABLE_LONGS];
      int i = slots[n] % TABLE_LONGS;
      boolean drop =
          (table[i + LEAF] & PageWalk.LARGE) != 0
              && (table[i + READ_TAG] ^ gva) >>> 30 == 0
              && (!globalsOnly || isGlobal(table, i));
      if (drop || table[i + READ_TAG] == INVALID) {
        table[i + READ_TAG] = INVALID;
        table[i + WRITE_TAG] = INVALID;
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
        clearWrites(tables[slots[n] / TABLE_LONGS], slots[n] % TABLE_LONGS, hostPage);
      }
      return;
    }
    for (long[] table : tables) {
      for (int i = 0; i < TABLE_LONGS; i += ENTRY_LONGS) {
        clearWrites(table, i, hostPage);
      }
    }
  }

  private static void clearWrites(long[] table, int i, long hostPage) {
    long tag = table[i + WRITE_TAG];
    if (tag != INVALID && (hostPage == EVERY_PAGE || tag + table[i + ADDEND] == hostPage)) {
      table[i + WRITE_TAG] = INVALID;
    }
  }
}
