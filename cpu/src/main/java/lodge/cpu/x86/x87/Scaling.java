package lodge.cpu.x86.x87;

/** The operations on exponents and quotients: FPREM, FPREM1, FSCALE and FXTRACT (SDM volume 2). */
public final class Scaling {
  private static final int Q0 = X87.C1;
  private static final int Q1 = X87.C3;
  private static final int Q2 = X87.C0;

  /** C0 and C3 stay as they were. */
  static final int UNCHANGED = -1;

  private Scaling() {}

  /**
   * The partial remainder of a / b.
   *
   * @param nearest the quotient is rounded to nearest (FPREM1), not chopped (FPREM)
   * @return C2 when the reduction is incomplete; otherwise the quotient's low bits in C0, C3 and
   *     C1; {@link #UNCHANGED} when NaNs or an invalid operation decided the result
   */
  public static int remainder(
      ExtFloat f, int control, int ase, long asig, int bse, long bsig, boolean nearest) {
    f.flags = 0;
    if (f.settled(ase, asig, bse, bsig)) {
      return UNCHANGED;
    }
    if (ExtFloat.infinite(ase, asig) || ExtFloat.zero(bse, bsig)) {
      f.invalid();
      return UNCHANGED;
    }
    if (ExtFloat.denormal(ase, asig) || ExtFloat.denormal(bse, bsig)) {
      f.flags = X87.DE;
    }
    if (ExtFloat.zero(ase, asig)) {
      f.set(ase, asig);
      return 0;
    }
    int precise = control | ExtFloat.PRECISION_64;
    int sign = ase & ExtFloat.SIGN;
    if (ExtFloat.infinite(bse, bsig)) {
      f.setOperand(ase, asig);
      return 0;
    }
    f.normalizeA(ase, asig);
    f.normalizeB(bse, bsig);
    int d = f.aExp - f.bExp;
    if (d < (nearest ? -1 : 0)) {
      f.round(precise, sign, f.aExp, f.aSig, 0);
      return 0;
    }
    long divisor = f.bSig;
    if (d < 0) { // FPREM1 of a number between b / 4 and b: the quotient is 0 or 1
      if (Long.compareUnsigned(f.aSig, divisor) <= 0) {
        f.round(precise, sign, f.aExp, f.aSig, 0);
        return 0;
      }
      store(f, precise, sign ^ ExtFloat.SIGN, f.aExp, 2 * divisor - f.aSig);
      return Q0;
    }
    // Complete when the exponents differ by less than 64; else as many bits as the processors of
    // today take.
    int bits = d < 64 ? d : d & 0x1F | 0x20;
    long rest = f.aSig;
    long quotient = 0;
    if (Long.compareUnsigned(rest, divisor) >= 0) {
      rest -= divisor;
      quotient = 1L << bits;
    }
    if (bits != 0) {
      long q = ExtArithmetic.divide128(rest >>> 64 - bits, rest << bits, divisor);
      rest = (rest << bits) - q * divisor;
      quotient += q;
    }
    if (d >= 64) {
      store(f, precise, sign, f.aExp - bits, rest);
      return X87.C2;
    }
    if (nearest) {
      int half = Long.compareUnsigned(rest, divisor - rest);
      if (half > 0 || half == 0 && (quotient & 1) != 0) {
        rest = divisor - rest;
        quotient++;
        sign ^= ExtFloat.SIGN;
      }
    }
    store(f, precise, rest == 0 ? ase & ExtFloat.SIGN : sign, f.bExp, rest);
    return ((quotient & 1) != 0 ? Q0 : 0)
        | ((quotient & 2) != 0 ? Q1 : 0)
        | ((quotient & 4) != 0 ? Q2 : 0);
  }

  private static void store(ExtFloat f, int control, int sign, int exp, long sig) {
    if (sig == 0) {
      f.set(sign, 0);
      return;
    }
    int shift = Long.numberOfLeadingZeros(sig);
    f.round(control, sign, exp - shift, sig << shift, 0);
  }

  /** FSCALE: a times 2 to the power of b chopped to an integer. */
  public static void scale(ExtFloat f, int control, int ase, long asig, int bse, long bsig) {
    f.flags = 0;
    if (f.settled(ase, asig, bse, bsig)) {
      return;
    }
    boolean down = (bse & ExtFloat.SIGN) != 0;
    int sign = ase & ExtFloat.SIGN;
    if (ExtFloat.infinite(bse, bsig)) {
      if (down ? ExtFloat.infinite(ase, asig) : ExtFloat.zero(ase, asig)) {
        f.invalid();
        return;
      }
      if (ExtFloat.denormal(ase, asig)) {
        f.flags = X87.DE;
      }
      f.set(down ? sign : sign | ExtFloat.MAX_EXPONENT, down ? 0 : ExtFloat.INTEGER_BIT);
      return;
    }
    if (ExtFloat.denormal(ase, asig) || ExtFloat.denormal(bse, bsig)) {
      f.flags = X87.DE;
    }
    if (ExtFloat.infinite(ase, asig) || ExtFloat.zero(ase, asig) || ExtFloat.zero(bse, bsig)) {
      f.setOperand(ase, asig);
      return;
    }
    int exp = (bse & ExtFloat.MAX_EXPONENT) - ExtFloat.BIAS;
    int power = exp < 0 ? 0 : exp > 16 ? 1 << 17 : (int) (bsig >>> 63 - exp);
    f.normalizeA(ase, asig);
    int scaled = f.aExp + (down ? -power : power);
    f.round(control | ExtFloat.PRECISION_64, sign, scaled, f.aSig, 0);
  }

  /**
   * FXTRACT's exponent of a, as a number; its significand follows with {@link #significand}. Zero
   * gives ZE and minus infinity.
   */
  public static void exponent(ExtFloat f, int ase, long asig) {
    f.flags = 0;
    if (f.settled(ase, asig)) {
      return;
    }
    if (ExtFloat.infinite(ase, asig)) {
      f.set(ExtFloat.MAX_EXPONENT, ExtFloat.INTEGER_BIT);
    } else if (ExtFloat.zero(ase, asig)) {
      f.flags = X87.ZE;
      f.set(ExtFloat.SIGN | ExtFloat.MAX_EXPONENT, ExtFloat.INTEGER_BIT);
    } else {
      f.normalizeA(ase, asig);
      int flags = f.flags;
      Conversions.fromInteger(f, f.aExp - ExtFloat.BIAS);
      f.flags = flags;
    }
  }

  /** FXTRACT's significand of a, with a's sign and the exponent of 1. */
  public static void significand(ExtFloat f, int ase, long asig) {
    f.flags = 0;
    if (f.settled(ase, asig)) {
      return;
    }
    if (ExtFloat.infinite(ase, asig) || ExtFloat.zero(ase, asig)) {
      f.set(ase, asig);
    } else {
      f.normalizeA(ase, asig);
      f.set(ase & ExtFloat.SIGN | ExtFloat.BIAS, f.aSig);
    }
  }
}
