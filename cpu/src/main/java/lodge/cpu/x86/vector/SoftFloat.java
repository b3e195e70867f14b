package lodge.cpu.x86.vector;

/**
 * Binary floating point in integer arithmetic: every rounding mode, DAZ, FTZ and every exception of
 * the two SSE formats.
 *
 * <p>A format is named by the width of its fraction, {@link #F32} or {@link #F64}, for conversions
 * also {@link #F16}. A single is taken from and delivered in the low 32 bits of a long; higher bits
 * of operands are ignored, of results unspecified. Between unpacking and rounding a significand has
 * its leading 1 at bit 62, and bit 0 is sticky.
 */
final class SoftFloat {
  static final int F16 = 10;
  static final int F32 = 23;
  static final int F64 = 52;

  private SoftFloat() {}

  // ---------------------------------------------------------------- parts

  static int maxExponent(int f) {
    return f == F64 ? 0x7FF : f == F32 ? 0xFF : 0x1F;
  }

  static int bias(int f) {
    return f == F64 ? 1023 : f == F32 ? 127 : 15;
  }

  private static int signBit(int f) {
    return f == F64 ? 63 : f == F32 ? 31 : 15;
  }

  static int sign(long a, int f) {
    return (int) (a >>> signBit(f)) & 1;
  }

  static int exponent(long a, int f) {
    return (int) (a >>> f) & maxExponent(f);
  }

  static long fraction(long a, int f) {
    return a & (1L << f) - 1;
  }

  static boolean isNan(long a, int f) {
    return exponent(a, f) == maxExponent(f) && fraction(a, f) != 0;
  }

  static boolean isSignaling(long a, int f) {
    return isNan(a, f) && (a >>> f - 1 & 1) == 0;
  }

  static boolean isInfinite(long a, int f) {
    return exponent(a, f) == maxExponent(f) && fraction(a, f) == 0;
  }

  static boolean isDenormal(long a, int f) {
    return exponent(a, f) == 0 && fraction(a, f) != 0;
  }

  static boolean isZero(long a, int f) {
    return exponent(a, f) == 0 && fraction(a, f) == 0;
  }

  static long zero(int sign, int f) {
    return (long) sign << signBit(f);
  }

  static long infinity(int sign, int f) {
    return zero(sign, f) | (long) maxExponent(f) << f;
  }

  static long quiet(long a, int f) {
    return a | 1L << f - 1;
  }

  /** What an invalid operation on no NaN yields: the negative quiet NaN without payload. */
  static long indefinite(int f) {
    return quiet(infinity(1, f), f);
  }

  /** The operand as DAZ lets it be seen. */
  static long operand(SimdFloat e, long a, int f) {
    return (e.mxcsr & Mxcsr.DAZ) != 0 && isDenormal(a, f) ? zero(sign(a, f), f) : a;
  }

  /** The result when at least one operand is a NaN: the first one, quieted. */
  private static long propagate(SimdFloat e, long a, long b, int f) {
    if (isSignaling(a, f) || isSignaling(b, f)) {
      e.raised |= Mxcsr.IE;
    }
    return quiet(isNan(a, f) ? a : b, f);
  }

  static long invalid(SimdFloat e, int f) {
    e.raised |= Mxcsr.IE;
    return indefinite(f);
  }

  static void noteDenormals(SimdFloat e, long a, long b, int f) {
    if (isDenormal(a, f) || isDenormal(b, f)) {
      e.raised |= Mxcsr.DE;
    }
  }

  /** The significand of a number that is not zero, leading bit at bit 62. */
  static long significand(long a, int f) {
    long fraction = fraction(a, f);
    if (exponent(a, f) != 0) {
      return (fraction | 1L << f) << 62 - f;
    }
    return fraction << Long.numberOfLeadingZeros(fraction) - 1;
  }

  /** The biased exponent that goes with {@link #significand}; below 1 for denormals. */
  static int normalizedExponent(long a, int f) {
    int exponent = exponent(a, f);
    if (exponent != 0) {
      return exponent;
    }
    return 1 - (Long.numberOfLeadingZeros(fraction(a, f)) - (63 - f));
  }

  private static long shiftRightSticky(long a, int count) {
    if (count >= 63) {
      return a != 0 ? 1 : 0;
    }
    return a >>> count | ((a & (1L << count) - 1) != 0 ? 1 : 0);
  }

  // ---------------------------------------------------------------- rounding

  /** What is added below the last kept bit before it is cut off there. */
  private static long increment(int mode, int sign, long mask) {
    return switch (mode) {
      case 0 -> (mask >>> 1) + 1;
      case 1 -> sign != 0 ? mask : 0;
      case 2 -> sign != 0 ? 0 : mask;
      default -> 0;
    };
  }

