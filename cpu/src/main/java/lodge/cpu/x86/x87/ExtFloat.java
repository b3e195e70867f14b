package lodge.cpu.x86.x87;

/**
 * Arithmetic on 80-bit double extended values (SDM volume 1, 4.2.2, 4.8 and 8.5), to the bit and to the flag.
 *
 * <p>A value is a pair: {@code signExponent} (sign at bit 15, exponent biased by 16383 at bits 14:0) and a 64-bit
 * significand with its explicit integer bit. Operations leave their result in {@link #se} and {@link #sig} and the
 * exceptions they met in {@link #flags}, at the places of the status word, {@link X87#C1} for "rounded up" included. The
 * control word that each takes gives rounding, precision and masks; the result is the masked response, or for unmasked
 * overflow and underflow the one with the exponent adjusted by 24576. What an unmasked IE, DE or ZE means (no result) is
 * the caller's.
 */
public final class ExtFloat {
  static final int MAX_EXPONENT = 0x7FFF;
  static final int BIAS = 0x3FFF;
  static final int SIGN = 0x8000;
  static final long INTEGER_BIT = Long.MIN_VALUE;
  static final long QUIET_BIT = 1L << 62;

  /** The real indefinite: a negative quiet NaN. */
  public static final int INDEFINITE_SE = 0xFFFF;

  public static final long INDEFINITE_SIG = 3L << 62;

  /** Exponent adjustment of an unmasked overflow or underflow. */
  private static final int WRAP = 24576;

  private static final int RC_SHIFT = 10;
  static final int NEAREST = 0;
  static final int DOWN = 1;
  static final int UP = 2;
  static final int CHOP = 3;
  static final int PRECISION_64 = 3 << 8;

  /** Sign and exponent of the result. */
  public int se;

  /** Significand of the result. */
  public long sig;

  /** Exceptions of the operation, with {@link X87#C1}. */
  public int flags;

  // A nonzero finite operand or intermediate value, normalized: exponents may be out of range.
  int aExp;
  long aSig;
  int bExp;
  long bSig;

  static int rounding(int control) {
    return control >> RC_SHIFT & 3;
  }

  static boolean nan(int se, long sig) {
    return (se & MAX_EXPONENT) == MAX_EXPONENT && sig << 1 != 0;
  }

  static boolean signalingNan(int se, long sig) {
    return nan(se, sig) && (sig & QUIET_BIT) == 0;
  }

  /** Unnormals, pseudo-infinities and pseudo-NaNs: the 8087's encodings that later ones refuse. */
  static boolean unsupported(int se, long sig) {
    return sig >= 0;
  }

  static boolean zero(int se, long sig) {
    return sig == 0 && (se & MAX_EXPONENT) == 0;
  }

  /** Denormals and pseudo-denormals. */
  static boolean denormal(int se, long sig) {
    return sig != 0 && (se & MAX_EXPONENT) == 0;
  }

  static boolean infinite(int se, long sig) {
    return (se & MAX_EXPONENT) == MAX_EXPONENT && sig == INTEGER_BIT;
  }

  /** Neither zero nor denormal, infinite, NaN or unsupported: what has to be fast. */
  private static boolean normal(int se, long sig) {
    return sig < 0 && (se + 1 & 0x7FFE) != 0;
  }

  void set(int se, long sig) {
    this.se = se;
    this.sig = sig;
  }

  /** IE and the real indefinite. */
  void invalid() {
    flags |= X87.IE;
    se = INDEFINITE_SE;
    sig = INDEFINITE_SIG;
  }

  /** One operand that is a NaN. */
  void propagate(int ase, long asig) {
    if ((asig & QUIET_BIT) == 0) {
      flags |= X87.IE;
    }
    set(ase, asig | QUIET_BIT);
  }

  /**
   * Two operands of which at least one is a NaN (SDM volume 1, table 4-7): a quiet NaN goes before a signaling one, then
   * the larger significand counts, then the positive one.
   */
  void propagate(int ase, long asig, int bse, long bsig) {
    boolean aNan = nan(ase, asig);
    boolean bNan = nan(bse, bsig);
    boolean aSignals = aNan && (asig & QUIET_BIT) == 0;
    boolean bSignals = bNan && (bsig & QUIET_BIT) == 0;
    if (aSignals || bSignals) {
      flags |= X87.IE;
    }
    boolean a;
    if (!aNan || !bNan) {
      a = aNan;
    } else if (aSignals != bSignals) {
      a = bSignals;
    } else {
      int order = Long.compareUnsigned(asig, bsig);
      a = order != 0 ? order > 0 : ase < bse;
    }
    set(a ? ase : bse, (a ? asig : bsig) | QUIET_BIT);
  }

