package lodge.cpu.x86.vector;

/** Comparisons, minimum and maximum. */
public final class FloatCompare {
  /** Results of {@link #order64} and {@link #order32}. */
  public static final int LESS = -1;

  public static final int EQUAL = 0;
  public static final int GREATER = 1;
  public static final int UNORDERED = 2;

  private FloatCompare() {}

  /**
   * COMISD (signaling: quiet NaNs are invalid too) and UCOMISD.
   *
   * @return how a compares to b
   */
  public static int order64(SimdFloat e, long a, long b, boolean signaling) {
    if (SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      return x < y ? LESS : x > y ? GREATER : EQUAL;
    }
    return order(e, a, b, signaling, SoftFloat.F64);
  }

  public static int order32(SimdFloat e, int a, int b, boolean signaling) {
    if (SimdFloat.ordinary(a) && SimdFloat.ordinary(b)) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      return x < y ? LESS : x > y ? GREATER : EQUAL;
    }
    return order(e, a, b, signaling, SoftFloat.F32);
  }

  private static int order(SimdFloat e, long first, long second, boolean signaling, int f) {
    long a = SoftFloat.operand(e, first, f);
    long b = SoftFloat.operand(e, second, f);
    if (SoftFloat.isNan(a, f) || SoftFloat.isNan(b, f)) {
      if (signaling || SoftFloat.isSignaling(a, f) || SoftFloat.isSignaling(b, f)) {
        e.raised |= Mxcsr.IE;
      }
      return UNORDERED;
    }
    if (SoftFloat.isDenormal(a, f) || SoftFloat.isDenormal(b, f)) {
      e.raised |= Mxcsr.DE;
    }
    return Long.compare(ordinal(a, f), ordinal(b, f));
  }

  /** Orders numbers as their integers; both zeros are 0. */
  private static long ordinal(long a, int f) {
    long magnitude = SoftFloat.fraction(a, f) | (long) SoftFloat.exponent(a, f) << f;
    return SoftFloat.sign(a, f) != 0 ? -magnitude : magnitude;
  }

  /**
   * Whether a predicate of CMPPS and its kin holds. Bits 2:0 as the legacy forms have them; bits
   * 4:3 are those of VEX: bit 4 swaps which NaNs are invalid, bit 3 chooses the second eight
   * relations.
   */
  public static boolean holds64(SimdFloat e, long a, long b, int predicate) {
    return holds(order64(e, a, b, signaling(predicate)), predicate);
  }

  public static boolean holds32(SimdFloat e, int a, int b, int predicate) {
    return holds(order32(e, a, b, signaling(predicate)), predicate);
  }

  private static boolean signaling(int predicate) {
    // LT, LE, NLT, NLE (and NGE, NGT, GE, GT) signal; the others do with bit 4 set.
    return ((predicate & 3) == 1 || (predicate & 3) == 2) ^ (predicate & 0x10) != 0;
  }

  private static boolean holds(int order, int predicate) {
    return switch (predicate & 0xF) {
      case 0 -> order == EQUAL;
      case 1 -> order == LESS;
      case 2 -> order == LESS || order == EQUAL;
      case 3 -> order == UNORDERED;
      case 4 -> order != EQUAL;
      case 5 -> order != LESS;
      case 6 -> order != LESS && order != EQUAL;
      case 7 -> order != UNORDERED;
      case 8 -> order == EQUAL || order == UNORDERED;
      case 9 -> order == LESS || order == UNORDERED;
      case 10 -> order != GREATER;
      case 11 -> false;
      case 12 -> order == LESS || order == GREATER;
      case 13 -> order == GREATER || order == EQUAL;
      case 14 -> order == GREATER;
      default -> true;
    };
  }

  /** The second operand unless the first one is less: so too with NaNs and with two zeros. */
  public static long min64(SimdFloat e, long a, long b) {
    boolean first = order64(e, a, b, true) == LESS;
    return SoftFloat.operand(e, first ? a : b, SoftFloat.F64);
  }

  public static long max64(SimdFloat e, long a, long b) {
    boolean first = order64(e, a, b, true) == GREATER;
    return SoftFloat.operand(e, first ? a : b, SoftFloat.F64);
  }

  public static int min32(SimdFloat e, int a, int b) {
    boolean first = order32(e, a, b, true) == LESS;
    return (int) SoftFloat.operand(e, first ? a : b, SoftFloat.F32);
  }

  public static int max32(SimdFloat e, int a, int b) {
    boolean first = order32(e, a, b, true) == GREATER;
    return (int) SoftFloat.operand(e, first ? a : b, SoftFloat.F32);
  }
}
