package lodge.cpu.x86.x87;

/**
 * F2XM1, FYL2X, FYL2XP1 and FPATAN (SDM volume 1, 8.3.6 to 8.3.9), by power series in 128-bit fixed
 * point: results carry more than 110 correct bits before they are rounded as the control word says.
 * The precision control does not apply.
 *
 * <p>One object belongs to one processor; its fields are scratch space.
 */
final class Transcendentals {
  private static final long[] EXPONENTIAL = Wide.factorials(1, 1, 33);
  private static final long[] ODD_RECIPROCALS = Wide.oddReciprocals(27);
  private static final long[] ARC_TANGENTS = Wide.arcTangents();

  /** ln 2, a fraction with 128 digits. */
  private static final long LN2_HIGH = 0xB17217F7D1CF79ABL;

  private static final long LN2_LOW = 0xC9E3B39803F2F6AFL;

  /** 2 / ln 2, pi and 3 pi / 4 with 126 digits after the point. */
  private static final long TWO_BY_LN2_HIGH = 0xB8AA3B295C17F0BBL;

  private static final long TWO_BY_LN2_LOW = 0xBE87FED0691D3E88L;
  private static final long PI_HIGH = 0xC90FDAA22168C234L;
  private static final long PI_LOW = 0xC4C6628B80DC1CD1L;
  private static final long THREE_QUARTERS_PI_HIGH = 0x96CBE3F9990E91A7L;
  private static final long THREE_QUARTERS_PI_LOW = 0x9394C9E8A0A5159DL;

  /** The significand of the square root of 2. */
  private static final long ROOT_2 = 0xB504F333F9DE6484L;

  private static final int PRECISION_64 = ExtFloat.PRECISION_64;
  private static final long INTEGER_BIT = ExtFloat.INTEGER_BIT;

  private final Wide w = new Wide();

  /** What several methods leave besides {@link #w}: the value is w as a fraction times 2^weight. */
  private int weight;

  /** Whether {@link #rotate} left a negative angle. */
  private boolean rotatedBack;

  /**
   * Rounds an inexact result.
   *
   * @param weight the value is hi:lo as a fraction times 2^weight
   */
  static void finish(ExtFloat f, Wide w, int control, int sign, int weight) {
    int shift = w.normalize();
    f.round(control | PRECISION_64, sign, weight - 1 - shift + ExtFloat.BIAS, w.hi, w.lo | 1);
  }

  /**
   * What the processor says of a result that happens to be exact: the precision and underflow
   * exceptions come anyway.
   */
  static void markInexact(ExtFloat f) {
    f.flags |= ExtFloat.denormal(f.se, f.sig) ? X87.PE | X87.UE : X87.PE;
  }

  /** F2XM1: 2^x - 1 for x from -1 to 1. Other numbers give themselves. */
  void exponential(ExtFloat f, int control, int se, long sig) {
    f.flags = 0;
    if (f.settled(se, sig)) {
      return;
    }
    if (ExtFloat.zero(se, sig)) {
      f.set(se, sig);
      return;
    }
    int sign = se & ExtFloat.SIGN;
    if (ExtFloat.infinite(se, sig)) {
      f.set(sign != 0 ? ExtFloat.SIGN | ExtFloat.BIAS : se, sig);
      return;
    }
    f.normalizeA(se, sig);
    int e = f.aExp - ExtFloat.BIAS;
    if (e >= 0) {
      f.flags |= X87.PE; // exact or not
      if (e == 0 && sig == ExtFloat.INTEGER_BIT) {
        f.set(sign != 0 ? se - 1 : se, sig); // 1 or -1/2
      } else {
        f.set(se, sig);
      }
      return;
    }
    w.multiply(f.aSig, 0, LN2_HIGH, LN2_LOW);
    long ph = w.hi;
    long pl = w.lo;
    w.shiftRight(-1 - e);
    w.series(EXPONENTIAL, w.hi, w.lo, sign != 0);
    w.multiply(ph, pl, w.hi, w.lo);
    finish(f, w, control, sign, e + 3);
  }