  /**
   * What two operands have in common: unsupported ones and NaNs decide the result.
   *
   * @return whether they did
   */
  boolean settled(int ase, long asig, int bse, long bsig) {
    if (unsupported(ase, asig) || unsupported(bse, bsig)) {
      invalid();
      return true;
    }
    if (nan(ase, asig) || nan(bse, bsig)) {
      propagate(ase, asig, bse, bsig);
      return true;
    }
    return false;
  }

  /** As above for one operand. */
  boolean settled(int ase, long asig) {
    if (unsupported(ase, asig)) {
      invalid();
      return true;
    }
    if (nan(ase, asig)) {
      propagate(ase, asig);
      return true;
    }
    return false;
  }

  /** Normalizes a nonzero finite operand into aExp and aSig; DE when it is denormal. */
  void normalizeA(int se, long sig) {
    aExp = se & MAX_EXPONENT;
    aSig = sig;
    if (aExp == 0) {
      int shift = Long.numberOfLeadingZeros(sig);
      aExp = 1 - shift;
      aSig = sig << shift;
      flags |= X87.DE;
    }
  }

  /** As {@link #normalizeA} into bExp and bSig. */
  void normalizeB(int se, long sig) {
    bExp = se & MAX_EXPONENT;
    bSig = sig;
    if (bExp == 0) {
      int shift = Long.numberOfLeadingZeros(sig);
      bExp = 1 - shift;
      bSig = sig << shift;
      flags |= X87.DE;
    }
  }

  // Rounding.

  /**
   * Rounds and stores a nonzero result.
   *
   * @param sign 0 or {@link #SIGN}
   * @param exp biased, any
   * @param hi significand with its integer bit set
   * @param lo what follows it, the last bit standing for everything smaller
   */
  void round(int control, int sign, int exp, long hi, long lo) {
    switch (control & PRECISION_64) {
      case 0 -> round(control, sign, exp, hi, lo, 40);
      case 2 << 8 -> round(control, sign, exp, hi, lo, 11);
      default -> {
        if (exp - 1 >>> 1 < 0x3FFE && (lo == 0 || hi != -1)) { // 1 to 0x7FFC, and no carry out
          if (lo != 0) {
            if (roundsUp(rounding(control), sign, (hi & 1) != 0, lo)) {
              hi++;
              flags |= X87.PE | X87.C1;
            } else {
              flags |= X87.PE;
            }
          }
          se = sign | exp;
          sig = hi;
        } else {
          round(control, sign, exp, hi, lo, 0);
        }
      }
    }
  }

  /** Whether a magnitude with the fraction {@code rest} (nonzero, in 2^-64 units) is to be rounded up. */
  static boolean roundsUp(int rounding, int sign, boolean odd, long rest) {
    return switch (rounding) {
      case NEAREST -> rest < 0 && (odd || rest << 1 != 0);
      case DOWN -> sign != 0;
      case UP -> sign == 0;
      default -> false;
    };
  }

  /** @param cut bits of {@code hi} that the precision leaves out */
  private void round(int control, int sign, int exp, long hi, long lo, int cut) {
    long ulp = 1L << cut;
    long kept = hi & -ulp;
    long rest = cut == 0 ? lo : hi << 64 - cut | (lo != 0 ? 1 : 0);
    boolean up = rest != 0 && roundsUp(rounding(control), sign, (hi & ulp) != 0, rest);
    int roundedExp = exp;
    if (up) {
      kept += ulp;
      if (kept == 0) {
        kept = INTEGER_BIT;
        roundedExp++;
      }
    }
    boolean tiny = roundedExp < 1;
    if (exp < 1 && !(tiny && (control & X87.UE) == 0)) {
      roundDenormal(control, sign, exp, hi, lo, cut, tiny);
      return;
    }
    if (tiny) {
      flags |= X87.UE;
      roundedExp += WRAP;
      if (roundedExp < 1) {
        set(sign, 0);
        return;
      }
    } else if (roundedExp >= MAX_EXPONENT) {
      flags |= X87.OE;
      if ((control & X87.OE) != 0) {
        overflow(control, sign, cut);
        return;
      }
      roundedExp -= WRAP;
      if (roundedExp >= MAX_EXPONENT) {
        set(sign | MAX_EXPONENT, INTEGER_BIT);
        return;
      }
    }
    if (rest != 0) {
      flags |= up ? X87.PE | X87.C1 : X87.PE;
    }
    set(sign | roundedExp, kept);
  }

