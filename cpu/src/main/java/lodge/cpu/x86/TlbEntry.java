package lodge.cpu.x86;

import static lodge.core.host.HostMemory.getLong;

/** How an access looks into the TLB; see {@link Tlb}. */
public final class TlbEntry {
  /** The only entry in which a page can be is at: table + (GVA >>> SHIFT & INDEX_MASK). */
  private static final int SHIFT = 12 - Tlb.ENTRY_SHIFT;

  private static final long INDEX_MASK = Tlb.TABLE_BYTES - Tlb.ENTRY_BYTES;
  private static final int RIGHT = Long.numberOfLeadingZeros(Tlb.ENTRIES - 1);
  private static final int LEFT = RIGHT - 12;
  private static final long PAGE_MASK = ~0xFFFL;

  private TlbEntry() {}

  /**
   * For translated code: where the host has bytes that can be read, or 0. Too long for HotSpot's
   * first compiler to copy it to all places that call it.
   *
   * @param tlb {@link Mmu#tlb}
   * @param last the last byte, relative to {@code gva}
   */
  public static long find(long tlb, long gva, int last) {
    long entry = tlb + (gva >>> SHIFT & INDEX_MASK);
    return getLong(entry) == (gva + last & PAGE_MASK) ? gva + getLong(entry + Tlb.ADDEND) : 0;
  }

  /**
   * As {@link #find}, for writing. It says the same in other terms: where a loop reads and writes
   * one place, the compiler would take what both have in common out of both, and compute it even
   * when neither look is needed.
   */
  public static long findWritable(long tlb, long gva, int last) {
    long entry = tlb + (gva << LEFT >>> RIGHT << Tlb.ENTRY_SHIFT);
    long end = gva + last;
    return getLong(entry + Tlb.WRITE_TAG) == end - (end & ~PAGE_MASK)
        ? gva + getLong(entry + Tlb.ADDEND)
        : 0;
  }

  static long of(long tlb, long gva) {
    return tlb + (gva >>> SHIFT & INDEX_MASK);
  }

  /**
   * Whether the bytes from {@code gva} to {@code gva + last} can be read at {@link #host}. Those of
   * two pages cannot: the last one has another tag.
   */
  static boolean mayRead(long entry, long gva, long last) {
    return getLong(entry + Tlb.READ_TAG) == (gva + last & PAGE_MASK);
  }

  /** As {@link #mayRead}, for writing, which includes reading. */
  static boolean mayWrite(long entry, long gva, long last) {
    return getLong(entry + Tlb.WRITE_TAG) == (gva + last & PAGE_MASK);
  }

  /** Where the host has the byte at {@code gva}. */
  static long host(long entry, long gva) {
    return gva + getLong(entry + Tlb.ADDEND);
  }
}
