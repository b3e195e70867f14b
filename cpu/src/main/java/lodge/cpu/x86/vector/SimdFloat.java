package lodge.cpu.x86.vector;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;
import static java.lang.Float.floatToRawIntBits;
import static java.lang.Float.intBitsToFloat;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Vector;

/**
 * SSE floating-point arithmetic under one MXCSR (SDM volume 1, chapter 11.5 and appendix E).
 *
 * <p>An instruction calls {@link #begin}, computes all its elements, calls {@link #commit}, which
 * raises what is unmasked, and then writes its results. Operands and results are bit patterns:
 * {@code a} is the first source (the destination of the legacy forms), {@code b} the second.
 *
 * <p>In the default environment (round to nearest, all masked, no DAZ, no FTZ) ordinary numbers
 * take the host's arithmetic. What an operation may raise on those is the precision exception
 * alone, and that is looked for only while its flag is clear. Everything else goes to {@link
 * SoftFloat}.
 */
public final class SimdFloat {
  private static final long MIN_NORMAL_64 = 1L << 52;
  private static final int MIN_NORMAL_32 = 1 << 23;

  /** The MXCSR when the instruction began. */
  int mxcsr;

  /** Exceptions of the elements so far. */
  int raised;

  /** Starts an instruction. */
  public SimdFloat begin(Cpu c) {
    mxcsr = c.mxcsr;
    raised = 0;
    return this;
  }

  /**
   * Ends it: sets the flags; throws #XM (or #UD without CR4.OSXMMEXCPT) when an unmasked exception
   * was found.
   */
  public void commit(Cpu c) {
    if (raised != 0) {
      raise(c);
    }
  }

  private void raise(Cpu c) {
    int unmasked = raised & ~(mxcsr >> Mxcsr.MASK_SHIFT);
    if (unmasked == 0) {
      c.mxcsr |= raised;
      return;
    }
    // Found in an operand of any element, nothing is computed: no element raises what only a result
    // can.
    boolean early = (unmasked & Mxcsr.PRE_COMPUTATION) != 0;
    c.mxcsr |= early ? raised & Mxcsr.PRE_COMPUTATION : raised;
    throw c.fault((c.cr4 & Cpu.CR4_OSXMMEXCPT) != 0 ? Vector.XM : Vector.UD);
  }

  int rounding() {
    return mxcsr >> Mxcsr.RC_SHIFT & 3;
  }

  boolean fast() {
    return (mxcsr & Mxcsr.CONTROL) == Mxcsr.DEFAULT;
  }

  private boolean precisionPending() {
    return (mxcsr & Mxcsr.PE) == 0;
  }

  /** Neither zero, denormal, infinite nor NaN. */
  public static boolean normal(long a) {
    return (a + MIN_NORMAL_64 & 0x7FE0_0000_0000_0000L) != 0;
  }

  public static boolean normal(int a) {
    return (a + MIN_NORMAL_32 & 0x7F00_0000) != 0;
  }

  /** Normal or zero. */
  public static boolean ordinary(long a) {
    return normal(a) || a << 1 == 0;
  }

  public static boolean ordinary(int a) {
    return normal(a) || a << 1 == 0;
  }

  /** Not so small that rounding may have hidden a tiny result. */
  public static boolean safe(long result) {
    return normal(result) && result << 1 != MIN_NORMAL_64 << 1;
  }

  public static boolean safe(int result) {
    return normal(result) && result << 1 != MIN_NORMAL_32 << 1;
  }

  // ---------------------------------------------------------------- double precision

  public long add64(long a, long b) {
    if (fast() && ordinary(a) && ordinary(b)) {
      double x = longBitsToDouble(a);
      double y = longBitsToDouble(b);
      double sum = x + y;
      long bits = doubleToRawLongBits(sum);
      // Small sums are exact, so that a denormal one is no underflow.
      if ((bits & Long.MAX_VALUE) < 0x7FE0_0000_0000_0000L) {
        if (precisionPending() && inexactSum(x, y, sum)) {
          raised |= Mxcsr.PE;
        }
        return bits;
      }
    }
    return SoftFloat.add(this, a, b, SoftFloat.F64);
  }

  public long subtract64(long a, long b) {
    if (fast() && ordinary(a) && ordinary(b)) {
      double x = longBitsToDouble(a);
      double y = longBitsToDouble(b);
      double difference = x - y;
      long bits = doubleToRawLongBits(difference);
      if ((bits & Long.MAX_VALUE) < 0x7FE0_0000_0000_0000L) {
        if (precisionPending() && inexactSum(x, -y, difference)) {
          raised |= Mxcsr.PE;
        }
        return bits;
      }
    }
    return SoftFloat.subtract(this, a, b, SoftFloat.F64);
  }

  /**
   * Whether the rounding error of a sum is not zero (Knuth's TwoSum, exact as long as nothing
   * overflows).
   */
  private static boolean inexactSum(double x, double y, double sum) {
    double part = sum - x;
    return (x - (sum - part)) + (y - part) != 0;
  }

  public long multiply64(long a, long b) {
    if (fast() && ordinary(a) && ordinary(b)) {
      double x = longBitsToDouble(a);
      double y = longBitsToDouble(b);
      double product = x * y;
      long bits = doubleToRawLongBits(product);
      if (safe(bits)) {
        // The error of a product below 2^-968 is no double: leave those to the exact way.
        if (!precisionPending()) {
          return bits;
        }
        if ((bits & Long.MAX_VALUE) >= 55L << 52) {
          if (Math.fma(x, y, -product) != 0) {
            raised |= Mxcsr.PE;
          }
          return bits;
        }
      } else if (bits << 1 == 0 && (a << 1 == 0 || b << 1 == 0)) {
        return bits;
      }
    }
    return SoftFloat.multiply(this, a, b, SoftFloat.F64);
  }