  private void roundDenormal(int control, int sign, int exp, long hi, long lo, int cut, boolean tiny) {
    int shift = 1 - exp;
    long low = shiftLow(hi, lo, shift);
    long high = shift < 64 ? hi >>> shift : 0;
    long ulp = 1L << cut;
    long kept = high & -ulp;
    long rest = cut == 0 ? low : high << 64 - cut | (low != 0 ? 1 : 0);
    if (rest != 0) {
      flags |= tiny ? X87.UE | X87.PE : X87.PE;
      if (roundsUp(rounding(control), sign, (high & ulp) != 0, rest)) {
        kept += ulp;
        flags |= X87.C1;
      }
    }
    set(kept < 0 ? sign | 1 : sign, kept);
  }

  /** Masked overflow: infinity or the largest finite number, as the rounding direction has it. */
  private void overflow(int control, int sign, int cut) {
    flags |= X87.PE;
    if (roundsUp(rounding(control), sign, true, -1)) {
      flags |= X87.C1;
      set(sign | MAX_EXPONENT, INTEGER_BIT);
    } else {
      set(sign | MAX_EXPONENT - 1, -1L << cut);
    }
  }

  /** The low half of hi:lo shifted right by {@code shift} (at least 0), its last bit standing for all that was lost. */
  static long shiftLow(long hi, long lo, int shift) {
    if (shift == 0) {
      return lo;
    }
    if (shift < 64) {
      return hi << 64 - shift | lo >>> shift | (lo << 64 - shift != 0 ? 1 : 0);
    }
    if (shift == 64) {
      return hi | (lo != 0 ? 1 : 0);
    }
    if (shift < 128) {
      return hi >>> shift - 64 | ((hi << 128 - shift | lo) != 0 ? 1 : 0);
    }
    return (hi | lo) != 0 ? 1 : 0;
  }

  // Addition and subtraction.

  /** a + b. */
  public void add(int control, int ase, long asig, int bse, long bsig) {
    flags = 0;
    if (normal(ase, asig) && normal(bse, bsig)) {
      aExp = ase & MAX_EXPONENT;
      aSig = asig;
      bExp = bse & MAX_EXPONENT;
      bSig = bsig;
      addNormalized(control, ase & SIGN, bse & SIGN);
    } else {
      addSpecial(control, ase, asig, bse, bsig);
    }
  }

  /** a - b. */
  public void subtract(int control, int ase, long asig, int bse, long bsig) {
    flags = 0;
    if (normal(ase, asig) && normal(bse, bsig)) {
      aExp = ase & MAX_EXPONENT;
      aSig = asig;
      bExp = bse & MAX_EXPONENT;
      bSig = bsig;
      addNormalized(control, ase & SIGN, ~bse & SIGN);
    } else if (nan(bse, bsig)) { // keeps its sign
      settled(ase, asig, bse, bsig);
    } else {
      addSpecial(control, ase, asig, bse ^ SIGN, bsig);
    }
  }

  private void addSpecial(int control, int ase, long asig, int bse, long bsig) {
    if (settled(ase, asig, bse, bsig)) {
      return;
    }
    boolean aInfinite = infinite(ase, asig);
    boolean bInfinite = infinite(bse, bsig);
    if (aInfinite && bInfinite && ase != bse) {
      invalid();
      return;
    }
    if (denormal(ase, asig) || denormal(bse, bsig)) {
      flags |= X87.DE;
    }
    if (aInfinite || bInfinite) {
      set(aInfinite ? ase : bse, INTEGER_BIT);
      return;
    }
    boolean aZero = asig == 0;
    boolean bZero = bsig == 0;
    if (aZero && bZero) {
      set(ase == bse ? ase : zeroSign(control), 0);
    } else if (aZero) {
      normalizeA(bse, bsig);
      round(control, bse & SIGN, aExp, aSig, 0);
    } else if (bZero) {
      normalizeA(ase, asig);
      round(control, ase & SIGN, aExp, aSig, 0);
    } else {
      normalizeA(ase, asig);
      normalizeB(bse, bsig);
      addNormalized(control, ase & SIGN, bse & SIGN);
    }
  }