  /** FYL2X: y * log2(x), where x is ST(0) and y is ST(1). */
  void logarithm(ExtFloat f, int control, int xse, long xsig, int yse, long ysig) {
    f.flags = 0;
    if (f.settled(xse, xsig, yse, ysig)) {
      return;
    }
    boolean yZero = ExtFloat.zero(yse, ysig);
    boolean yInfinite = ExtFloat.infinite(yse, ysig);
    int ySign = yse & ExtFloat.SIGN;
    if (ExtFloat.zero(xse, xsig)) {
      if (yZero) {
        f.invalid();
      } else {
        if (!yInfinite) {
          f.flags = X87.ZE;
        }
        f.set(ySign ^ ExtFloat.SIGN | ExtFloat.MAX_EXPONENT, ExtFloat.INTEGER_BIT);
      }
      return;
    }
    if ((xse & ExtFloat.SIGN) != 0) {
      f.invalid();
      return;
    }
    boolean xInfinite = ExtFloat.infinite(xse, xsig);
    boolean one = xse == ExtFloat.BIAS && xsig == ExtFloat.INTEGER_BIT;
    if (xInfinite && yZero || one && yInfinite) {
      f.invalid();
      return;
    }
    if (ExtFloat.denormal(xse, xsig) || ExtFloat.denormal(yse, ysig)) {
      f.flags = X87.DE;
    }
    int below = xse < ExtFloat.BIAS ? ExtFloat.SIGN : 0; // the logarithm's sign
    if (xInfinite || yInfinite) {
      f.set(ySign ^ below | ExtFloat.MAX_EXPONENT, ExtFloat.INTEGER_BIT);
      return;
    }
    if (yZero || one) {
      f.set(ySign ^ below, 0);
      return;
    }
    f.normalizeA(xse, xsig);
    f.normalizeB(yse, ysig);
    int k = f.aExp - ExtFloat.BIAS;
    logarithm(f, control, ySign, k, f.aSig, 0);
  }

  /**
   * y (normalized in f's b operand, its sign apart) times the base-2 logarithm of hi:lo / 2^127 *
   * 2^k, which is not 1.
   */
  private void logarithm(ExtFloat f, int control, int ySign, int k, long hi, long lo) {
    if (hi == INTEGER_BIT && lo == 0) {
      timesInteger(f, control, ySign, k);
      return;
    }
    // log2 m = 2 / ln 2 * artanh s, where s = (m - 1) / (m + 1) and m is from sqrt(1/2) to sqrt 2.
    int sign = 0;
    long top;
    if (Long.compareUnsigned(hi, ROOT_2) > 0) {
      k++;
      sign = ExtFloat.SIGN;
      w.set(-hi - (lo != 0 ? 1 : 0), -lo);
      top = INTEGER_BIT;
    } else {
      w.set(hi ^ INTEGER_BIT, lo);
      top = 1L << 62;
    }
    int shift = w.normalize();
    artanh((hi >>> 1) + top, hi << 63 | lo >>> 1, -1 - shift);
    if (k != 0) {
      // |k| + or - the fraction, with 16 digits before the point.
      int kSign = k < 0 ? ExtFloat.SIGN : 0;
      w.shiftRight(16 - weight);
      long integer = (long) Math.abs(k) << 48;
      if (kSign == sign) {
        w.hi += integer;
      } else {
        w.hi = integer - w.hi - (w.lo != 0 ? 1 : 0);
        w.lo = -w.lo;
      }
      sign = kSign;
      weight = 16;
    }
    timesY(f, control, ySign ^ sign, weight);
  }

