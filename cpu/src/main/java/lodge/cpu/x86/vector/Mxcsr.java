package lodge.cpu.x86.vector;

/** Bits of the MXCSR register (SDM volume 1, 10.2.3). */
public final class Mxcsr {
  public static final int IE = 1;
  public static final int DE = 1 << 1;
  public static final int ZE = 1 << 2;
  public static final int OE = 1 << 3;
  public static final int UE = 1 << 4;
  public static final int PE = 1 << 5;
  public static final int DAZ = 1 << 6;
  public static final int FTZ = 1 << 15;

  /** The sticky exception flags. */
  public static final int FLAGS = 0x3F;

  /** From a flag to its mask bit. */
  public static final int MASK_SHIFT = 7;

  public static final int UM = UE << MASK_SHIFT;

  /** Position of the rounding control: 0 nearest, 1 down, 2 up, 3 toward zero. */
  public static final int RC_SHIFT = 13;

  /** Exceptions found in the operands, before anything is computed. */
  public static final int PRE_COMPUTATION = IE | DE | ZE;

  /** After reset: all masked, round to nearest. */
  public static final int DEFAULT = 0x1F80;

  /** All but the flags. */
  public static final int CONTROL = 0xFFC0;

  /** Bits that may be set; what FXSAVE stores as MXCSR_MASK. */
  public static final int VALID = 0xFFFF;

  private Mxcsr() {}
}
