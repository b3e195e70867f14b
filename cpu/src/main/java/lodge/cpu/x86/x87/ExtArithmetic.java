package lodge.cpu.x86.x87;

/**
 * Addition, subtraction, multiplication, division, square root and comparison; results are left in
 * an {@link ExtFloat}.
 */
final class ExtArithmetic {
  private ExtArithmetic() {}

  // Addition and subtraction.

  /** a + b. */
  static void add(ExtFloat f, int control, int ase, long asig, int bse, long bsig) {
    f.flags = 0;
    if (ExtFloat.normal(ase, asig) && ExtFloat.normal(bse, bsig)) {
      f.aExp = ase & ExtFloat.MAX_EXPONENT;
      f.aSig = asig;
      f.bExp = bse & ExtFloat.MAX_EXPONENT;
      f.bSig = bsig;
      addNormalized(f, control, ase & ExtFloat.SIGN, bse & ExtFloat.SIGN);
    } else {
      addSpecial(f, control, ase, asig, bse, bsig);
    }
  }

  /** a - b. */
  static void subtract(ExtFloat f, int control, int ase, long asig, int bse, long bsig) {
    f.flags = 0;
    if (ExtFloat.normal(ase, asig) && ExtFloat.normal(bse, bsig)) {
      f.aExp = ase & ExtFloat.MAX_EXPONENT;
      f.aSig = asig;
      f.bExp = bse & ExtFloat.MAX_EXPONENT;
      f.bSig = bsig;
      addNormalized(f, control, ase & ExtFloat.SIGN, ~bse & ExtFloat.SIGN);
    } else if (ExtFloat.nan(bse, bsig)) { // keeps its sign
      f.settled(ase, asig, bse, bsig);
    } else {
      addSpecial(f, control, ase, asig, bse ^ ExtFloat.SIGN, bsig);
    }
  }

  private static void addSpecial(ExtFloat f, int control, int ase, long asig, int bse, long bsig) {
    if (f.settled(ase, asig, bse, bsig)) {
      return;
    }
    boolean aInfinite = ExtFloat.infinite(ase, asig);
    boolean bInfinite = ExtFloat.infinite(bse, bsig);
    if (aInfinite && bInfinite && ase != bse) {
      f.invalid();
      return;
    }
    if (ExtFloat.denormal(ase, asig) || ExtFloat.denormal(bse, bsig)) {
      f.flags |= X87.DE;
    }
    if (aInfinite || bInfinite) {
      f.set(aInfinite ? ase : bse, ExtFloat.INTEGER_BIT);
      return;
    }
    boolean aZero = asig == 0;
    boolean bZero = bsig == 0;
    if (aZero && bZero) {
      f.set(ase == bse ? ase : zeroSign(control), 0);
    } else if (aZero) {
      f.normalizeA(bse, bsig);
      f.round(control, bse & ExtFloat.SIGN, f.aExp, f.aSig, 0);
    } else if (bZero) {
      f.normalizeA(ase, asig);
      f.round(control, ase & ExtFloat.SIGN, f.aExp, f.aSig, 0);
    } else {
      f.normalizeA(ase, asig);
      f.normalizeB(bse, bsig);
      addNormalized(f, control, ase & ExtFloat.SIGN, bse & ExtFloat.SIGN);
    }
  }

  /** The sign of an exact difference of 0. */
  private static int zeroSign(int control) {
    return ExtFloat.rounding(control) == ExtFloat.DOWN ? ExtFloat.SIGN : 0;
  }