  /**
   * 2 / ln 2 * artanh(s), where s = n / d * 2^weight; n is {@link #w}, normalized as d is, and |s|
   * is less than 0.18.
   */
  private void artanh(long dh, long dl, int weight) {
    divide(w.hi, w.lo, dh, dl);
    weight += this.weight;
    long sh = w.hi;
    long sl = w.lo;
    w.multiply(sh, sl, sh, sl);
    w.shiftRight(-2 * weight);
    w.series(ODD_RECIPROCALS, w.hi, w.lo, false);
    w.multiply(sh, sl, w.hi, w.lo);
    int shift = w.normalize();
    w.multiply(w.hi, w.lo, TWO_BY_LN2_HIGH, TWO_BY_LN2_LOW);
    this.weight = weight + 4 - shift;
  }

  /** Quotient of two fractions with their top bits set, normalized, with {@link #weight}. */
  private void divide(long nh, long nl, long dh, long dl) {
    int order = Long.compareUnsigned(nh, dh);
    if (order > 0 || order == 0 && Long.compareUnsigned(nl, dl) >= 0) {
      w.divide(nh >>> 1, nh << 63 | nl >>> 1, dh, dl);
      weight = 1;
    } else {
      w.divide(nh, nl, dh, dl);
      weight = 0;
    }
    weight -= w.normalize();
  }

  private void timesY(ExtFloat f, int control, int sign, int weight) {
    int shift = w.normalize();
    w.multiply(w.hi, w.lo, f.bSig, 0);
    // y is bSig as a fraction times 2^(bExp - BIAS + 1).
    finish(f, w, control, sign, weight - shift + f.bExp - ExtFloat.BIAS + 1);
  }

  /** FYL2XP1: y * log2(x + 1), where x is ST(0), meant for |x| < 1 - sqrt(1/2), and y is ST(1). */
  void logarithmPlus1(ExtFloat f, int control, int xse, long xsig, int yse, long ysig) {
    f.flags = 0;
    if (f.settled(xse, xsig, yse, ysig)) {
      return;
    }
    boolean xZero = ExtFloat.zero(xse, xsig);
    boolean yZero = ExtFloat.zero(yse, ysig);
    boolean xInfinite = ExtFloat.infinite(xse, xsig);
    boolean yInfinite = ExtFloat.infinite(yse, ysig);
    int xSign = xse & ExtFloat.SIGN;
    int sign = (xse ^ yse) & ExtFloat.SIGN;
    if (xInfinite && (xSign != 0 || yZero) || xZero && yInfinite) {
      f.invalid();
      return;
    }
    if (ExtFloat.denormal(xse, xsig) || ExtFloat.denormal(yse, ysig)) {
      f.flags = X87.DE;
    }
    if (xInfinite || yInfinite) {
      f.set(sign | ExtFloat.MAX_EXPONENT, ExtFloat.INTEGER_BIT);
      return;
    }
    if (xZero || yZero) {
      f.set(sign, 0);
      return;
    }
    f.normalizeA(xse, xsig);
    f.normalizeB(yse, ysig);
    int e = f.aExp - ExtFloat.BIAS;
    long sig = f.aSig;
    if (e >= -2) {
      large(f, control, xSign, yse & ExtFloat.SIGN, e, sig);
      return;
    }
    // s = x / (2 + x), with d = 2 + x at 126 digits after the point.
    w.set(sig, 0);
    w.shiftRight(1 - e);
    long dh;
    long dl;
    if (xSign == 0) {
      dh = w.hi | ExtFloat.INTEGER_BIT;
      dl = w.lo;
    } else {
      dh = ExtFloat.INTEGER_BIT - w.hi - (w.lo != 0 ? 1 : 0);
      dl = -w.lo;
    }
    int adjust = 0;
    if (dh >= 0) {
      dh = dh << 1 | dl >>> 63;
      dl <<= 1;
      adjust = 1;
    }
    w.set(sig, 0);
    artanh(dh, dl, e - 1 + adjust);
    timesY(f, control, sign, weight);
  }

