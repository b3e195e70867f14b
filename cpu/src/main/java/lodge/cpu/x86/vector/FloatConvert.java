package lodge.cpu.x86.vector;

/** Conversions to and from integers and between the formats, and rounding to integral values. */
public final class FloatConvert {
  /** Rounding mode of the truncating conversions. */
  public static final int TRUNCATE = 3;

  /** ROUNDxx: use MXCSR's rounding mode. */
  private static final int CURRENT = 4;

  private static final int SUPPRESS_PRECISION = 8;

  private FloatConvert() {}

  /** The mode that MXCSR asks for. */
  public static int currentMode(SimdFloat e) {
    return e.rounding();
  }

  public static long singleToDouble(SimdFloat e, int a) {
    if (e.fast() && SimdFloat.normal(a)) {
      return Double.doubleToRawLongBits(Float.intBitsToFloat(a));
    }
    return SoftFloat.convert(e, a, SoftFloat.F32, SoftFloat.F64);
  }

  public static int doubleToSingle(SimdFloat e, long a) {
    return (int) SoftFloat.convert(e, a, SoftFloat.F64, SoftFloat.F32);
  }

  public static long longToDouble(SimdFloat e, long value) {
    if (value == value << 11 >> 11) {
      return Double.doubleToRawLongBits(value);
    }
    return SoftFloat.fromInteger(e, value, SoftFloat.F64);
  }

  /** Always exact. */
  public static long intToDouble(int value) {
    return Double.doubleToRawLongBits(value);
  }

  public static int longToSingle(SimdFloat e, long value) {
    return (int) SoftFloat.fromInteger(e, value, SoftFloat.F32);
  }

  /**
   * A single as a double of the same value, without exceptions; NaNs stay NaNs. For conversion to
   * integers only.
   */
  public static long widen(SimdFloat e, int a) {
    long operand = SoftFloat.operand(e, a, SoftFloat.F32);
    return Double.doubleToRawLongBits(Float.intBitsToFloat((int) operand));
  }

  /**
   * @return the integer, or 0x8000_0000 with the invalid exception when it does not fit
   */
  public static int toInt(SimdFloat e, long source, int mode) {
    int before = e.raised;
    long wide = toLong(e, source, mode);
    if (wide == (int) wide) {
      return (int) wide;
    }
    e.raised = before | Mxcsr.IE;
    return Integer.MIN_VALUE;
  }

  /**
   * @return the integer, or 0x8000_0000_0000_0000 with the invalid exception when it does not fit
   */
  public static long toLong(SimdFloat e, long source, int mode) {
    long a = SoftFloat.operand(e, source, SoftFloat.F64);
    int exponent = SoftFloat.exponent(a, SoftFloat.F64) - 1023;
    boolean negative = a < 0;
    long significand = a & (1L << 52) - 1 | 1L << 52;
    if (exponent >= 63) {
      if (a != 0xC3E0_0000_0000_0000L) {
        e.raised |= Mxcsr.IE;
      }
      return Long.MIN_VALUE;
    }
    if (exponent >= 52) {
      long magnitude = significand << exponent - 52;
      return negative ? -magnitude : magnitude;
    }
    if (a << 1 == 0) {
      return 0;
    }
    long magnitude;
    boolean up;
    if (exponent < -1) {
      e.raised |= Mxcsr.PE;
      magnitude = 0;
      up = mode == (negative ? 1 : 2);
    } else {
      int shift = 52 - exponent;
      long rest = significand & (1L << shift) - 1;
      magnitude = significand >>> shift;
      if (rest == 0) {
        return negative ? -magnitude : magnitude;
      }
      e.raised |= Mxcsr.PE;
      long half = 1L << shift - 1;
      up =
          mode == 0
              ? rest > half || rest == half && (magnitude & 1) != 0
              : mode == (negative ? 1 : 2);
    }
    if (up) {
      magnitude++;
    }
    return negative ? -magnitude : magnitude;
  }

  public static long round64(SimdFloat e, long a, int control) {
    return round(e, a, control, SoftFloat.F64);
  }

  public static int round32(SimdFloat e, int a, int control) {
    return (int) round(e, a, control, SoftFloat.F32);
  }

  /**
   * ROUNDSD and its kin: to an integral value of the same format. Denormal operands raise nothing.
   */
  private static long round(SimdFloat e, long source, int control, int f) {
    long a = SoftFloat.operand(e, source, f);
    if (SoftFloat.isNan(a, f)) {
      if (SoftFloat.isSignaling(a, f)) {
        e.raised |= Mxcsr.IE;
      }
      return SoftFloat.quiet(a, f);
    }
    int exponent = SoftFloat.exponent(a, f) - SoftFloat.bias(f);
    if (exponent >= f || SoftFloat.isZero(a, f)) {
      return a;
    }
    int mode = (control & CURRENT) != 0 ? e.rounding() : control & 3;
    int sign = SoftFloat.sign(a, f);
    boolean away = mode == (sign != 0 ? 1 : 2);
    long result;
    if (exponent < 0) {
      boolean aboveHalf = exponent == -1 && SoftFloat.fraction(a, f) != 0;
      boolean one = mode == 0 ? aboveHalf : away;
      result = SoftFloat.zero(sign, f) | (one ? (long) SoftFloat.bias(f) << f : 0);
    } else {
      int shift = f - exponent;
      long mask = (1L << shift) - 1;
      long rest = a & mask;
      if (rest == 0) {
        return a;
      }
      long half = mask / 2 + 1;
      boolean odd = exponent == 0 || (a >>> shift & 1) != 0;
      boolean up = mode == 0 ? rest > half || rest == half && odd : away;
      // A carry out of the fraction goes to the exponent, as it should.
      result = (a & ~mask) + (up ? mask + 1 : 0);
    }
    if ((control & SUPPRESS_PRECISION) == 0) {
      e.raised |= Mxcsr.PE;
    }
    return result;
  }
}
