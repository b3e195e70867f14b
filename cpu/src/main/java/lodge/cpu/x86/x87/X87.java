package lodge.cpu.x86.x87;

/**
 * x87 state (SDM volume 1, chapter 8), also the home of the MMX registers.
 *
 * <p>Physical register {@code i} is {@code significand[i]} and {@code signExponent[i]} (sign at bit 15). ST(i) is
 * physical register {@code (top + i) & 7}; MMi is the significand of physical register {@code i}.
 */
public final class X87 {
  public final long[] significand = new long[8];
  public final int[] signExponent = new int[8];

  /** Control word. */
  public int control;

  /** Status word without its TOP field, which {@link #top} holds. */
  public int status;

  public int top;

  /** Bit i: physical register i is not empty. */
  public int valid;

  /** Last instruction: opcode (11 bits), code pointer, data pointer. */
  public int lastOpcode;

  public long lastRip;
  public long lastDataPointer;

  /** After RESET# (which differs from FINIT). */
  public void reset() {
    java.util.Arrays.fill(significand, 0);
    java.util.Arrays.fill(signExponent, 0);
    control = 0x40;
    status = 0;
    top = 0;
    valid = 0xFF;
    lastOpcode = 0;
    lastRip = 0;
    lastDataPointer = 0;
  }
}
