package lodge.cpu.x86.translator;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;
import static java.lang.Float.floatToRawIntBits;
import static java.lang.Float.intBitsToFloat;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.vector.FloatCompare;
import lodge.cpu.x86.vector.FloatConvert;
import lodge.cpu.x86.vector.FusedFloat;
import lodge.cpu.x86.vector.Mxcsr;
import lodge.cpu.x86.vector.SimdFloat;

/**
 * SSE floating point for generated code. What compiled programs do nearly always, finite normal
 * numbers under the default MXCSR with its sticky PE flag set already, is the JVM's arithmetic;
 * everything else goes the interpreter's way, in methods of its own so that the usual ones stay
 * small enough to be inlined. Values are the lanes' bits.
 */
final class SseMath {
  private static final int STATE = Mxcsr.CONTROL | Mxcsr.PE;
  private static final int USUAL = Mxcsr.DEFAULT | Mxcsr.PE;
  private static final long HUGE_64 = 0x7FE0_0000_0000_0000L;
  private static final int HUGE_32 = 0x7F00_0000;

  private SseMath() {}

  /** All exceptions masked, round to nearest, and an inexact result changes nothing more. */
  private static boolean usual(Cpu c) {
    return (c.mxcsr & STATE) == USUAL;
  }

  // ---------------------------------------------------------------- double precision

  static long add64(Cpu c, long a, long b) {
    if (usual(c) && SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      long sum = doubleToRawLongBits(longBitsToDouble(a) + longBitsToDouble(b));
      if ((sum & Long.MAX_VALUE) < HUGE_64) {
        return sum;
      }
    }
    return slowAdd64(c, a, b);
  }

  private static long slowAdd64(Cpu c, long a, long b) {
    SimdFloat e = c.simd.begin(c);
    long sum = e.add64(a, b);
    e.commit(c);
    return sum;
  }

  static long subtract64(Cpu c, long a, long b) {
    if (usual(c) && SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      long difference = doubleToRawLongBits(longBitsToDouble(a) - longBitsToDouble(b));
      if ((difference & Long.MAX_VALUE) < HUGE_64) {
        return difference;
      }
    }
    return slowSubtract64(c, a, b);
  }

  private static long slowSubtract64(Cpu c, long a, long b) {
    SimdFloat e = c.simd.begin(c);
    long difference = e.subtract64(a, b);
    e.commit(c);
    return difference;
  }

  static long multiply64(Cpu c, long a, long b) {
    if (usual(c) && SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      long product = doubleToRawLongBits(longBitsToDouble(a) * longBitsToDouble(b));
      if (SimdFloat.safe(product) || (a << 1 == 0 || b << 1 == 0) && product << 1 == 0) {
        return product;
      }
    }
    return slowMultiply64(c, a, b);
  }

  private static long slowMultiply64(Cpu c, long a, long b) {
    SimdFloat e = c.simd.begin(c);
    long product = e.multiply64(a, b);
    e.commit(c);
    return product;
  }

  /** As {@link #add64} for two lanes: stored only when neither faults. */
  static void add64x2(Cpu c, long[] lanes, int to, int first, long low, long high) {
    long a = lanes[first];
    long b = lanes[first + 1];
    if (usual(c)
        && SimdFloat.ordinary(a)
        && SimdFloat.ordinary(b)
        && SimdFloat.ordinary(low)
        && SimdFloat.ordinary(high)) {
      long x = doubleToRawLongBits(longBitsToDouble(a) + longBitsToDouble(low));
      long y = doubleToRawLongBits(longBitsToDouble(b) + longBitsToDouble(high));
      if ((x & Long.MAX_VALUE) < HUGE_64 && (y & Long.MAX_VALUE) < HUGE_64) {
        lanes[to] = x;
        lanes[to + 1] = y;
        return;
      }
    }
    slowAdd64x2(c, lanes, to, first, low, high);
  }

  private static void slowAdd64x2(Cpu c, long[] lanes, int to, int first, long low, long high) {
    long a = lanes[first];
    long b = lanes[first + 1];
    SimdFloat e = c.simd.begin(c);
    long x = e.add64(a, low);
    long y = e.add64(b, high);
    e.commit(c);
    lanes[to] = x;
    lanes[to + 1] = y;
  }

  /** As {@link #subtract64} for two lanes: stored only when neither faults. */
  static void subtract64x2(Cpu c, long[] lanes, int to, int first, long low, long high) {
    long a = lanes[first];
    long b = lanes[first + 1];
    if (usual(c)
        && SimdFloat.ordinary(a)
        && SimdFloat.ordinary(b)
        && SimdFloat.ordinary(low)
        && SimdFloat.ordinary(high)) {
      long x = doubleToRawLongBits(longBitsToDouble(a) - longBitsToDouble(low));
      long y = doubleToRawLongBits(longBitsToDouble(b) - longBitsToDouble(high));
      if ((x & Long.MAX_VALUE) < HUGE_64 && (y & Long.MAX_VALUE) < HUGE_64) {
        lanes[to] = x;
        lanes[to + 1] = y;
        return;
      }
    }
    slowSubtract64x2(c, lanes, to, first, low, high);
  }

