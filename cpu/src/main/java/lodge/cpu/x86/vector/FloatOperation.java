package lodge.cpu.x86.vector;

import lodge.cpu.x86.decode.Mnemonic;

/**
 * Floating-point instructions by their (SSE) mnemonic: for code that has the mnemonic in a
 * variable.
 */
public final class FloatOperation {
  private FloatOperation() {}

  /**
   * Arithmetic on one element, the scalar and the packed form: a result from both operands'
   * elements.
   */
  public static boolean isArithmetic(Mnemonic mnemonic) {
    return isDouble(mnemonic) || isSingle(mnemonic);
  }

  private static boolean isDouble(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case ADDPD, SUBPD, MULPD, DIVPD, MINPD, MAXPD, SQRTPD -> true;
      case ADDSD, SUBSD, MULSD, DIVSD, MINSD, MAXSD, SQRTSD -> true;
      default -> false;
    };
  }

  private static boolean isSingle(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case ADDPS, SUBPS, MULPS, DIVPS, MINPS, MAXPS, SQRTPS, RCPPS, RSQRTPS -> true;
      case ADDSS, SUBSS, MULSS, DIVSS, MINSS, MAXSS, SQRTSS, RCPSS, RSQRTSS -> true;
      default -> false;
    };
  }

  /** One double-precision element of an {@link #isArithmetic} instruction. */
  public static long arithmetic64(SimdFloat e, Mnemonic mnemonic, long a, long b) {
    return switch (mnemonic) {
      case ADDPD, ADDSD -> e.add64(a, b);
      case SUBPD, SUBSD -> e.subtract64(a, b);
      case MULPD, MULSD -> e.multiply64(a, b);
      case DIVPD, DIVSD -> e.divide64(a, b);
      case MINPD, MINSD -> FloatCompare.min64(e, a, b);
      case MAXPD, MAXSD -> FloatCompare.max64(e, a, b);
      case SQRTPD, SQRTSD -> e.squareRoot64(b);
      default -> throw new IllegalArgumentException(mnemonic.name());
    };
  }

  /** One single-precision element of an {@link #isArithmetic} instruction. */
  public static int arithmetic32(SimdFloat e, Mnemonic mnemonic, int a, int b) {
    return switch (mnemonic) {
      case ADDPS, ADDSS -> e.add32(a, b);
      case SUBPS, SUBSS -> e.subtract32(a, b);
      case MULPS, MULSS -> e.multiply32(a, b);
      case DIVPS, DIVSS -> e.divide32(a, b);
      case MINPS, MINSS -> FloatCompare.min32(e, a, b);
      case MAXPS, MAXSS -> FloatCompare.max32(e, a, b);
      case SQRTPS, SQRTSS -> e.squareRoot32(b);
      case RCPPS, RCPSS -> Reciprocal.reciprocal(b);
      case RSQRTPS, RSQRTSS -> Reciprocal.reciprocalRoot(b);
      default -> throw new IllegalArgumentException(mnemonic.name());
    };
  }

  /** Both single-precision elements of a lane. */
  public static long arithmetic32x2(SimdFloat e, Mnemonic mnemonic, long a, long b) {
    int low = arithmetic32(e, mnemonic, (int) a, (int) b);
    int high = arithmetic32(e, mnemonic, (int) (a >>> 32), (int) (b >>> 32));
    return singles(low, high);
  }

  /** A lane of two singles. */
  public static long singles(int low, int high) {
    return low & 0xFFFF_FFFFL | (long) high << 32;
  }
}
