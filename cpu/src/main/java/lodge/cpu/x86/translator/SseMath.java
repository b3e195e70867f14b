package lodge.cpu.x86.translator;

import static java.lang.Double.doubleToRawLongBits;
import static java.lang.Double.longBitsToDouble;
import static java.lang.Float.floatToRawIntBits;
import static java.lang.Float.intBitsToFloat;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.vector.FusedFloat;
import lodge.cpu.x86.vector.Mxcsr;
import lodge.cpu.x86.vector.SimdFloat;

/**
 * SSE floating point for generated code: the JVM's arithmetic, and what has to hold so that the
 * processor does the same and raises nothing but the precision exception, which has to be masked.
 * Where it does not hold, the interpreter's op executes the instruction. Operands are ordinary
 * (normal numbers and zeros), and so are results; while MXCSR's sticky PE flag is clear, results
 * have to be exact, too. Values are the lanes' bits; single precision in the low 32.
 */
final class SseMath {
  /** Below this an error of 53 bits may itself be too small for a number. */
  private static final long SMALL_64 = 64L << 52;

  /** EQ, LT, LE, UNORD, NEQ, NLT, NLE, ORD, EQ_UQ, NGE, NGT, FALSE, NEQ_OQ, GE, GT, TRUE. */
  private static final int[] ORDERS = {2, 1, 3, 0, 5, 6, 4, 7, 2, 1, 3, 0, 5, 6, 4, 7};

  private SseMath() {}

  /** Whether lanes are ordinary doubles; a set as {@link OrdinaryLanes} has it. */
  static boolean ordinary(Cpu c, int lanes) {
    for (int left = lanes; left != 0; left &= left - 1) {
      int i = Integer.numberOfTrailingZeros(left);
      if (!SimdFloat.ordinary(c.xmm[4 * (i >> 1) + (i & 1)])) {
        return false;
      }
    }
    return true;
  }

  /** Whether regions with floating point may be entered: PE is masked, rounding is to nearest. */
  static boolean enters(Cpu c) {
    int mask = Mxcsr.PE << Mxcsr.MASK_SHIFT | 3 << Mxcsr.RC_SHIFT;
    return (c.mxcsr & mask) == Mxcsr.PE << Mxcsr.MASK_SHIFT;
  }

  /** As {@link #enters}, and results may be rounded, since PE is set already. */
  static boolean entersRounding(Cpu c) {
    return enters(c) && (c.mxcsr & Mxcsr.PE) != 0;
  }

  /** Not 0: results have to be exact. */
  static int exact(Cpu c) {
    return ~c.mxcsr & Mxcsr.PE;
  }

  /** Bits 255:128 of all vector registers. */
  static void clearUpper(long[] lanes) {
    for (int i = 0; i < 64; i += 4) {
      lanes[i + 2] = 0;
      lanes[i + 3] = 0;
    }
  }

  // ---------------------------------------------------------------- double precision

  static boolean ordinary64(long a) {
    return SimdFloat.ordinary(a);
  }

  static boolean normal64(long a) {
    return SimdFloat.normal(a);
  }

  static boolean positive64(long a) {
    return a > 0 && SimdFloat.normal(a);
  }

  static long add64(long a, long b) {
    return doubleToRawLongBits(longBitsToDouble(a) + longBitsToDouble(b));
  }

  static long subtract64(long a, long b) {
    return doubleToRawLongBits(longBitsToDouble(a) - longBitsToDouble(b));
  }

  static long multiply64(long a, long b) {
    return doubleToRawLongBits(longBitsToDouble(a) * longBitsToDouble(b));
  }

  static long divide64(long a, long b) {
    return doubleToRawLongBits(longBitsToDouble(a) / longBitsToDouble(b));
  }

  /** The first operand takes no part. */
  static long root64(long unused, long a) {
    return doubleToRawLongBits(Math.sqrt(longBitsToDouble(a)));
  }

  static long min64(long a, long b) {
    return longBitsToDouble(a) < longBitsToDouble(b) ? a : b;
  }

  static long max64(long a, long b) {
    return longBitsToDouble(a) > longBitsToDouble(b) ? a : b;
  }

  static boolean fineSum64(long a, long b, long r) {
    return SimdFloat.ordinary(r);
  }

  static boolean fineProduct64(long a, long b, long r) {
    return safe64(r) || r << 1 == 0 && (a << 1 == 0 || b << 1 == 0);
  }

  static boolean fineQuotient64(long a, long b, long r) {
    return safe64(r) || r << 1 == 0 && a << 1 == 0;
  }

  /** Knuth's TwoSum. */
  static boolean exactSum64(long a, long b, long r) {
    double x = longBitsToDouble(a);
    double y = longBitsToDouble(b);
    double sum = longBitsToDouble(r);
    double part = sum - x;
    return (x - (sum - part)) + (y - part) == 0;
  }

  static boolean exactDifference64(long a, long b, long r) {
    return exactSum64(a, b ^ Long.MIN_VALUE, r);
  }

  static boolean exactProduct64(long a, long b, long r) {
    return r << 1 == 0 || big(r) && error(a, b, r) == 0;
  }

  static boolean exactQuotient64(long a, long b, long r) {
    return r << 1 == 0 || big(a) && error(r, b, a) == 0;
  }

  static boolean exactRoot64(long unused, long a, long r) {
    return big(a) && error(r, r, a) == 0;
  }

  private static boolean big(long a) {
    return (a & Long.MAX_VALUE) >= SMALL_64;
  }

  private static double error(long a, long b, long product) {
    return Math.fma(longBitsToDouble(a), longBitsToDouble(b), -longBitsToDouble(product));
  }