  private static void slowSubtract64x2(
      Cpu c, long[] lanes, int to, int first, long low, long high) {
    long a = lanes[first];
    long b = lanes[first + 1];
    SimdFloat e = c.simd.begin(c);
    long x = e.subtract64(a, low);
    long y = e.subtract64(b, high);
    e.commit(c);
    lanes[to] = x;
    lanes[to + 1] = y;
  }

  /** As {@link #multiply64} for two lanes: stored only when neither faults. */
  static void multiply64x2(Cpu c, long[] lanes, int to, int first, long low, long high) {
    long a = lanes[first];
    long b = lanes[first + 1];
    if (usual(c)
        && SimdFloat.ordinary(a)
        && SimdFloat.ordinary(b)
        && SimdFloat.ordinary(low)
        && SimdFloat.ordinary(high)) {
      long x = doubleToRawLongBits(longBitsToDouble(a) * longBitsToDouble(low));
      long y = doubleToRawLongBits(longBitsToDouble(b) * longBitsToDouble(high));
      if (SimdFloat.safe(x) && SimdFloat.safe(y)) {
        lanes[to] = x;
        lanes[to + 1] = y;
        return;
      }
    }
    slowMultiply64x2(c, lanes, to, first, low, high);
  }

  private static void slowMultiply64x2(
      Cpu c, long[] lanes, int to, int first, long low, long high) {
    long a = lanes[first];
    long b = lanes[first + 1];
    SimdFloat e = c.simd.begin(c);
    long x = e.multiply64(a, low);
    long y = e.multiply64(b, high);
    e.commit(c);
    lanes[to] = x;
    lanes[to + 1] = y;
  }

  static long divide64(Cpu c, long a, long b) {
    if (usual(c) && SimdFloat.normal(a) && SimdFloat.normal(b)) {
      long quotient = doubleToRawLongBits(longBitsToDouble(a) / longBitsToDouble(b));
      if (SimdFloat.safe(quotient)) {
        return quotient;
      }
    }
    return slowDivide64(c, a, b);
  }

  private static long slowDivide64(Cpu c, long a, long b) {
    SimdFloat e = c.simd.begin(c);
    long quotient = e.divide64(a, b);
    e.commit(c);
    return quotient;
  }

  /** The first operand takes no part. */
  static long squareRoot64(Cpu c, long unused, long a) {
    if (usual(c) && SimdFloat.normal(a) && a > 0) {
      return doubleToRawLongBits(Math.sqrt(longBitsToDouble(a)));
    }
    return slowSquareRoot64(c, unused, a);
  }

  private static long slowSquareRoot64(Cpu c, long unused, long a) {
    SimdFloat e = c.simd.begin(c);
    long root = e.squareRoot64(a);
    e.commit(c);
    return root;
  }

  static long min64(Cpu c, long a, long b) {
    if (SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      return longBitsToDouble(a) < longBitsToDouble(b) ? a : b;
    }
    return slowMin64(c, a, b);
  }

  private static long slowMin64(Cpu c, long a, long b) {
    SimdFloat e = c.simd.begin(c);
    long least = FloatCompare.min64(e, a, b);
    e.commit(c);
    return least;
  }

  static long max64(Cpu c, long a, long b) {
    if (SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      return longBitsToDouble(a) > longBitsToDouble(b) ? a : b;
    }
    return slowMax64(c, a, b);
  }

  private static long slowMax64(Cpu c, long a, long b) {
    SimdFloat e = c.simd.begin(c);
    long greatest = FloatCompare.max64(e, a, b);
    e.commit(c);
    return greatest;
  }

  /** See {@link SimdFloat#fused64}. */
  static long fused64(Cpu c, long a, long b, long addend, int signs) {
    if (usual(c) && SimdFloat.ordinary(a) && SimdFloat.ordinary(b) && SimdFloat.ordinary(addend)) {
      double x = longBitsToDouble(a ^ (long) (signs & FusedFloat.NEGATE_PRODUCT) << 63);
      double z = longBitsToDouble(addend ^ (long) (signs & FusedFloat.NEGATE_ADDEND) << 62);
      long bits = doubleToRawLongBits(Math.fma(x, longBitsToDouble(b), z));
      if (SimdFloat.safe(bits)) {
        return bits;
      }
    }
    return slowFused64(c, a, b, addend, signs);
  }

  private static long slowFused64(Cpu c, long a, long b, long addend, int signs) {
    SimdFloat e = c.simd.begin(c);
    long result = e.fused64(a, b, addend, signs);
    e.commit(c);
    return result;
  }