  /**
   * Rounds and packs a number that is not zero, raising overflow, underflow and precision.
   *
   * @param exponent biased, of any size
   * @param significand leading bit at bit 62, bit 0 sticky
   */
  static long round(SimdFloat e, int sign, int exponent, long significand, int f) {
    return round(e, sign, exponent, significand, f, e.rounding(), (e.mxcsr & Mxcsr.FTZ) != 0);
  }

  /**
   * As above.
   *
   * @param mode as MXCSR encodes it
   * @param flush tiny results become zero while underflow is masked
   */
  static long round(
      SimdFloat e, int sign, int exponent, long significand, int f, int mode, boolean flush) {
    int shift = 62 - f;
    long mask = (1L << shift) - 1;
    long increment = increment(mode, sign, mask);
    if (exponent <= 0) {
      // Tininess is detected after rounding, as if the exponent had no limit.
      boolean tiny = exponent < 0 || significand + increment >= 0;
      if (tiny && (e.mxcsr & Mxcsr.UM) == 0) {
        // The handler is told of lost precision as if the exponent had no limit.
        e.raised |= (significand & mask) != 0 ? Mxcsr.UE | Mxcsr.PE : Mxcsr.UE;
        return zero(sign, f);
      }
      if (tiny && flush) {
        e.raised |= Mxcsr.UE | Mxcsr.PE;
        return zero(sign, f);
      }
      long shifted = shiftRightSticky(significand, 1 - exponent);
      if ((shifted & mask) != 0) {
        e.raised |= tiny ? Mxcsr.UE | Mxcsr.PE : Mxcsr.PE;
      }
      return zero(sign, f) | cut(shifted, increment, mask, mode, shift);
    }
    long low = significand & mask;
    // A carry out of the top doubles the number: its fraction is zero then.
    long rounded = cut(significand, increment, mask, mode, shift);
    int finalExponent = rounded >>> f + 1 != 0 ? exponent + 1 : exponent;
    if (finalExponent >= maxExponent(f)) {
      return overflow(e, sign, low != 0, mode, f);
    }
    if (low != 0) {
      e.raised |= Mxcsr.PE;
    }
    return zero(sign, f) | ((long) exponent << f) + (rounded - (1L << f));
  }

  private static long cut(long significand, long increment, long mask, int mode, int shift) {
    long low = significand & mask;
    long rounded = significand + increment >>> shift;
    return mode == 0 && low == (mask >>> 1) + 1 ? rounded & ~1L : rounded;
  }

  private static long overflow(SimdFloat e, int sign, boolean inexact, int mode, int f) {
    e.raised |= Mxcsr.OE;
    if (inexact || (e.mxcsr & Mxcsr.OE << Mxcsr.MASK_SHIFT) != 0) {
      e.raised |= Mxcsr.PE;
    }
    boolean toInfinity = mode == 0 || mode == (sign != 0 ? 1 : 2);
    return toInfinity ? infinity(sign, f) : infinity(sign, f) - 1;
  }

  // ---------------------------------------------------------------- arithmetic

  static long add(SimdFloat e, long first, long second, int f) {
    long a = operand(e, first, f);
    long b = operand(e, second, f);
    return isNan(a, f) || isNan(b, f) ? propagate(e, a, b, f) : sum(e, a, b, f);
  }

  static long subtract(SimdFloat e, long first, long second, int f) {
    long a = operand(e, first, f);
    long b = operand(e, second, f);
    return isNan(a, f) || isNan(b, f) ? propagate(e, a, b, f) : sum(e, a, b ^ zero(1, f), f);
  }

  private static long sum(SimdFloat e, long a, long b, int f) {
    int signA = sign(a, f);
    int signB = sign(b, f);
    if (isInfinite(a, f)) {
      if (isInfinite(b, f) && signA != signB) {
        return invalid(e, f);
      }
      noteDenormals(e, a, b, f);
      return a;
    }
    noteDenormals(e, a, b, f);
    if (isInfinite(b, f)) {
      return b;
    }
    int shift = 61 - f;
    int expA = Math.max(1, exponent(a, f));
    int expB = Math.max(1, exponent(b, f));
    long sigA = fraction(a, f) | (exponent(a, f) != 0 ? 1L << f : 0);
    long sigB = fraction(b, f) | (exponent(b, f) != 0 ? 1L << f : 0);
    sigA <<= shift;
    sigB <<= shift;
    int exponent = Math.max(expA, expB);
    sigA = shiftRightSticky(sigA, exponent - expA);
    sigB = shiftRightSticky(sigB, exponent - expB);
    long sum = (signA != 0 ? -sigA : sigA) + (signB != 0 ? -sigB : sigB);
    if (sum == 0) {
      int sign = signA == signB ? signA : e.rounding() == 1 ? 1 : 0;
      return zero(sign, f);
    }
    long magnitude = Math.abs(sum);
    int normalize = Long.numberOfLeadingZeros(magnitude) - 1;
    return round(e, sum < 0 ? 1 : 0, exponent + 1 - normalize, magnitude << normalize, f);
  }

