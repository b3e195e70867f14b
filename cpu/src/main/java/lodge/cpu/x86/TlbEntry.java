package lodge.cpu.x86;

import static lodge.core.host.HostMemory.getLong;

/**
 * How an access looks into the TLB. {@link Mmu} calls the methods; translated code does the same
 * with the constants. See {@link Tlb}.
 */
public final class TlbEntry {
  /** The only entry in which a page can be is at: table + (GVA >>> SHIFT & INDEX_MASK). */
  public static final int SHIFT = 12 - Tlb.ENTRY_SHIFT;

  /** See {@link #SHIFT}. */
  public static final long INDEX_MASK = Tlb.TABLE_BYTES - Tlb.ENTRY_BYTES;

  /** In an entry: the GVA of the page that can be written. That of one to be read is first. */
  public static final int WRITE_TAG = Tlb.WRITE_TAG;

  /** In an entry: what turns a GVA into the host's address. */
  public static final int ADDEND = Tlb.ADDEND;

  private static final long PAGE_MASK = ~0xFFFL;

  private TlbEntry() {}

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
    return getLong(entry + WRITE_TAG) == (gva + last & PAGE_MASK);
  }

  /** Where the host has the byte at {@code gva}. */
  static long host(long entry, long gva) {
    return gva + getLong(entry + ADDEND);
  }
}