  static long fromLong(Cpu c, long value) {
    if (usual(c)) {
      return doubleToRawLongBits((double) value);
    }
    return slowFromLong(c, value);
  }

  private static long slowFromLong(Cpu c, long value) {
    SimdFloat e = c.simd.begin(c);
    long result = FloatConvert.longToDouble(e, value);
    e.commit(c);
    return result;
  }

  /** Rounded toward zero. */
  static long toLong(Cpu c, long a) {
    double x = longBitsToDouble(a);
    if (usual(c) && SimdFloat.ordinary(a) && Math.abs(x) < 0x1p63) {
      return (long) x;
    }
    return slowToLong(c, a);
  }

  private static long slowToLong(Cpu c, long a) {
    SimdFloat e = c.simd.begin(c);
    long result = FloatConvert.toLong(e, a, 3);
    e.commit(c);
    return result;
  }

  /** As {@link #toLong}, to 32 bits. */
  static long toInt(Cpu c, long a) {
    double x = longBitsToDouble(a);
    if (usual(c) && SimdFloat.ordinary(a) && Math.abs(x) < 0x1p31) {
      return (int) x;
    }
    return slowToInt(c, a);
  }

  private static long slowToInt(Cpu c, long a) {
    SimdFloat e = c.simd.begin(c);
    long result = FloatConvert.toInt(e, a, 3);
    e.commit(c);
    return result;
  }

  /** How a compares to b: {@link FloatCompare#LESS} and so on. */
  static int order64(Cpu c, long a, long b, boolean signaling) {
    if (SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      double x = longBitsToDouble(a);
      double y = longBitsToDouble(b);
      return x < y ? FloatCompare.LESS : x > y ? FloatCompare.GREATER : FloatCompare.EQUAL;
    }
    return slowOrder64(c, a, b, signaling);
  }

  private static int slowOrder64(Cpu c, long a, long b, boolean signaling) {
    SimdFloat e = c.simd.begin(c);
    int order = FloatCompare.order64(e, a, b, signaling);
    e.commit(c);
    return order;
  }

  /** {@link Cpu#flagAux} after a comparison: see {@link Flags}. */
  static long orderAux(int order) {
    return switch (order) {
      case FloatCompare.GREATER -> 0;
      case FloatCompare.EQUAL -> 0x100;
      default -> Flags.AUX_CF | Flags.AUX_PO;
    };
  }

  /** {@link Cpu#flagResult} after a comparison: 1 has neither ZF nor PF, 0 has both. */
  static long orderResult(int order) {
    return order == FloatCompare.GREATER || order == FloatCompare.LESS ? 1 : 0;
  }

  // ---------------------------------------------------------------- single precision

  static long add32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    if (usual(c) && SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      int sum = floatToRawIntBits(intBitsToFloat(a) + intBitsToFloat(b));
      if ((sum & Integer.MAX_VALUE) < HUGE_32) {
        return sum;
      }
    }
    return slowAdd32(c, first, second);
  }

  private static long slowAdd32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    SimdFloat e = c.simd.begin(c);
    int sum = e.add32(a, b);
    e.commit(c);
    return sum;
  }

  static long subtract32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    if (usual(c) && SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      int difference = floatToRawIntBits(intBitsToFloat(a) - intBitsToFloat(b));
      if ((difference & Integer.MAX_VALUE) < HUGE_32) {
        return difference;
      }
    }
    return slowSubtract32(c, first, second);
  }

  private static long slowSubtract32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    SimdFloat e = c.simd.begin(c);
    int difference = e.subtract32(a, b);
    e.commit(c);
    return difference;
  }

  static long multiply32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    if (usual(c) && SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      int product = floatToRawIntBits(intBitsToFloat(a) * intBitsToFloat(b));
      if (SimdFloat.safe(product) || (a << 1 == 0 || b << 1 == 0) && product << 1 == 0) {
        return product;
      }
    }
    return slowMultiply32(c, first, second);
  }

  private static long slowMultiply32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    SimdFloat e = c.simd.begin(c);
    int product = e.multiply32(a, b);
    e.commit(c);
    return product;
  }

  static long divide32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    if (usual(c) && SimdFloat.normal(a) && SimdFloat.normal(b)) {
      int quotient = floatToRawIntBits(intBitsToFloat(a) / intBitsToFloat(b));
      if (SimdFloat.safe(quotient)) {
        return quotient;
      }
    }
    return slowDivide32(c, first, second);
  }

  private static long slowDivide32(Cpu c, long first, long second) {
    int a = (int) first;
    int b = (int) second;
    SimdFloat e = c.simd.begin(c);
    int quotient = e.divide32(a, b);
    e.commit(c);
    return quotient;
  }

  // ---------------------------------------------------------------- memory

  /** #GP(0) for an operand of 16 bytes that has to be aligned and is not. */
  static void checkAligned(Cpu c, long gva) {
    if ((gva & 15) != 0) {
      throw c.generalProtection(0);
    }
  }
}
