package lodge.cpu.x86.translator;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;

/**
 * How the arithmetic flags are kept in a region: the kind of the instruction that set them last and
 * up to three values, {@code a}, {@code b} (operands) and {@code r} (result), all sign-extended
 * from the operand size, which makes every rule independent of that size.
 */
public final class FlagState {
  /** {@code r} is {@link Cpu#flagResult}, {@code a} is {@link Cpu#flagAux}. */
  static final int READY = 0;

  /** {@code r = a + b}. */
  static final int ADD = 1;

  /** {@code r = a + b + CF}. */
  static final int ADC = 2;

  /** {@code r = a - b}. */
  static final int SUB = 3;

  /** {@code r = a - b - CF}. */
  static final int SBB = 4;

  /** {@code r} by AND, OR or XOR. */
  static final int LOGIC = 5;

  /** {@code r = a + 1}; {@code b < 0} is CF. */
  static final int INC = 6;

  /** {@code r = a - 1}; {@code b < 0} is CF. */
  static final int DEC = 7;

  /** Known only when the region runs: the kind is in a local. */
  static final int DYNAMIC = 8;

  private FlagState() {}

  /** {@link Cpu#flagAux} for a state. */
  public static long aux(int kind, long a, long b, long r) {
    return switch (kind) {
      case READY -> a;
      case ADD, ADC -> pack(a & b | (a | b) & ~r, (a ^ r) & (b ^ r), a ^ b ^ r);
      case SUB, SBB -> pack(~a & b | ~(a ^ b) & r, (a ^ b) & (a ^ r), a ^ b ^ r);
      case INC -> pack(b, ~a & r, a ^ 1 ^ r);
      case DEC -> pack(b, a & ~r, a ^ 1 ^ r);
      default -> 0;
    };
  }

  /**
   * @param carry negative: CF; @param overflow negative: OF; @param half bit 4: AF
   */
  private static long pack(long carry, long overflow, long half) {
    return carry & Flags.AUX_CF
        | (carry ^ overflow) >>> 1 & Flags.AUX_PO
        | half >>> 1 & Flags.AUX_AF;
  }

  /** Makes a state that of the processor. */
  public static void store(Cpu c, int kind, long a, long b, long r) {
    c.flagResult = r;
    c.flagAux = aux(kind, a, b, r);
  }

  /** A condition code, 0 to 15, of a state. */
  public static boolean condition(int kind, long a, long b, long r, int code) {
    long aux = aux(kind, a, b, r);
    boolean holds =
        switch (code >> 1) {
          case 0 -> (aux ^ aux << 1) < 0;
          case 1 -> aux < 0;
          case 2 -> r == 0;
          case 3 -> aux < 0 || r == 0;
          case 4 -> (r ^ aux << 63) < 0;
          case 5 -> (Integer.bitCount((int) (r ^ aux >>> 8) & 0xFF) & 1) == 0;
          case 6 -> (r ^ aux << 63 ^ aux ^ aux << 1) < 0;
          default -> r == 0 || (r ^ aux << 63 ^ aux ^ aux << 1) < 0;
        };
    return holds ^ (code & 1) != 0;
  }

  /** CF as a number below 0 (set) or not. */
  public static long carry(int kind, long a, long b, long r) {
    return switch (kind) {
      case READY -> a;
      case ADD, ADC -> a & b | (a | b) & ~r;
      case SUB, SBB -> ~a & b | ~(a ^ b) & r;
      case INC, DEC -> b;
      default -> 0;
    };
  }

  /** {@link Cpu#flagAux} of SHL by {@code n} of a value of {@code bits} bits. */
  public static long shlAux(long value, int bits, int n) {
    long carry = value << 63 - (bits - n);
    long overflow = value << 64 - bits ^ value << 65 - bits;
    return carry & Flags.AUX_CF | (carry ^ overflow) >>> 1 & Flags.AUX_PO;
  }

  /** {@link Cpu#flagAux} of SHR by {@code n} of a sign-extended value. */
  public static long shrAux(long value, int bits, int n) {
    long carry = value << 64 - n;
    return carry & Flags.AUX_CF | (carry ^ value) >>> 1 & Flags.AUX_PO;
  }

  /** {@link Cpu#flagAux} of SAR by {@code n} of a sign-extended value. */
  public static long sarAux(long value, int bits, int n) {
    long carry = value << 64 - n;
    return carry & Flags.AUX_CF | carry >>> 1 & Flags.AUX_PO;
  }

  /** {@link Cpu#flagAux} of a multiplication; see {@link lodge.cpu.x86.Alu#mulFlags}. */
  public static long mulAux(long significantHigh, long low) {
    return (significantHigh != 0 ? Flags.AUX_CF : 0) | (low == 0 ? 0x100 : 0);
  }

  /** {@link Cpu#flagResult} of a multiplication. */
  public static long mulResult(long low) {
    return low == 0 ? 1 : low;
  }
}
