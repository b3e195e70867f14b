package lodge.cpu.x86.x87;

/**
 * Between double extended and the formats that only exist in memory: single, double, integers and
 * packed BCD (SDM volume 1, 4.2 and 8.1.2). Flags are left in {@link ExtFloat#flags}.
 */
public final class Conversions {
  /** Single and double indefinite: what a masked invalid operation stores. */
  public static final int SINGLE_INDEFINITE = 0xFFC0_0000;

  public static final long DOUBLE_INDEFINITE = 0xFFF8L << 48;

  /** Packed BCD indefinite: its upper two bytes and its lower eight. */
  public static final int BCD_INDEFINITE_HIGH = 0xFFFF;

  public static final long BCD_INDEFINITE_LOW = 0xC000L << 48;

  private static final long BCD_LIMIT = 1_000_000_000_000_000_000L;

  private Conversions() {}

  /**
   * Single to extended, exact. Flags: DE for a denormal, IE for a signaling NaN, which is not made
   * quiet.
   */
  public static void fromSingle(ExtFloat f, int bits) {
    int exp = bits >>> 23 & 0xFF;
    long fraction = (long) bits << 40 & ~ExtFloat.INTEGER_BIT;
    widen(f, bits >>> 16 & ExtFloat.SIGN, exp, fraction, 0xFF, 127);
  }

  /**
   * Double to extended, exact. Flags: DE for a denormal, IE for a signaling NaN, which is not made
   * quiet.
   */
  public static void fromDouble(ExtFloat f, long bits) {
    int exp = (int) (bits >>> 52) & 0x7FF;
    long fraction = bits << 11 & ~ExtFloat.INTEGER_BIT;
    widen(f, (int) (bits >>> 48) & ExtFloat.SIGN, exp, fraction, 0x7FF, 1023);
  }

  private static void widen(ExtFloat f, int sign, int exp, long fraction, int maxExp, int bias) {
    f.flags = 0;
    if (exp - 1 >>> 1 < maxExp - 1 >>> 1) {
      f.set(sign | exp + ExtFloat.BIAS - bias, fraction | ExtFloat.INTEGER_BIT);
    } else if (exp != 0) {
      if (fraction != 0 && (fraction & ExtFloat.QUIET_BIT) == 0) {
        f.flags = X87.IE;
      }
      f.set(sign | ExtFloat.MAX_EXPONENT, fraction | ExtFloat.INTEGER_BIT);
    } else if (fraction == 0) {
      f.set(sign, 0);
    } else {
      int shift = Long.numberOfLeadingZeros(fraction);
      f.flags = X87.DE;
      f.set(sign | 1 + ExtFloat.BIAS - bias - shift, fraction << shift);
    }
  }

  /** A signed integer of up to 64 bits to extended, exact. */
  public static void fromInteger(ExtFloat f, long value) {
    f.flags = 0;
    if (value == 0) {
      f.set(0, 0);
      return;
    }
    long magnitude = Math.abs(value);
    int shift = Long.numberOfLeadingZeros(magnitude);
    f.set((value < 0 ? ExtFloat.SIGN : 0) | ExtFloat.BIAS + 63 - shift, magnitude << shift);
  }

  /** Extended to single. See {@link #toDouble}. */
  public static int toSingle(ExtFloat f, int control, int se, long sig) {
    long packed = narrow(f, control, se, sig, 40, 127, 0xFF);
    return (se & ExtFloat.SIGN) << 16 | (int) packed;
  }

  /**
   * Extended to double, rounded as the control word says. With an overflow or underflow that is
   * unmasked, or an invalid operand, the value is not to be stored.
   */
  public static long toDouble(ExtFloat f, int control, int se, long sig) {
    long packed = narrow(f, control, se, sig, 11, 1023, 0x7FF);
    return ExtFloat.unsupported(se, sig)
        ? DOUBLE_INDEFINITE
        : (long) (se & ExtFloat.SIGN) << 48 | packed;
  }

  /**
   * Exponent and fraction of the narrow format, of which the significand lacks {@code cut} bits.
   */
  private static long narrow(
      ExtFloat f, int control, int se, long sig, int cut, int bias, int maxExp) {
    f.flags = 0;
    int width = 63 - cut; // of the fraction
    int exp = se & ExtFloat.MAX_EXPONENT;
    if (exp == ExtFloat.MAX_EXPONENT || sig >= 0) {
      if (sig >= 0 && exp != 0) {
        f.flags = X87.IE;
        return (long) maxExp << width | 1L << width - 1 | (cut == 40 ? 1L << 31 : 0);
      }
      if (exp != 0) {
        long fraction = sig << 1 >>> 1;
        if (fraction != 0 && (sig & ExtFloat.QUIET_BIT) == 0) {
          f.flags = X87.IE;
        }
        return (long) maxExp << width | (fraction >>> cut | (fraction != 0 ? 1L << width - 1 : 0));
      }
      if (sig == 0) {
        return 0;
      }
    }
    // Denormals are tiny here in any case; their exponent need not be exact.
    exp += bias - ExtFloat.BIAS;
    int sign = se & ExtFloat.SIGN;
    int rounding = ExtFloat.rounding(control);
    long ulp = 1L << cut;
    long rest = sig << 64 - cut;
    boolean up = rest != 0 && ExtFloat.roundsUp(rounding, sign, (sig & ulp) != 0, rest);
    long kept = sig & -ulp;
    if (up) {
      kept += ulp;
      if (kept == 0) {
        kept = ExtFloat.INTEGER_BIT;
      }
    }
    int roundedExp = up && kept == ExtFloat.INTEGER_BIT ? exp + 1 : exp;
    if (exp < 1) {
      boolean tiny = roundedExp < 1;
      if (tiny && (control & X87.UE) == 0) {
        f.flags = X87.UE;
        return 0;
      }
      int shift = 1 - exp;
      long low = ExtFloat.shiftLow(sig, 0, shift);
      long high = shift < 64 ? sig >>> shift : 0;
      rest = high << 64 - cut | (low != 0 ? 1 : 0);
      kept = high & -ulp;
      if (rest != 0) {
        f.flags = tiny ? X87.UE | X87.PE : X87.PE;
        if (ExtFloat.roundsUp(rounding, sign, (high & ulp) != 0, rest)) {
          kept += ulp;
          f.flags |= X87.C1;
        }
      }
      return kept >>> cut; // the integer bit, if it came up, becomes exponent 1
    }
    if (roundedExp >= maxExp) {
      if ((control & X87.OE) == 0) {
        f.flags = X87.OE;
        return 0;
      }
      f.flags = X87.OE | X87.PE;
      if (ExtFloat.roundsUp(rounding, sign, true, -1)) {
        f.flags |= X87.C1;
        return (long) maxExp << width;
      }
      return ((long) maxExp << width) - 1;
    }
    if (rest != 0) {
      f.flags = up ? X87.PE | X87.C1 : X87.PE;
    }
    return (long) roundedExp << width | kept << 1 >>> cut + 1;
  }