  /** FYL2XP1 where 1 + x differs so much from 1 that the sum loses nothing. */
  private void large(ExtFloat f, int control, int xSign, int ySign, int e, long sig) {
    if (xSign == 0) {
      int k = Math.max(e, 0);
      w.set(sig, 0);
      w.shiftRight(1 + k - e); // one spare bit for a carry
      if (k < 127) { // else 1 is too little to count
        combine(k < 63 ? 1L << 62 - k : 0, k < 63 ? 0 : 1L << 126 - k, false);
      }
      int shift = w.normalize();
      logarithm(f, control, ySign, k + 1 - shift, w.hi, w.lo);
    } else if (e >= 0) { // no logarithm: the operand itself
      f.round(control | PRECISION_64, xSign, f.aExp, sig, 0);
      markInexact(f);
    } else {
      w.set(sig, 0);
      w.shiftRight(-e);
      w.hi = ExtFloat.INTEGER_BIT - w.hi - (w.lo != 0 ? 1 : 0);
      w.lo = -w.lo;
      int shift = w.normalize();
      logarithm(f, control, ySign, -shift, w.hi, w.lo);
    }
  }

  /** An integer k times y (normalized in f's b operand, its sign apart). */
  private static void timesInteger(ExtFloat f, int control, int ySign, int k) {
    long bSig = f.bSig;
    int shift = Long.numberOfLeadingZeros(Math.abs(k));
    long significand = (long) Math.abs(k) << shift;
    long hi = Math.unsignedMultiplyHigh(significand, bSig);
    long lo = significand * bSig;
    int exp = f.bExp + 64 - shift;
    if (hi >= 0) {
      hi = hi << 1 | lo >>> 63;
      lo <<= 1;
      exp--;
    }
    f.round(control | PRECISION_64, k < 0 ? ySign ^ ExtFloat.SIGN : ySign, exp, hi, lo);
    markInexact(f);
  }

  /** FPATAN: the angle of the point (x, y), where x is ST(0) and y is ST(1), from -pi to pi. */
  void arcTangent(ExtFloat f, int control, int xse, long xsig, int yse, long ysig) {
    f.flags = 0;
    if (f.settled(xse, xsig, yse, ysig)) {
      return;
    }
    if (ExtFloat.denormal(xse, xsig) || ExtFloat.denormal(yse, ysig)) {
      f.flags = X87.DE;
    }
    int sign = yse & ExtFloat.SIGN;
    boolean left = (xse & ExtFloat.SIGN) != 0;
    boolean xInfinite = ExtFloat.infinite(xse, xsig);
    boolean yInfinite = ExtFloat.infinite(yse, ysig);
    if (ExtFloat.zero(yse, ysig) || xInfinite && !yInfinite) {
      if (left) {
        angle(f, control, sign, 4);
      } else {
        f.set(sign, 0);
      }
    } else if (yInfinite || ExtFloat.zero(xse, xsig)) {
      angle(f, control, sign, !xInfinite ? 2 : left ? 3 : 1);
    } else {
      f.normalizeA(xse, xsig);
      f.normalizeB(yse, ysig);
      if (!left && f.aExp - f.bExp > 40) { // so small an angle is its own tangent
        ExtArithmetic.divide(f, control | PRECISION_64, yse, ysig, xse, xsig);
        markInexact(f);
      } else {
        arcTangent(f, control, sign, left);
      }
    }
  }

  /** An angle of {@code quarters} (1 to 4) times pi/4. */
  private void angle(ExtFloat f, int control, int sign, int quarters) {
    if (quarters == 3) {
      w.set(THREE_QUARTERS_PI_HIGH, THREE_QUARTERS_PI_LOW);
    } else {
      w.set(PI_HIGH, PI_LOW);
    }
    finish(f, w, control, sign, quarters > 2 ? 2 : quarters - 1);
  }