  /** The sign of an exact difference of 0. */
  private static int zeroSign(int control) {
    return rounding(control) == DOWN ? SIGN : 0;
  }

  private void addNormalized(int control, int aSign, int bSign) {
    int d = aExp - bExp;
    int sign = aSign;
    int exp = aExp;
    long big = aSig;
    long small = bSig;
    if (d < 0 || d == 0 && Long.compareUnsigned(big, small) < 0) {
      d = -d;
      sign = bSign;
      exp = bExp;
      big = bSig;
      small = aSig;
    }
    long lo = d == 0 ? 0 : shiftLow(small, 0, d);
    long hi = d < 64 ? small >>> d : 0;
    if (aSign == bSign) {
      hi += big;
      if (d == 0 || Long.compareUnsigned(hi, big) < 0) { // a carry, which two integer bits in line always give
        lo = hi << 63 | lo >>> 1 | lo & 1;
        hi = hi >>> 1 | INTEGER_BIT;
        exp++;
      }
    } else {
      hi = big - hi - (lo != 0 ? 1 : 0);
      lo = -lo;
      if ((hi | lo) == 0) {
        set(zeroSign(control), 0);
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
    round(control, sign, exp, hi, lo);
  }

  // Multiplication, division, square root.

  /** a * b. */
  public void multiply(int control, int ase, long asig, int bse, long bsig) {
    flags = 0;
    if (normal(ase, asig) && normal(bse, bsig)) {
      aExp = ase & MAX_EXPONENT;
      aSig = asig;
      bExp = bse & MAX_EXPONENT;
      bSig = bsig;
    } else {
      if (settled(ase, asig, bse, bsig)) {
        return;
      }
      boolean infinity = infinite(ase, asig) || infinite(bse, bsig);
      boolean zero = zero(ase, asig) || zero(bse, bsig);
      if (infinity && zero) {
        invalid();
        return;
      }
      if (denormal(ase, asig) || denormal(bse, bsig)) {
        flags |= X87.DE;
      }
      if (infinity || zero) {
        int sign = (ase ^ bse) & SIGN;
        set(infinity ? sign | MAX_EXPONENT : sign, infinity ? INTEGER_BIT : 0);
        return;
      }
      normalizeA(ase, asig);
      normalizeB(bse, bsig);
    }
    long hi = Math.unsignedMultiplyHigh(aSig, bSig);
    long lo = aSig * bSig;
    int exp = aExp + bExp - BIAS + 1;
    if (hi >= 0) {
      hi = hi << 1 | lo >>> 63;
      lo <<= 1;
      exp--;
    }
    round(control, (ase ^ bse) & SIGN, exp, hi, lo);
  }

  /** a / b. */
  public void divide(int control, int ase, long asig, int bse, long bsig) {
    flags = 0;
    int sign = (ase ^ bse) & SIGN;
    if (normal(ase, asig) && normal(bse, bsig)) {
      aExp = ase & MAX_EXPONENT;
      aSig = asig;
      bExp = bse & MAX_EXPONENT;
      bSig = bsig;
    } else if (divideSpecial(ase, asig, bse, bsig, sign)) {
      return;
    }
    int exp = aExp - bExp + BIAS;
    long high = aSig;
    long low = 0;
    if (Long.compareUnsigned(aSig, bSig) >= 0) {
      high = aSig >>> 1;
      low = aSig << 63;
    } else {
      exp--;
    }
    long quotient = divide128(high, low, bSig);
    long remainder = low - quotient * bSig;
    long rest = 0;
    if (remainder != 0) {
      int half = Long.compareUnsigned(remainder, bSig - remainder);
      rest = half < 0 ? 1 : half > 0 ? -1 : INTEGER_BIT;
    }
    round(control, sign, exp, quotient, rest);
  }

  private boolean divideSpecial(int ase, long asig, int bse, long bsig, int sign) {
    if (settled(ase, asig, bse, bsig)) {
      return true;
    }
    boolean aInfinite = infinite(ase, asig);
    boolean bInfinite = infinite(bse, bsig);
    boolean aZero = zero(ase, asig);
    boolean bZero = zero(bse, bsig);
    if (aInfinite && bInfinite || aZero && bZero) {
      invalid();
      return true;
    }
    if (bZero && !aInfinite) {
      flags |= X87.ZE;
      set(sign | MAX_EXPONENT, INTEGER_BIT);
      return true;
    }
    if (denormal(ase, asig) || denormal(bse, bsig)) {
      flags |= X87.DE;
    }
    if (aInfinite) {
      set(sign | MAX_EXPONENT, INTEGER_BIT);
      return true;
    }
    if (bInfinite || aZero) {
      set(sign, 0);
      return true;
    }
    normalizeA(ase, asig);
    normalizeB(bse, bsig);
    return false;
  }

  /**
   * high:low / divisor, unsigned; high less than divisor, whose top bit is set. Schoolbook division by 32-bit digits
   * (Knuth, volume 2, 4.3.1, algorithm D).
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
  public void squareRoot(int control, int ase, long asig) {
    flags = 0;
    if (settled(ase, asig)) {
      return;
    }
    if (zero(ase, asig)) {
      set(ase, asig);
      return;
    }
    if ((ase & SIGN) != 0) {
      invalid();
      return;
    }
    if (infinite(ase, asig)) {
      set(ase, asig);
      return;
    }
    normalizeA(ase, asig);
    // The radicand as a 128-bit integer of which the root has exactly 64 bits.
    int e = aExp - BIAS;
    long hi = (e & 1) != 0 ? aSig : aSig >>> 1;
    long lo = (e & 1) != 0 ? 0 : aSig << 63;
    long root = root128(hi, lo);
    long square = root * root;
    long restLow = lo - square;
    long restHigh = hi - Math.unsignedMultiplyHigh(root, root) - (Long.compareUnsigned(lo, square) < 0 ? 1 : 0);
    // The root is rounded up when the rest is more than it: (r + 1/2)^2 = r^2 + r + 1/4.
    long rest = (restHigh | restLow) == 0 ? 0 : restHigh != 0 || Long.compareUnsigned(restLow, root) > 0 ? -1 : 1;
    round(control, 0, (e >> 1) + BIAS, root, rest);
  }

  /** The integer square root of hi:lo, at least 2^126. */
  private static long root128(long hi, long lo) {
    double approximate = Math.sqrt((hi >>> 1) * 0x1p65);
    long root = approximate >= 0x1p64 ? -1L : (long) (approximate * 0.5) << 1;
    for (int i = 0; i < 2; i++) { // one Newton step each, in floating point, on the exact remainder
      long square = root * root;
      long restLow = lo - square;
      long restHigh = hi - Math.unsignedMultiplyHigh(root, root) - (Long.compareUnsigned(lo, square) < 0 ? 1 : 0);
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
  public int compare(int ase, long asig, int bse, long bsig, boolean quiet) {
    flags = 0;
    if (!normal(ase, asig) || !normal(bse, bsig)) {
      if (unsupported(ase, asig) || unsupported(bse, bsig)) {
        flags = X87.IE;
        return X87.C3 | X87.C2 | X87.C0;
      }
      if (nan(ase, asig) || nan(bse, bsig)) {
        flags = quiet && !signalingNan(ase, asig) && !signalingNan(bse, bsig) ? 0 : X87.IE;
        return X87.C3 | X87.C2 | X87.C0;
      }
      if (denormal(ase, asig) || denormal(bse, bsig)) {
        flags = X87.DE;
      }
      if (zero(ase, asig) && zero(bse, bsig)) {
        return X87.C3;
      }
    }
    if (((ase ^ bse) & SIGN) != 0) {
      return (ase & SIGN) != 0 ? X87.C0 : 0;
    }
    // A pseudo-denormal has the exponent of the smallest normal numbers.
    int a = ase & MAX_EXPONENT | (asig < 0 && (ase & MAX_EXPONENT) == 0 ? 1 : 0);
    int b = bse & MAX_EXPONENT | (bsig < 0 && (bse & MAX_EXPONENT) == 0 ? 1 : 0);
    int order = a != b ? Integer.compare(a, b) : Long.compareUnsigned(asig, bsig);
    if (order == 0) {
      return X87.C3;
    }
    return order > 0 ^ (ase & SIGN) != 0 ? 0 : X87.C0;
  }
}