  private static void addNormalized(ExtFloat f, int control, int aSign, int bSign) {
    int d = f.aExp - f.bExp;
    int sign = aSign;
    int exp = f.aExp;
    long big = f.aSig;
    long small = f.bSig;
    if (d < 0 || d == 0 && Long.compareUnsigned(big, small) < 0) {
      d = -d;
      sign = bSign;
      exp = f.bExp;
      big = f.bSig;
      small = f.aSig;
    }
    long lo = d == 0 ? 0 : ExtFloat.shiftLow(small, 0, d);
    long hi = d < 64 ? small >>> d : 0;
    if (aSign == bSign) {
      hi += big;
      if (d == 0
          || Long.compareUnsigned(hi, big)
              < 0) { // a carry, which two integer bits in line always give
        lo = hi << 63 | lo >>> 1 | lo & 1;
        hi = hi >>> 1 | ExtFloat.INTEGER_BIT;
        exp++;
      }
    } else {
      hi = big - hi - (lo != 0 ? 1 : 0);
      lo = -lo;
      if ((hi | lo) == 0) {
        f.set(zeroSign(control), 0);
        return;
      }
      if (hi >= 0) {
        int shift = hi != 0 ? Long.numberOfLeadingZeros(hi) : 64 + Long.numberOfLeadingZeros(lo);
        if (shift < 64) {
          hi = hi << shift | lo >>> 64 - shift;
          lo <<= shift;
        } else {
          hi = lo << shift - 64;
          lo = 0;
        }
        exp -= shift;
      }
    }
    f.round(control, sign, exp, hi, lo);
  }

  // Multiplication, division, square root.

  /** a * b. */
  static void multiply(ExtFloat f, int control, int ase, long asig, int bse, long bsig) {
    f.flags = 0;
    if (ExtFloat.normal(ase, asig) && ExtFloat.normal(bse, bsig)) {
      f.aExp = ase & ExtFloat.MAX_EXPONENT;
      f.aSig = asig;
      f.bExp = bse & ExtFloat.MAX_EXPONENT;
      f.bSig = bsig;
    } else {
      if (f.settled(ase, asig, bse, bsig)) {
        return;
      }
      boolean infinity = ExtFloat.infinite(ase, asig) || ExtFloat.infinite(bse, bsig);
      boolean zero = ExtFloat.zero(ase, asig) || ExtFloat.zero(bse, bsig);
      if (infinity && zero) {
        f.invalid();
        return;
      }
      if (ExtFloat.denormal(ase, asig) || ExtFloat.denormal(bse, bsig)) {
        f.flags |= X87.DE;
      }
      if (infinity || zero) {
        int sign = (ase ^ bse) & ExtFloat.SIGN;
        f.set(infinity ? sign | ExtFloat.MAX_EXPONENT : sign, infinity ? ExtFloat.INTEGER_BIT : 0);
        return;
      }
      f.normalizeA(ase, asig);
      f.normalizeB(bse, bsig);
    }
    long hi = Math.unsignedMultiplyHigh(f.aSig, f.bSig);
    long lo = f.aSig * f.bSig;
    int exp = f.aExp + f.bExp - ExtFloat.BIAS + 1;
    if (hi >= 0) {
      hi = hi << 1 | lo >>> 63;
      lo <<= 1;
      exp--;
    }
    f.round(control, (ase ^ bse) & ExtFloat.SIGN, exp, hi, lo);
  }

  /** a / b. */
  static void divide(ExtFloat f, int control, int ase, long asig, int bse, long bsig) {
    f.flags = 0;
    int sign = (ase ^ bse) & ExtFloat.SIGN;
    if (ExtFloat.normal(ase, asig) && ExtFloat.normal(bse, bsig)) {
      f.aExp = ase & ExtFloat.MAX_EXPONENT;
      f.aSig = asig;
      f.bExp = bse & ExtFloat.MAX_EXPONENT;
      f.bSig = bsig;
    } else if (divideSpecial(f, ase, asig, bse, bsig, sign)) {
      return;
    }
    int exp = f.aExp - f.bExp + ExtFloat.BIAS;
    long high = f.aSig;
    long low = 0;
    if (Long.compareUnsigned(f.aSig, f.bSig) >= 0) {
      high = f.aSig >>> 1;
      low = f.aSig << 63;
    } else {
      exp--;
    }
    long quotient = divide128(high, low, f.bSig);
    long remainder = low - quotient * f.bSig;
    long rest = 0;
    if (remainder != 0) {
      int half = Long.compareUnsigned(remainder, f.bSig - remainder);
      rest = half < 0 ? 1 : half > 0 ? -1 : ExtFloat.INTEGER_BIT;
    }
    f.round(control, sign, exp, quotient, rest);
  }

