package lodge.cpu.x86.vector;

/** Multiplication and addition with one rounding (FMA), exact in all environments. */
public final class FusedFloat {
  /** The product changes its sign before it is added. */
  public static final int NEGATE_PRODUCT = 1;

  /** The addend changes its sign. */
  public static final int NEGATE_ADDEND = 2;

  /** Place of the units in the high word of a 128-bit significand: two more bits are above. */
  private static final int UNIT = 61;

  private FusedFloat() {}

  /**
   * The product of the first two operands plus the third.
   *
   * @param f {@link SoftFloat#F32} or {@link SoftFloat#F64}
   */
  static long multiplyAdd(SimdFloat e, long first, long second, long third, int signs, int f) {
    long a = SoftFloat.operand(e, first, f);
    long b = SoftFloat.operand(e, second, f);
    long c = SoftFloat.operand(e, third, f);
    boolean infinite = SoftFloat.isInfinite(a, f) || SoftFloat.isInfinite(b, f);
    boolean zero = SoftFloat.isZero(a, f) || SoftFloat.isZero(b, f);
    if (SoftFloat.isNan(a, f) || SoftFloat.isNan(b, f) || SoftFloat.isNan(c, f)) {
      return propagate(e, a, b, c, f);
    }
    int sign = SoftFloat.sign(a, f) ^ SoftFloat.sign(b, f) ^ signs & NEGATE_PRODUCT;
    int addendSign = SoftFloat.sign(c, f) ^ signs >> 1;
    if (infinite) {
      if (zero || SoftFloat.isInfinite(c, f) && sign != addendSign) {
        return SoftFloat.invalid(e, f);
      }
      noteDenormals(e, a, b, c, f);
      return SoftFloat.infinity(sign, f);
    }
    noteDenormals(e, a, b, c, f);
    if (SoftFloat.isInfinite(c, f)) {
      return SoftFloat.infinity(addendSign, f);
    }
    if (zero) {
      if (!SoftFloat.isZero(c, f)) {
        int exponent = SoftFloat.normalizedExponent(c, f);
        return SoftFloat.round(e, addendSign, exponent, SoftFloat.significand(c, f), f);
      }
      return cancelled(e, sign, addendSign, f);
    }
    return sum(e, sign, a, b, addendSign, c, f);
  }

  /** The first NaN among the factors and then the addend, quieted. */
  private static long propagate(SimdFloat e, long a, long b, long c, int f) {
    if (SoftFloat.isSignaling(a, f) || SoftFloat.isSignaling(b, f) || SoftFloat.isSignaling(c, f)) {
      e.raised |= Mxcsr.IE;
    }
    return SoftFloat.quiet(SoftFloat.isNan(a, f) ? a : SoftFloat.isNan(b, f) ? b : c, f);
  }

  private static void noteDenormals(SimdFloat e, long a, long b, long c, int f) {
    SoftFloat.noteDenormals(e, a, b, f);
    SoftFloat.noteDenormals(e, c, c, f);
  }

  /** A sum of zero from two numbers of these signs. */
  private static long cancelled(SimdFloat e, int sign, int addendSign, int f) {
    return SoftFloat.zero(sign == addendSign ? sign : e.rounding() == 1 ? 1 : 0, f);
  }

  /** Factors are not zero; all are finite. */
  private static long sum(SimdFloat e, int sign, long a, long b, int addendSign, long c, int f) {
    long sigA = SoftFloat.significand(a, f);
    long sigB = SoftFloat.significand(b, f);
    int exponent =
        SoftFloat.normalizedExponent(a, f) + SoftFloat.normalizedExponent(b, f) - SoftFloat.bias(f);
    // Both factors have their units at bit 62: those of the product are at bit 124.
    long high = Math.multiplyHigh(sigA, sigB) << 1;
    long low = sigA * sigB;
    high |= low >>> 63;
    low <<= 1;
    if (SoftFloat.isZero(c, f)) {
      return pack(e, sign, exponent, high, low, f);
    }
    long sigC = SoftFloat.significand(c, f);
    long addendHigh = sigC >>> 1;
    long addendLow = sigC << 63;
    int distance = exponent - SoftFloat.normalizedExponent(c, f);
    if (distance >= 0) {
      addendLow = shiftedLow(addendHigh, addendLow, distance);
      addendHigh = distance < 64 ? addendHigh >>> distance : 0;
    } else {
      exponent -= distance;
      low = shiftedLow(high, low, -distance);
      high = -distance < 64 ? high >>> -distance : 0;
    }
    if (sign == addendSign) {
      long sum = low + addendLow;
      high += addendHigh + (Long.compareUnsigned(sum, low) < 0 ? 1 : 0);
      return pack(e, sign, exponent, high, sum, f);
    }
    long borrow = Long.compareUnsigned(low, addendLow) < 0 ? 1 : 0;
    low -= addendLow;
    high -= addendHigh + borrow;
    if ((high | low) == 0) {
      return cancelled(e, sign, addendSign, f);
    }
    if (high < 0) {
      // The addend was the larger one.
      low = -low;
      high = ~high + (low == 0 ? 1 : 0);
      return pack(e, addendSign, exponent, high, low, f);
    }
    return pack(e, sign, exponent, high, low, f);
  }

  /** Low word of a number shifted right, bit 0 sticky. */
  private static long shiftedLow(long high, long low, int count) {
    if (count == 0) {
      return low;
    }
    if (count < 64) {
      long lost = low << 64 - count;
      return low >>> count | high << 64 - count | (lost != 0 ? 1 : 0);
    }
    if (count == 64) {
      return high | (low != 0 ? 1 : 0);
    }
    if (count < 128) {
      long lost = high << 128 - count | low;
      return high >>> count - 64 | (lost != 0 ? 1 : 0);
    }
    return (high | low) != 0 ? 1 : 0;
  }

  /** Rounds a number that is not zero. */
  private static long pack(SimdFloat e, int sign, int exponent, long high, long low, int f) {
    if (high < 0) {
      long significand = high >>> 1 | ((high & 1 | low) != 0 ? 1 : 0);
      return SoftFloat.round(e, sign, exponent + 2, significand, f);
    }
    int zeros = high != 0 ? Long.numberOfLeadingZeros(high) : 64 + Long.numberOfLeadingZeros(low);
    int shift = zeros - 1;
    long significand;
    boolean rest;
    if (shift == 0) {
      significand = high;
      rest = low != 0;
    } else if (shift < 64) {
      significand = high << shift | low >>> 64 - shift;
      rest = low << shift != 0;
    } else {
      significand = low << shift - 64;
      rest = false;
    }
    // The leading bit is at bit 62 - shift of the high word.
    int adjusted = exponent + 62 - UNIT - shift;
    return SoftFloat.round(e, sign, adjusted, rest ? significand | 1 : significand, f);
  }
}
