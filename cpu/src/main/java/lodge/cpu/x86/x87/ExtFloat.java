package lodge.cpu.x86.x87;

/**
 * Arithmetic on 80-bit double extended values (SDM volume 1, 4.2.2, 4.8 and 8.5), to the bit and to
 * the flag.
 *
 * <p>A value is a pair: {@code signExponent} (sign at bit 15, exponent biased by 16383 at bits
 * 14:0) and a 64-bit significand with its explicit integer bit. Operations leave their result in
 * {@link #se} and {@link #sig} and the exceptions they met in {@link #flags}, at the places of the
 * status word, {@link X87#C1} for "rounded up" included. The control word that each takes gives
 * rounding, precision and masks; the result is the masked response, or for unmasked overflow and
 * underflow the one with the exponent adjusted by 24576. What an unmasked IE, DE or ZE means (no
 * result) is the caller's.
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
    return sig >= 0 && (se & MAX_EXPONENT) != 0;
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
  static boolean normal(int se, long sig) {
    return sig < 0 && (se + 1 & 0x7FFE) != 0;
  }

  void set(int se, long sig) {
    this.se = se;
    this.sig = sig;
  }

  /** Sets an operand that is finite as the result: pseudo-denormals become what they mean. */
  void setOperand(int se, long sig) {
    set(sig < 0 && (se & MAX_EXPONENT) == 0 ? se | 1 : se, sig);
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
   * Two operands of which at least one is a NaN (SDM volume 1, table 4-7): a quiet NaN goes before
   * a signaling one, then the larger significand counts, then the positive one.
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

  /**
   * Whether a magnitude with the fraction {@code rest} (nonzero, in 2^-64 units) is to be rounded
   * up.
   */
  static boolean roundsUp(int rounding, int sign, boolean odd, long rest) {
    return switch (rounding) {
      case NEAREST -> rest < 0 && (odd || rest << 1 != 0);
      case DOWN -> sign != 0;
      case UP -> sign == 0;
      default -> false;
    };
  }

  /**
   * @param cut bits of {@code hi} that the precision leaves out
   */
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
      if (roundedExp < 1) { // out of reach, as only FSCALE can be
        flags |= X87.PE;
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
        flags |= X87.PE | X87.C1;
        set(sign | MAX_EXPONENT, INTEGER_BIT);
        return;
      }
    }
    if (rest != 0) {
      flags |= up ? X87.PE | X87.C1 : X87.PE;
    }
    set(sign | roundedExp, kept);
  }

  private void roundDenormal(
      int control, int sign, int exp, long hi, long lo, int cut, boolean tiny) {
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

  /**
   * The low half of hi:lo shifted right by {@code shift} (at least 0), its last bit standing for
   * all that was lost.
   */
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
}