  private static boolean divideSpecial(
      ExtFloat f, int ase, long asig, int bse, long bsig, int sign) {
    if (f.settled(ase, asig, bse, bsig)) {
      return true;
    }
    boolean aInfinite = ExtFloat.infinite(ase, asig);
    boolean bInfinite = ExtFloat.infinite(bse, bsig);
    boolean aZero = ExtFloat.zero(ase, asig);
    boolean bZero = ExtFloat.zero(bse, bsig);
    if (aInfinite && bInfinite || aZero && bZero) {
      f.invalid();
      return true;
    }
    if (bZero && !aInfinite) {
      f.flags |= X87.ZE;
      f.set(sign | ExtFloat.MAX_EXPONENT, ExtFloat.INTEGER_BIT);
      return true;
    }
    if (ExtFloat.denormal(ase, asig) || ExtFloat.denormal(bse, bsig)) {
      f.flags |= X87.DE;
    }
    if (aInfinite) {
      f.set(sign | ExtFloat.MAX_EXPONENT, ExtFloat.INTEGER_BIT);
      return true;
    }
    if (bInfinite || aZero) {
      f.set(sign, 0);
      return true;
    }
    f.normalizeA(ase, asig);
    f.normalizeB(bse, bsig);
    return false;
  }

  /**
   * high:low / divisor, unsigned; high less than divisor, whose top bit is set. Schoolbook division
   * by 32-bit digits (Knuth, volume 2, 4.3.1, algorithm D).
   */
  static long divide128(long high, long low, long divisor) {
    long d1 = divisor >>> 32;
    long d0 = divisor & 0xFFFF_FFFFL;
    long q1 = digit(high, d1, d0, low >>> 32);
    long rest = (high << 32 | low >>> 32) - q1 * divisor;
    long q0 = digit(rest, d1, d0, low & 0xFFFF_FFFFL);
    return (q1 << 32) + q0;
  }

  private static long digit(long high, long d1, long d0, long next) {
    long q = Long.divideUnsigned(high, d1);
    long r = high - q * d1;
    while (q >>> 32 != 0 || Long.compareUnsigned(q * d0, r << 32 | next) > 0) {
      q--;
      r += d1;
      if (r >>> 32 != 0) {
        break;
      }
    }
    return q;
  }

  /** The square root of a. */
  static void squareRoot(ExtFloat f, int control, int ase, long asig) {
    f.flags = 0;
    if (f.settled(ase, asig)) {
      return;
    }
    if (ExtFloat.zero(ase, asig)) {
      f.set(ase, asig);
      return;
    }
    if ((ase & ExtFloat.SIGN) != 0) {
      f.invalid();
      return;
    }
    if (ExtFloat.infinite(ase, asig)) {
      f.set(ase, asig);
      return;
    }
    f.normalizeA(ase, asig);
    // The radicand as a 128-bit integer of which the root has exactly 64 bits.
    int e = f.aExp - ExtFloat.BIAS;
    long hi = (e & 1) != 0 ? f.aSig : f.aSig >>> 1;
    long lo = (e & 1) != 0 ? 0 : f.aSig << 63;
    long root = root128(hi, lo);
    long square = root * root;
    long restLow = lo - square;
    long restHigh =
        hi - Math.unsignedMultiplyHigh(root, root) - (Long.compareUnsigned(lo, square) < 0 ? 1 : 0);
    // The root is rounded up when the rest is more than it: (r + 1/2)^2 = r^2 + r + 1/4.
    long rest =
        (restHigh | restLow) == 0
            ? 0
            : restHigh != 0 || Long.compareUnsigned(restLow, root) > 0 ? -1 : 1;
    f.round(control, 0, (e >> 1) + ExtFloat.BIAS, root, rest);
  }

