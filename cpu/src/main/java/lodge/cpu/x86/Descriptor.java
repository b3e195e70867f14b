package lodge.cpu.x86;

/**
 * Segment and gate descriptors (SDM volume 3, 3.4.5, 3.5, 5.8.3, 6.11): bits of a segment's access
 * rights as {@link Cpu#segAccess} holds them, and fields of the raw 8 bytes as they lie in a
 * descriptor table.
 */
public final class Descriptor {
  /** Type field, bits 3:0. */
  public static final int TYPE = 0xF;

  public static final int ACCESSED = 1;

  /** Data: writable; code: readable. */
  public static final int WRITABLE = 1 << 1;

  /** Data: expands down; code: conforming. */
  public static final int EXPAND_DOWN = 1 << 2;

  public static final int CONFORMING = 1 << 2;
  public static final int CODE = 1 << 3;

  /** Code or data, not a system descriptor. */
  public static final int NON_SYSTEM = 1 << 4;

  public static final int DPL_SHIFT = 5;
  public static final int PRESENT = 1 << 7;
  public static final int LONG = 1 << 13;
  public static final int DEFAULT_32 = 1 << 14;
  public static final int GRANULARITY = 1 << 15;

  /**
   * Type with the S bit of system descriptors; in long mode the 32-bit ones are the 64-bit ones.
   */
  public static final int TSS_16 = 1;

  public static final int LDT = 2;
  public static final int TSS_16_BUSY = 3;
  public static final int CALL_GATE_16 = 4;
  public static final int TASK_GATE = 5;
  public static final int INTERRUPT_GATE_16 = 6;
  public static final int TRAP_GATE_16 = 7;
  public static final int TSS_32 = 9;
  public static final int TSS_32_BUSY = 0xB;
  public static final int CALL_GATE_32 = 0xC;
  public static final int INTERRUPT_GATE_32 = 0xE;
  public static final int TRAP_GATE_32 = 0xF;

  /**
   * Present, writable, accessed data of DPL 0 with byte granularity: what reset gives the segment
   * registers.
   */
  public static final int REAL_MODE_DATA = 0x93;

  /** As above with DPL 3: every segment register in virtual-8086 mode. */
  public static final int VIRTUAL_8086_DATA = 0xF3;

  private Descriptor() {}

  public static int dpl(int access) {
    return access >> DPL_SHIFT & 3;
  }

  // ---------------------------------------------------------------- raw descriptors

  /** Access rights of a raw descriptor in the layout of {@link Cpu#segAccess}. */
  public static int access(long descriptor) {
    return (int) (descriptor >>> 40) & 0xF0FF;
  }

  /** Bits 31:0 of the base. */
  public static long base(long descriptor) {
    return descriptor >>> 16 & 0xFF_FFFF | descriptor >>> 32 & 0xFF00_0000L;
  }

  /** Last valid offset in bytes, granularity applied. */
  public static long limit(long descriptor) {
    long limit = descriptor & 0xFFFF | descriptor >>> 32 & 0xF_0000;
    return (descriptor >>> 40 & GRANULARITY) != 0 ? limit << 12 | 0xFFF : limit;
  }

  /** The type with the S bit on top: 0 to 15 for system descriptors. */
  public static int systemType(long descriptor) {
    return (int) (descriptor >>> 40) & 0x1F;
  }

  public static boolean present(long descriptor) {
    return (descriptor >>> 40 & PRESENT) != 0;
  }

  public static int dplOf(long descriptor) {
    return (int) (descriptor >>> 45) & 3;
  }

  /** A code segment, readable or not. */
  public static boolean isCode(long descriptor) {
    return (descriptor >>> 40 & (NON_SYSTEM | CODE)) == (NON_SYSTEM | CODE);
  }

  /** A data segment that may be written: what SS takes. */
  public static boolean isWritableData(long descriptor) {
    return (descriptor >>> 40 & (NON_SYSTEM | CODE | WRITABLE)) == (NON_SYSTEM | WRITABLE);
  }

  public static boolean isConforming(long descriptor) {
    return (descriptor >>> 40 & CONFORMING) != 0;
  }

  /** The L bit. */
  public static boolean isLong(long descriptor) {
    return (descriptor >>> 40 & LONG) != 0;
  }

  /** The D/B bit. */
  public static boolean isDefault32(long descriptor) {
    return (descriptor >>> 40 & DEFAULT_32) != 0;
  }

  /** Selector that a gate names. */
  public static int gateSelector(long gate) {
    return (int) (gate >>> 16) & 0xFFFF;
  }

  /** Bits 31:0 of the offset that a gate names. */
  public static long gateOffset(long gate) {
    return gate & 0xFFFF | gate >>> 32 & 0xFFFF_0000L;
  }
}
