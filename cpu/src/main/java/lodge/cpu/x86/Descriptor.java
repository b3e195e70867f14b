package lodge.cpu.x86;

/** Bits of a segment's access rights as {@link Cpu#segAccess} holds them (SDM volume 3, 3.4.5). */
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

  private Descriptor() {}

  public static int dpl(int access) {
    return access >> DPL_SHIFT & 3;
  }
}