  /**
   * Extended to a signed integer.
   *
   * @param size in bytes: 2, 4 or 8
   * @param truncate round towards zero whatever the control word says
   * @return sign-extended; with IE the smallest number, which is the integer indefinite
   */
  public static long toInteger(
      ExtFloat f, int control, int se, long sig, int size, boolean truncate) {
    f.flags = 0;
    long limit = 1L << 8 * size - 1; // 2^63 stays as it is when read as unsigned
    int sign = se & ExtFloat.SIGN;
    int exp = (se & ExtFloat.MAX_EXPONENT) - ExtFloat.BIAS;
    if (exp > 63 || ExtFloat.unsupported(se, sig)) {
      f.flags = X87.IE;
      return -limit;
    }
    long magnitude =
        integral(f, truncate ? ExtFloat.CHOP : ExtFloat.rounding(control), sign, exp, sig);
    if (Long.compareUnsigned(magnitude, sign != 0 ? limit : limit - 1) > 0) {
      f.flags = X87.IE;
      return -limit;
    }
    return sign != 0 ? -magnitude : magnitude;
  }

  /**
   * The magnitude rounded to an integer, unsigned.
   *
   * @param exp unbiased, at most 63
   */
  static long integral(ExtFloat f, int rounding, int sign, int exp, long sig) {
    int shift = 63 - exp;
    long magnitude = shift < 64 ? sig >>> shift : 0;
    long rest = ExtFloat.shiftLow(sig, 0, shift);
    if (rest != 0) {
      f.flags = X87.PE;
      if (ExtFloat.roundsUp(rounding, sign, (magnitude & 1) != 0, rest)) {
        f.flags |= X87.C1;
        magnitude++;
      }
    }
    return magnitude;
  }

  /** FRNDINT. */
  public static void roundToInteger(ExtFloat f, int control, int se, long sig) {
    f.flags = 0;
    if (f.settled(se, sig)) {
      return;
    }
    if (ExtFloat.denormal(se, sig)) {
      f.flags = X87.DE;
    }
    int exp = (se & ExtFloat.MAX_EXPONENT) - ExtFloat.BIAS;
    if (exp >= 63 || sig == 0) {
      f.set(se, sig);
      return;
    }
    int sign = se & ExtFloat.SIGN;
    int denormal = f.flags;
    long magnitude = integral(f, ExtFloat.rounding(control), sign, exp, sig);
    f.flags |= denormal;
    if (magnitude == 0) {
      f.set(sign, 0);
    } else {
      int shift = Long.numberOfLeadingZeros(magnitude);
      f.set(sign | ExtFloat.BIAS + 63 - shift, magnitude << shift);
    }
  }

  /**
   * Packed BCD to extended, exact.
   *
   * @param low the lower 16 digits
   * @param high two more and, at bit 15, the sign
   */
  public static void fromBcd(ExtFloat f, long low, int high) {
    long value = (high >> 4 & 15) * 10 + (high & 15);
    for (int shift = 60; shift >= 0; shift -= 4) {
      value = value * 10 + (low >>> shift & 15);
    }
    fromInteger(f, value);
    f.se |= high & ExtFloat.SIGN;
  }

  /**
   * Extended to packed BCD: the upper two bytes in {@link ExtFloat#se}, the lower eight in {@link
   * ExtFloat#sig}.
   */
  public static void toBcd(ExtFloat f, int control, int se, long sig) {
    long value = toInteger(f, control, se, sig, 8, false);
    if (value >= BCD_LIMIT || value <= -BCD_LIMIT) {
      f.flags = X87.IE;
      f.set(BCD_INDEFINITE_HIGH, BCD_INDEFINITE_LOW);
      return;
    }
    long rest = Math.abs(value);
    long low = 0;
    for (int shift = 0; shift < 64; shift += 4) {
      low |= rest % 10 << shift;
      rest /= 10;
    }
    f.set(se & ExtFloat.SIGN | (int) (rest / 10 << 4 | rest % 10), low);
  }
}