  public long divide64(long a, long b) {
    if (fast() && ordinary(a) && normal(b)) {
      double x = longBitsToDouble(a);
      double y = longBitsToDouble(b);
      double quotient = x / y;
      long bits = doubleToRawLongBits(quotient);
      if (safe(bits)) {
        if (!precisionPending()) {
          return bits;
        }
        if ((a & Long.MAX_VALUE) >= 55L << 52) {
          if (Math.fma(quotient, y, -x) != 0) {
            raised |= Mxcsr.PE;
          }
          return bits;
        }
      } else if (bits << 1 == 0 && a << 1 == 0) {
        return bits;
      }
    }
    return SoftFloat.divide(this, a, b, SoftFloat.F64);
  }

  public long squareRoot64(long a) {
    if (fast() && normal(a) && a >= 55L << 52) {
      double x = longBitsToDouble(a);
      double root = Math.sqrt(x);
      if (precisionPending() && Math.fma(root, root, -x) != 0) {
        raised |= Mxcsr.PE;
      }
      return doubleToRawLongBits(root);
    }
    return SoftFloat.squareRoot(this, a, SoftFloat.F64);
  }

  /**
   * The product of a and b plus c, rounded once.
   *
   * @param signs {@link FusedFloat#NEGATE_PRODUCT}, {@link FusedFloat#NEGATE_ADDEND}, both or 0
   */
  public long fused64(long a, long b, long c, int signs) {
    if (fast() && !precisionPending() && ordinary(a) && ordinary(b) && ordinary(c)) {
      double x = longBitsToDouble(a ^ (long) (signs & FusedFloat.NEGATE_PRODUCT) << 63);
      double z = longBitsToDouble(c ^ (long) (signs & FusedFloat.NEGATE_ADDEND) << 62);
      long bits = doubleToRawLongBits(Math.fma(x, longBitsToDouble(b), z));
      if (safe(bits)) {
        return bits;
      }
    }
    return FusedFloat.multiplyAdd(this, a, b, c, signs, SoftFloat.F64);
  }

  // ---------------------------------------------------------------- single precision

  public int add32(int a, int b) {
    if (fast() && ordinary(a) && ordinary(b)) {
      float x = intBitsToFloat(a);
      float y = intBitsToFloat(b);
      float sum = x + y;
      int bits = floatToRawIntBits(sum);
      if ((bits & Integer.MAX_VALUE) < 0x7F00_0000) {
        if (precisionPending() && inexactSum(x, y, sum)) {
          raised |= Mxcsr.PE;
        }
        return bits;
      }
    }
    return (int) SoftFloat.add(this, a, b, SoftFloat.F32);
  }

  public int subtract32(int a, int b) {
    if (fast() && ordinary(a) && ordinary(b)) {
      float x = intBitsToFloat(a);
      float y = intBitsToFloat(b);
      float difference = x - y;
      int bits = floatToRawIntBits(difference);
      if ((bits & Integer.MAX_VALUE) < 0x7F00_0000) {
        if (precisionPending() && inexactSum(x, -y, difference)) {
          raised |= Mxcsr.PE;
        }
        return bits;
      }
    }
    return (int) SoftFloat.subtract(this, a, b, SoftFloat.F32);
  }

  private static boolean inexactSum(float x, float y, float sum) {
    float part = sum - x;
    return (x - (sum - part)) + (y - part) != 0;
  }

  public int multiply32(int a, int b) {
    if (fast() && ordinary(a) && ordinary(b)) {
      // Exact: 24 by 24 bits fit a double.
      double product = (double) intBitsToFloat(a) * intBitsToFloat(b);
      float rounded = (float) product;
      int bits = floatToRawIntBits(rounded);
      if (safe(bits)) {
        if (precisionPending() && rounded != product) {
          raised |= Mxcsr.PE;
        }
        return bits;
      } else if (product == 0) {
        return bits;
      }
    }
    return (int) SoftFloat.multiply(this, a, b, SoftFloat.F32);
  }

  public int divide32(int a, int b) {
    if (fast() && ordinary(a) && normal(b)) {
      float x = intBitsToFloat(a);
      float y = intBitsToFloat(b);
      float quotient = x / y;
      int bits = floatToRawIntBits(quotient);
      if (safe(bits)) {
        if (precisionPending() && (double) quotient * y != x) {
          raised |= Mxcsr.PE;
        }
        return bits;
      } else if (x == 0) {
        return bits;
      }
    }
    return (int) SoftFloat.divide(this, a, b, SoftFloat.F32);
  }

  public int squareRoot32(int a) {
    if (fast() && normal(a) && a > 0) {
      float x = intBitsToFloat(a);
      float root = (float) Math.sqrt(x);
      if (precisionPending() && (double) root * root != x) {
        raised |= Mxcsr.PE;
      }
      return floatToRawIntBits(root);
    }
    return (int) SoftFloat.squareRoot(this, a, SoftFloat.F32);
  }

  /** See {@link #fused64}. */
  public int fused32(int a, int b, int c, int signs) {
    if (fast() && !precisionPending() && ordinary(a) && ordinary(b) && ordinary(c)) {
      float x = intBitsToFloat(a ^ (signs & FusedFloat.NEGATE_PRODUCT) << 31);
      float z = intBitsToFloat(c ^ (signs & FusedFloat.NEGATE_ADDEND) << 30);
      int bits = floatToRawIntBits(Math.fma(x, intBitsToFloat(b), z));
      if (safe(bits)) {
        return bits;
      }
    }
    return (int) FusedFloat.multiplyAdd(this, a, b, c, signs, SoftFloat.F32);
  }
}