  static long multiply(SimdFloat e, long first, long second, int f) {
    long a = operand(e, first, f);
    long b = operand(e, second, f);
    if (isNan(a, f) || isNan(b, f)) {
      return propagate(e, a, b, f);
    }
    int sign = sign(a, f) ^ sign(b, f);
    if (isInfinite(a, f) || isInfinite(b, f)) {
      if (isZero(a, f) || isZero(b, f)) {
        return invalid(e, f);
      }
      noteDenormals(e, a, b, f);
      return infinity(sign, f);
    }
    noteDenormals(e, a, b, f);
    if (isZero(a, f) || isZero(b, f)) {
      return zero(sign, f);
    }
    long sigA = significand(a, f);
    long sigB = significand(b, f);
    int exponent = normalizedExponent(a, f) + normalizedExponent(b, f) - bias(f);
    long low = sigA * sigB;
    long product = Math.multiplyHigh(sigA, sigB) << 2 | low >>> 62 | (low << 2 != 0 ? 1 : 0);
    if (product < 0) {
      product = product >>> 1 | product & 1;
      exponent++;
    }
    return round(e, sign, exponent, product, f);
  }

  static long divide(SimdFloat e, long first, long second, int f) {
    long a = operand(e, first, f);
    long b = operand(e, second, f);
    if (isNan(a, f) || isNan(b, f)) {
      return propagate(e, a, b, f);
    }
    int sign = sign(a, f) ^ sign(b, f);
    if (isInfinite(a, f)) {
      if (isInfinite(b, f)) {
        return invalid(e, f);
      }
      noteDenormals(e, a, b, f);
      return infinity(sign, f);
    }
    if (isZero(b, f)) {
      if (isZero(a, f)) {
        return invalid(e, f);
      }
      e.raised |= Mxcsr.ZE;
      return infinity(sign, f);
    }
    noteDenormals(e, a, b, f);
    if (isZero(a, f) || isInfinite(b, f)) {
      return zero(sign, f);
    }
    int exponent = normalizedExponent(a, f) - normalizedExponent(b, f) + bias(f);
    long divisor = significand(b, f);
    long rest = significand(a, f);
    long quotient = 0;
    for (int i = 0; i < 63; i++) {
      quotient <<= 1;
      if (Long.compareUnsigned(rest, divisor) >= 0) {
        rest -= divisor;
        quotient |= 1;
      }
      rest <<= 1;
    }
    if (quotient >>> 62 == 0) {
      quotient <<= 1;
      exponent--;
    }
    return round(e, sign, exponent, rest != 0 ? quotient | 1 : quotient, f);
  }

  static long squareRoot(SimdFloat e, long source, int f) {
    long a = operand(e, source, f);
    if (isNan(a, f)) {
      return propagate(e, a, a, f);
    }
    if (isZero(a, f)) {
      return a;
    }
    if (sign(a, f) != 0) {
      return invalid(e, f);
    }
    noteDenormals(e, a, a, f);
    if (isInfinite(a, f)) {
      return a;
    }
    int unbiased = normalizedExponent(a, f) - bias(f);
    // An integer of 53 or 54 bits that stands for a number from 1 to below 4, so that the exponent
    // is even.
    long radicand = significand(a, f) >>> 10 << (unbiased & 1);
    long root = (long) (Math.sqrt(radicand * 0x1p-52) * 0x1p52);
    // The root is the nearest of 53 bits. The error's sign is all that further rounding needs to
    // know.
    long error = Long.signum((radicand << 52) - root * root);
    return round(e, 0, (unbiased >> 1) + bias(f), (root << 10) + error, f);
  }

  // ---------------------------------------------------------------- conversion between formats

  /** From one format to the other. */
  static long convert(SimdFloat e, long source, int from, int to) {
    long a = operand(e, source, from);
    int sign = sign(a, from);
    if (isNan(a, from)) {
      if (isSignaling(a, from)) {
        e.raised |= Mxcsr.IE;
      }
      long payload = fraction(a, from);
      long moved = to > from ? payload << to - from : payload >>> from - to;
      return quiet(infinity(sign, to) | moved, to);
    }
    if (isInfinite(a, from)) {
      return infinity(sign, to);
    }
    if (isZero(a, from)) {
      return zero(sign, to);
    }
    noteDenormals(e, a, a, from);
    int exponent = normalizedExponent(a, from) - bias(from) + bias(to);
    return round(e, sign, exponent, significand(a, from), to);
  }

  static long fromInteger(SimdFloat e, long value, int f) {
    if (value == 0) {
      return 0;
    }
    int sign = value < 0 ? 1 : 0;
    long magnitude = Math.abs(value);
    if (magnitude < 0) {
      return round(e, sign, bias(f) + 63, 1L << 62, f);
    }
    int shift = Long.numberOfLeadingZeros(magnitude) - 1;
    return round(e, sign, bias(f) + 62 - shift, magnitude << shift, f);
  }
}
