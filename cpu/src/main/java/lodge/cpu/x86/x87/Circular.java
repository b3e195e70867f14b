package lodge.cpu.x86.x87;

/**
 * FSIN, FCOS and FPTAN (SDM volume 1, 8.3.8 and 8.3.10): the argument is reduced exactly by the
 * processor's own pi, which has 66 bits, then power series in 128-bit fixed point follow.
 *
 * <p>One object belongs to one processor; its fields are scratch space.
 */
final class Circular {
  private static final long[] SINE = Wide.factorials(1, 2, 18);
  private static final long[] COSINE = Wide.factorials(0, 2, 19);

  /** pi/2 as the processor knows it, times 2^65: 66 bits, of which the upper 2 and the lower 64. */
  private static final long HALF_PI_HIGH = 3;

  private static final long HALF_PI_LOW = 0x243F6A8885A308D3L;

  private final Wide w = new Wide();

  /** Quadrants that the reduction took away, modulo 4. */
  private int quadrant;

  // The reduced argument, from 0 to pi/4: a fraction (top bit set) times 2^weight; its sign.
  private long rh;
  private long rl;
  private int weight;
  private int sign;

  // Its square, a fraction.
  private long zh;
  private long zl;

  /**
   * Deals with special operands and reduces others.
   *
   * @return -1 the argument is out of range, 0 the result is there, 1 the function is to be
   *     computed
   */
  private int reduce(ExtFloat f, int control, int se, long sig, boolean even) {
    f.flags = 0;
    if (f.settled(se, sig)) {
      return 0;
    }
    if (ExtFloat.infinite(se, sig)) {
      f.invalid();
      return 0;
    }
    if (ExtFloat.zero(se, sig)) {
      f.set(even ? ExtFloat.BIAS : se, even ? ExtFloat.INTEGER_BIT : 0);
      return 0;
    }
    f.normalizeA(se, sig);
    int e = f.aExp - ExtFloat.BIAS;
    if (e >= 63) {
      f.set(se, sig);
      return -1;
    }
    if (e < -68) { // the first term is all that the processor sees
      if (even) {
        f.set(ExtFloat.BIAS, ExtFloat.INTEGER_BIT);
      } else {
        f.round(control | ExtFloat.PRECISION_64, se & ExtFloat.SIGN, f.aExp, f.aSig, 0);
      }
      Transcendentals.markInexact(f);
      return 0;
    }
    quadrant = 0;
    sign = se & ExtFloat.SIGN;
    if (e < -1) {
      rh = f.aSig;
      rl = 0;
      weight = e + 1;
    } else {
      divide(f.aSig, e + 2);
    }
    w.multiply(rh, rl, rh, rl);
    w.shiftRight(-2 * weight);
    zh = w.hi;
    zl = w.lo;
    return 1;
  }

  /** sig * 2^shift modulo pi/2, both in units of 2^-65, to the nearest multiple. */
  private void divide(long sig, int shift) {
    long hi = 0;
    long lo = sig;
    int q = 0;
    for (int i = 0; i < shift; i++) {
      hi = hi << 1 | lo >>> 63;
      lo <<= 1;
      q <<= 1;
      if (hi > HALF_PI_HIGH || hi == HALF_PI_HIGH && Long.compareUnsigned(lo, HALF_PI_LOW) >= 0) {
        hi -= HALF_PI_HIGH + (Long.compareUnsigned(lo, HALF_PI_LOW) < 0 ? 1 : 0);
        lo -= HALF_PI_LOW;
        q |= 1;
      }
    }
    // More than a half: the rest to the next multiple.
    long nextLow = HALF_PI_LOW - lo;
    long nextHigh = HALF_PI_HIGH - hi - (Long.compareUnsigned(HALF_PI_LOW, lo) < 0 ? 1 : 0);
    if (nextHigh < hi || nextHigh == hi && Long.compareUnsigned(nextLow, lo) < 0) {
      hi = nextHigh;
      lo = nextLow;
      // A negative rest r of x = q pi/2 + r, for negative x too.
      q++;
      sign ^= ExtFloat.SIGN;
    }
    quadrant = q & 3;
    w.set(hi, lo);
    int zeros = w.normalize();
    rh = w.hi;
    rl = w.lo;
    weight = 63 - zeros; // 2^128 units of 2^-65
  }