  /** x and y are f's a and b operands. */
  private void arcTangent(ExtFloat f, int control, int sign, boolean left) {
    int d = f.bExp - f.aExp;
    boolean steep = d > 0 || d == 0 && Long.compareUnsigned(f.bSig, f.aSig) > 0;
    long n = steep ? f.aSig : f.bSig; // the smaller one
    long m = steep ? f.bSig : f.aSig;
    d = Math.abs(d); // m's exponent less n's
    int j = d > 6 ? 0 : (int) Math.round(16 * Math.scalb((double) (n >>> 1) / (m >>> 1), -d));
    rotatedBack = false;
    if (j == 0) {
      divide(n, 0, m, 0);
      weight -= d;
    } else {
      rotate(n, m, d, j);
    }
    if ((w.hi | w.lo) != 0) {
      arcTangentSeries();
    }
    if (j == 0 && !steep && !left) {
      finish(f, w, control, sign, weight);
      return;
    }
    // Fixed point, 126 digits.
    w.shiftRight(2 - weight);
    if (j != 0) {
      combine(ARC_TANGENTS[2 * j], ARC_TANGENTS[2 * j + 1], rotatedBack);
    }
    if (steep) {
      combine(PI_HIGH >>> 1, PI_HIGH << 63 | PI_LOW >>> 1, !left);
    } else if (left) {
      combine(PI_HIGH, PI_LOW, true);
    }
    finish(f, w, control, sign, 2);
  }

  /** w = arctan(w): w is a fraction times 2^weight, normalized, less than 1/30. */
  private void arcTangentSeries() {
    long sh = w.hi;
    long sl = w.lo;
    w.multiply(sh, sl, sh, sl);
    w.shiftRight(-2 * weight);
    w.series(ODD_RECIPROCALS, w.hi, w.lo, true);
    w.decrement(); // the sum is less than 1, however small its second term is
    w.multiply(sh, sl, w.hi, w.lo);
    weight += 2;
  }

  /** w = base + or - w. */
  private void combine(long hi, long lo, boolean subtract) {
    if (subtract) {
      w.hi = hi - w.hi - (Long.compareUnsigned(lo, w.lo) < 0 ? 1 : 0);
      w.lo = lo - w.lo;
    } else {
      long sum = lo + w.lo;
      w.hi += hi + (Long.compareUnsigned(sum, lo) < 0 ? 1 : 0);
      w.lo = sum;
    }
  }

  /**
   * The tangent that is left when arctan(j / 16) is taken away: (16 n - j m) / (16 m + j n), exact
   * before the division. Its sign goes to {@link #rotatedBack}, the value to {@link #w} and {@link
   * #weight}.
   */
  private void rotate(long n, long m, int d, int j) {
    // As integers: n, and m shifted left by d (at most 6).
    long mh = d == 0 ? 0 : m >>> 64 - d;
    long ml = m << d;
    long ah = n >>> 60;
    long al = n << 4;
    long bh = mh * j + Math.unsignedMultiplyHigh(ml, j);
    long bl = ml * j;
    int order = Long.compareUnsigned(ah, bh);
    rotatedBack = order < 0 || order == 0 && Long.compareUnsigned(al, bl) < 0;
    long nh = ah - bh - (Long.compareUnsigned(al, bl) < 0 ? 1 : 0);
    long nl = al - bl;
    if (rotatedBack) {
      nh = -nh - (nl != 0 ? 1 : 0);
      nl = -nl;
    }
    long qh = mh << 4 | ml >>> 60;
    long ql = ml << 4;
    long add = n * j;
    long dl = ql + add;
    long dh = qh + Math.unsignedMultiplyHigh(n, j) + (Long.compareUnsigned(dl, add) < 0 ? 1 : 0);
    w.set(dh, dl);
    int dShift = w.normalize();
    dh = w.hi;
    dl = w.lo;
    w.set(nh, nl);
    if ((nh | nl) == 0) {
      weight = 0;
      return;
    }
    int nShift = w.normalize();
    divide(w.hi, w.lo, dh, dl);
    weight += dShift - nShift;
  }
}
