package lodge.cpu.x86.x87;

import java.math.BigInteger;

/**
 * 128-bit fixed-point arithmetic for the transcendental functions. An unsigned 128-bit number is a
 * pair of longs; results are left in {@link #hi} and {@link #lo}. All results are truncated and at
 * most a few units of 2^-126 too small or, where a truncated term is subtracted, too large.
 */
final class Wide {
  /** Binary digits after the point of a series' coefficients and sums. */
  static final int SERIES_POINT = 126;

  private static final BigInteger MASK = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

  long hi;
  long lo;

  void set(long hi, long lo) {
    this.hi = hi;
    this.lo = lo;
  }

  void decrement() {
    hi -= lo == 0 ? 1 : 0;
    lo--;
  }

  /** The upper half of the 256-bit product. */
  void multiply(long ah, long al, long bh, long bl) {
    long low = ah * bh;
    long high = Math.unsignedMultiplyHigh(ah, bh);
    long cross = Math.unsignedMultiplyHigh(ah, bl);
    low += cross;
    if (Long.compareUnsigned(low, cross) < 0) {
      high++;
    }
    cross = Math.unsignedMultiplyHigh(al, bh);
    low += cross;
    if (Long.compareUnsigned(low, cross) < 0) {
      high++;
    }
    hi = high;
    lo = low;
  }

  /** a * 2^128 / b, where a is less than b and b has its top bit set. */
  void divide(long ah, long al, long bh, long bl) {
    long first = digit(ah, al, 0, bh, bl);
    long rh = restHigh;
    long rl = restLow;
    long second = digit(rh, rl, 0, bh, bl);
    hi = first;
    lo = second;
  }

  private long restHigh;
  private long restLow;

  /** One digit to base 2^64 of n2:n1:n0 / bh:bl. */
  private long digit(long n2, long n1, long n0, long bh, long bl) {
    long q = Long.compareUnsigned(n2, bh) >= 0 ? -1L : ExtArithmetic.divide128(n2, n1, bh);
    long p0 = q * bl;
    long p1 = q * bh;
    long p2 = Math.unsignedMultiplyHigh(q, bh);
    long cross = Math.unsignedMultiplyHigh(q, bl);
    p1 += cross;
    if (Long.compareUnsigned(p1, cross) < 0) {
      p2++;
    }
    long r0 = n0 - p0;
    long borrow0 = Long.compareUnsigned(n0, p0) < 0 ? 1 : 0;
    long r1 = n1 - p1 - borrow0;
    long borrow1 = Long.compareUnsigned(n1, p1) < 0 || n1 == p1 && borrow0 != 0 ? 1 : 0;
    long r2 = n2 - p2 - borrow1;
    while (r2 < 0) { // at most twice
      q--;
      r0 += bl;
      long carry0 = Long.compareUnsigned(r0, bl) < 0 ? 1 : 0;
      long sum = r1 + bh;
      long carry1 = Long.compareUnsigned(sum, bh) < 0 ? 1 : 0;
      r1 = sum + carry0;
      if (carry0 != 0 && r1 == 0) {
        carry1 = 1;
      }
      r2 += carry1;
    }
    restHigh = r1;
    restLow = r0;
    return q;
  }

  /** Shifts this right; {@code shift} is at least 0. */
  void shiftRight(int shift) {
    if (shift >= 128) {
      set(0, 0);
    } else if (shift >= 64) {
      set(0, hi >>> shift - 64);
    } else if (shift > 0) {
      set(hi >>> shift, hi << 64 - shift | lo >>> shift);
    }
  }

  /** Shifts this left until its top bit is set. Returns by how much; 128 for 0. */
  int normalize() {
    if (hi == 0) {
      hi = lo;
      lo = 0;
      if (hi == 0) {
        return 128;
      }
      int shift = Long.numberOfLeadingZeros(hi);
      hi <<= shift;
      return 64 + shift;
    }
    int shift = Long.numberOfLeadingZeros(hi);
    if (shift != 0) {
      hi = hi << shift | lo >>> 64 - shift;
      lo <<= shift;
    }
    return shift;
  }

  /**
   * c0 + c1 z + c2 z^2 ..., or with alternating signs c0 - c1 z + c2 z^2 ...
   *
   * @param coefficients high and low halves in turn, decreasing, {@link #SERIES_POINT}
   * @param zh upper half of z, a fraction (128 binary digits)
   */
  void series(long[] coefficients, long zh, long zl, boolean alternating) {
    int zeros = zh != 0 ? Long.numberOfLeadingZeros(zh) : 64;
    int terms = coefficients.length / 2;
    if (zeros > 4) {
      terms = Math.min(terms, 130 / zeros + 2);
    }
    int i = 2 * terms - 2;
    set(coefficients[i], coefficients[i + 1]);
    while (i > 0) {
      i -= 2;
      multiply(zh, zl, hi, lo);
      long ch = coefficients[i];
      long cl = coefficients[i + 1];
      if (alternating) {
        hi = ch - hi - (Long.compareUnsigned(cl, lo) < 0 ? 1 : 0);
        lo = cl - lo;
      } else {
        long sum = cl + lo;
        hi = ch + hi + (Long.compareUnsigned(sum, cl) < 0 ? 1 : 0);
        lo = sum;
      }
    }
  }

  // Tables.

  /** 1 / (first + k * step)! for k = 0 to terms - 1, each relative to 1 / first!. */
  static long[] factorials(int first, int step, int terms) {
    long[] table = new long[2 * terms];
    BigInteger divisor = BigInteger.ONE;
    int n = first;
    for (int k = 0; k < terms; k++) {
      put(table, k, BigInteger.ONE.shiftLeft(SERIES_POINT).divide(divisor));
      for (int i = 0; i < step; i++) {
        divisor = divisor.multiply(BigInteger.valueOf(++n));
      }
    }
    return table;
  }

  /** 1 / (2k + 1) for k = 0 to terms - 1. */
  static long[] oddReciprocals(int terms) {
    long[] table = new long[2 * terms];
    for (int k = 0; k < terms; k++) {
      put(table, k, BigInteger.ONE.shiftLeft(SERIES_POINT).divide(BigInteger.valueOf(2 * k + 1)));
    }
    return table;
  }

  /** arctan(j / 16) for j = 0 to 16, by Euler's series. */
  static long[] arcTangents() {
    long[] table = new long[34];
    int extra = 32;
    for (int j = 0; j <= 16; j++) {
      BigInteger square = BigInteger.valueOf(j * j);
      BigInteger denominator = BigInteger.valueOf(256 + j * j);
      BigInteger term =
          BigInteger.valueOf(16 * j).shiftLeft(SERIES_POINT + extra).divide(denominator);
      BigInteger sum = BigInteger.ZERO;
      for (int n = 1; term.signum() != 0; n++) {
        sum = sum.add(term);
        term =
            term.multiply(square)
                .multiply(BigInteger.valueOf(2 * n))
                .divide(denominator.multiply(BigInteger.valueOf(2 * n + 1)));
      }
      put(table, j, sum.shiftRight(extra));
    }
    return table;
  }

  private static void put(long[] table, int k, BigInteger value) {
    table[2 * k] = value.shiftRight(64).longValue();
    table[2 * k + 1] = value.and(MASK).longValue();
  }
}