  /** w = sin r, of which the weight is returned. */
  private int sineSeries() {
    w.series(SINE, zh, zl, true);
    w.decrement(); // less than 1, however small the second term is
    w.multiply(rh, rl, w.hi, w.lo);
    return weight + 2;
  }

  /** w = cos r, of which the weight is 2. */
  private void cosineSeries() {
    w.series(COSINE, zh, zl, true);
    w.decrement();
  }

  /** FSIN. Returns false, and leaves the operand, when it is out of range. */
  boolean sine(ExtFloat f, int control, int se, long sig) {
    int state = reduce(f, control, se, sig, false);
    if (state > 0) {
      // sin(x) for x = +-(q pi/2 + +-r): an odd function of both.
      boolean negative = (se & ExtFloat.SIGN) != 0;
      boolean swapped = (quadrant & 1) != 0;
      boolean opposite = (quadrant & 2) != 0;
      int resultSign =
          swapped
              ? (negative ^ opposite ? ExtFloat.SIGN : 0)
              : sign ^ (opposite ? ExtFloat.SIGN : 0);
      evaluate(f, control, resultSign, !swapped);
    }
    return state >= 0;
  }

  /** FCOS. Returns false, and leaves the operand, when it is out of range. */
  boolean cosine(ExtFloat f, int control, int se, long sig) {
    int state = reduce(f, control, se, sig, true);
    if (state > 0) {
      // cos(q pi/2 + r) for the absolute value of x, where r has its sign relative to x's.
      boolean rNegative = ((sign ^ se) & ExtFloat.SIGN) != 0;
      boolean swapped = (quadrant & 1) != 0;
      boolean negative = (quadrant & 2) != 0 ^ (swapped && !rNegative);
      evaluate(f, control, negative ? ExtFloat.SIGN : 0, swapped);
    }
    return state >= 0;
  }

  private void evaluate(ExtFloat f, int control, int resultSign, boolean sine) {
    int resultWeight = 2;
    if (sine) {
      resultWeight = sineSeries();
    } else {
      cosineSeries();
    }
    Transcendentals.finish(f, w, control, resultSign, resultWeight);
  }

  /** FPTAN without its push. Returns false, and leaves the operand, when it is out of range. */
  boolean tangent(ExtFloat f, int control, int se, long sig) {
    int state = reduce(f, control, se, sig, false);
    if (state <= 0) {
      return state == 0;
    }
    boolean swapped = (quadrant & 1) != 0;
    int resultSign = sign ^ (swapped ? ExtFloat.SIGN : 0);
    if (!swapped && weight < -48) {
      // r (1 + r^2 / 3): what follows r is too small for a quotient of two series.
      w.set(rh, rl);
      Transcendentals.finish(f, w, control, resultSign, weight);
      return true;
    }
    int sineWeight = sineSeries();
    sineWeight -= w.normalize();
    long sh = w.hi;
    long sl = w.lo;
    cosineSeries();
    int cosineWeight = 2 - w.normalize();
    long ch = w.hi;
    long cl = w.lo;
    long nh = swapped ? ch : sh;
    long nl = swapped ? cl : sl;
    long dh = swapped ? sh : ch;
    long dl = swapped ? sl : cl;
    int exponent = swapped ? cosineWeight - sineWeight : sineWeight - cosineWeight;
    // Halve the numerator so that it is less than the denominator.
    w.divide(nh >>> 1, nh << 63 | nl >>> 1, dh, dl);
    Transcendentals.finish(f, w, control, resultSign, exponent + 1);
    return true;
  }
}