  /** The integer square root of hi:lo, at least 2^126. */
  private static long root128(long hi, long lo) {
    double approximate = Math.sqrt((hi >>> 1) * 0x1p65);
    long root = approximate >= 0x1p64 ? -1L : (long) (approximate * 0.5) << 1;
    for (int i = 0; i < 2; i++) { // one Newton step each, in floating point, on the exact remainder
      long square = root * root;
      long restLow = lo - square;
      long restHigh =
          hi
              - Math.unsignedMultiplyHigh(root, root)
              - (Long.compareUnsigned(lo, square) < 0 ? 1 : 0);
      double rest = restHigh * 0x1p64 + (restLow >>> 1) * 2.0;
      long step = (long) Math.floor(rest / (2 * approximate));
      long next = root + step;
      if (root < 0 && step > 0 && next >= 0) {
        next = -1L; // would pass 2^64
      }
      root = next;
    }
    while (exceeds(root, hi, lo)) {
      root--;
    }
    while (root != -1L && !exceeds(root + 1, hi, lo)) {
      root++;
    }
    return root;
  }

  private static boolean exceeds(long root, long hi, long lo) {
    int order = Long.compareUnsigned(Math.unsignedMultiplyHigh(root, root), hi);
    return order > 0 || order == 0 && Long.compareUnsigned(root * root, lo) > 0;
  }

  // Comparison.

  /**
   * Compares a with b.
   *
   * @param quiet quiet NaNs are no invalid operation (FUCOM)
   * @return C3, C2 and C0 as FCOM sets them: 0 greater, C0 less, C3 equal, all unordered
   */
  static int compare(ExtFloat f, int ase, long asig, int bse, long bsig, boolean quiet) {
    f.flags = 0;
    if (!ExtFloat.normal(ase, asig) || !ExtFloat.normal(bse, bsig)) {
      if (ExtFloat.unsupported(ase, asig) || ExtFloat.unsupported(bse, bsig)) {
        f.flags = X87.IE;
        return X87.C3 | X87.C2 | X87.C0;
      }
      if (ExtFloat.nan(ase, asig) || ExtFloat.nan(bse, bsig)) {
        f.flags =
            quiet && !ExtFloat.signalingNan(ase, asig) && !ExtFloat.signalingNan(bse, bsig)
                ? 0
                : X87.IE;
        return X87.C3 | X87.C2 | X87.C0;
      }
      if (ExtFloat.denormal(ase, asig) || ExtFloat.denormal(bse, bsig)) {
        f.flags = X87.DE;
      }
      if (ExtFloat.zero(ase, asig) && ExtFloat.zero(bse, bsig)) {
        return X87.C3;
      }
    }
    if (((ase ^ bse) & ExtFloat.SIGN) != 0) {
      return (ase & ExtFloat.SIGN) != 0 ? X87.C0 : 0;
    }
    // A pseudo-denormal has the exponent of the smallest normal numbers.
    int a = ase & ExtFloat.MAX_EXPONENT | (asig < 0 && (ase & ExtFloat.MAX_EXPONENT) == 0 ? 1 : 0);
    int b = bse & ExtFloat.MAX_EXPONENT | (bsig < 0 && (bse & ExtFloat.MAX_EXPONENT) == 0 ? 1 : 0);
    int order = a != b ? Integer.compare(a, b) : Long.compareUnsigned(asig, bsig);
    if (order == 0) {
      return X87.C3;
    }
    return order > 0 ^ (ase & ExtFloat.SIGN) != 0 ? 0 : X87.C0;
  }
}