  /** See {@link SimdFloat#fused64}. */
  static long fused64(long a, long b, long addend, int signs) {
    double x = longBitsToDouble(a ^ (long) (signs & FusedFloat.NEGATE_PRODUCT) << 63);
    double z = longBitsToDouble(addend ^ (long) (signs & FusedFloat.NEGATE_ADDEND) << 62);
    return doubleToRawLongBits(Math.fma(x, longBitsToDouble(b), z));
  }

  /** {@link SimdFloat#safe} but for some that are; one test. */
  static boolean safe64(long r) {
    return (r + (1L << 52) & 0x7FC0_0000_0000_0000L) != 0;
  }

  /**
   * For which orders a predicate of CMPSD holds when nothing is unordered: bit 0 for less, 1 for
   * equal, 2 for greater.
   */
  static int orders(int predicate) {
    return ORDERS[predicate & 15];
  }

  static long compare64(long a, long b, int orders) {
    double x = longBitsToDouble(a);
    double y = longBitsToDouble(b);
    return x < y ? -(orders & 1) : x > y ? -(orders >> 2) : -(orders >> 1 & 1);
  }

  static long fromLong64(long value) {
    return doubleToRawLongBits((double) value);
  }

  static boolean exactFromLong64(long value) {
    return (long) (double) value == value && value != Long.MAX_VALUE;
  }

  /** Whether it is inside the range of a long, and so exactly convertible. */
  static boolean fitsLong64(long a) {
    return Math.abs(longBitsToDouble(a)) < 0x1p63;
  }

  static boolean fitsInt64(long a) {
    return Math.abs(longBitsToDouble(a)) < 0x1p31;
  }

  static long truncate64(long a) {
    return (long) longBitsToDouble(a);
  }

  static boolean whole64(long a) {
    double x = longBitsToDouble(a);
    return (double) (long) x == x;
  }

  static long toSingle(long a) {
    return floatToRawIntBits((float) longBitsToDouble(a)) & 0xFFFF_FFFFL;
  }

  static boolean fineSingle(long a, long r) {
    return SimdFloat.safe((int) r) || a << 1 == 0;
  }

  static boolean exactSingle(long a, long r) {
    return (double) intBitsToFloat((int) r) == longBitsToDouble(a);
  }

  // ---------------------------------------------------------------- single precision

  static boolean ordinary32(long a) {
    return SimdFloat.ordinary((int) a);
  }

  static boolean normal32(long a) {
    return SimdFloat.normal((int) a);
  }

  static boolean positive32(long a) {
    return (int) a > 0 && SimdFloat.normal((int) a);
  }

  private static float single(long a) {
    return intBitsToFloat((int) a);
  }

  private static long bits(float a) {
    return floatToRawIntBits(a) & 0xFFFF_FFFFL;
  }

  static long add32(long a, long b) {
    return bits(single(a) + single(b));
  }

  static long subtract32(long a, long b) {
    return bits(single(a) - single(b));
  }

  static long multiply32(long a, long b) {
    return bits(single(a) * single(b));
  }

  static long divide32(long a, long b) {
    return bits(single(a) / single(b));
  }

  /** The first operand takes no part. */
  static long root32(long unused, long a) {
    return bits((float) Math.sqrt(single(a)));
  }

  static long min32(long a, long b) {
    return (single(a) < single(b) ? a : b) & 0xFFFF_FFFFL;
  }

  static long max32(long a, long b) {
    return (single(a) > single(b) ? a : b) & 0xFFFF_FFFFL;
  }

  static boolean fineSum32(long a, long b, long r) {
    return SimdFloat.ordinary((int) r);
  }

  static boolean fineProduct32(long a, long b, long r) {
    return SimdFloat.safe((int) r) || (int) r << 1 == 0 && ((int) a << 1 == 0 || (int) b << 1 == 0);
  }

  static boolean fineQuotient32(long a, long b, long r) {
    return SimdFloat.safe((int) r) || (int) r << 1 == 0 && (int) a << 1 == 0;
  }

  static boolean exactSum32(long a, long b, long r) {
    double x = single(a);
    double y = single(b);
    double sum = single(r);
    double part = sum - x;
    return (x - (sum - part)) + (y - part) == 0;
  }

  static boolean exactDifference32(long a, long b, long r) {
    return exactSum32(a, b ^ 1L << 31, r);
  }

  /** A product of two singles is a double. */
  static boolean exactProduct32(long a, long b, long r) {
    return (double) single(a) * single(b) == single(r);
  }

  static boolean exactQuotient32(long a, long b, long r) {
    return (double) single(r) * single(b) == single(a);
  }

  static boolean exactRoot32(long unused, long a, long r) {
    return (double) single(r) * single(r) == single(a);
  }

  /** As {@link #fused64}. */
  static long fused32(long a, long b, long addend, int signs) {
    float x = single(a ^ (long) (signs & FusedFloat.NEGATE_PRODUCT) << 31);
    float z = single(addend ^ (long) (signs & FusedFloat.NEGATE_ADDEND) << 30);
    return bits(Math.fma(x, single(b), z));
  }

  static boolean safe32(long r) {
    return SimdFloat.safe((int) r);
  }

  static long fromLong32(long value) {
    return bits((float) value);
  }

  static boolean exactFromLong32(long value) {
    return Math.abs(value) <= 1L << 53 && (float) value == (double) value;
  }

  static boolean fitsLong32(long a) {
    return Math.abs(single(a)) < 0x1p63f;
  }

  static boolean fitsInt32(long a) {
    return Math.abs(single(a)) < 0x1p31f;
  }

  static long truncate32(long a) {
    return (long) single(a);
  }

  static boolean whole32(long a) {
    float x = single(a);
    return (float) (long) x == x;
  }

  static long toDouble(long a) {
    return doubleToRawLongBits(single(a));
  }
}
