package lodge.cpu.x86.vector;

/**
 * Packed integer arithmetic within one 64-bit lane: all elements at once in an ordinary long.
 *
 * <p>The parameter {@code h} is the mask of the elements' top bits ({@link #B}, {@link #W} or
 * {@link #D}) and says their size. It is a constant at every call, so that the compiler folds what
 * depends on it.
 */
public final class Packed {
  /** Top bits of bytes. */
  public static final long B = 0x8080_8080_8080_8080L;

  /** Top bits of words. */
  public static final long W = 0x8000_8000_8000_8000L;

  /** Top bits of doublewords. */
  public static final long D = 0x8000_0000_8000_0000L;

  private Packed() {}

  /** Element width in bits less one. */
  private static int top(long h) {
    return Long.numberOfTrailingZeros(h);
  }

  /** Elements of all ones where {@code tops} (a subset of {@code h}) has a bit, zeros elsewhere. */
  static long spread(long tops, long h) {
    return (tops << 1) - (tops >>> top(h));
  }

  private static long select(long mask, long yes, long no) {
    return no ^ (yes ^ no) & mask;
  }

  public static long add(long a, long b, long h) {
    return (a & ~h) + (b & ~h) ^ (a ^ b) & h;
  }

  public static long subtract(long a, long b, long h) {
    return (a | h) - (b & ~h) ^ (a ^ ~b) & h;
  }

  /** Top bits where a is below b, unsigned: the borrows out of the elements. */
  private static long below(long a, long b, long h) {
    return (~a & b | ~(a ^ b) & subtract(a, b, h)) & h;
  }

  /** What a signed operation saturates to, from the sign of its first operand. */
  private static long saturated(long a, long h) {
    return ~h + ((a & h) >>> top(h));
  }

  public static long addSigned(long a, long b, long h) {
    long sum = add(a, b, h);
    long overflow = spread((a ^ sum) & (b ^ sum) & h, h);
    return select(overflow, saturated(a, h), sum);
  }

  public static long subtractSigned(long a, long b, long h) {
    long difference = subtract(a, b, h);
    long overflow = spread((a ^ b) & (a ^ difference) & h, h);
    return select(overflow, saturated(a, h), difference);
  }

  public static long addUnsigned(long a, long b, long h) {
    long sum = add(a, b, h);
    return sum | spread((a & b | (a | b) & ~sum) & h, h);
  }

  public static long subtractUnsigned(long a, long b, long h) {
    return subtract(a, b, h) & ~spread(below(a, b, h), h);
  }

  public static long equal(long a, long b, long h) {
    long x = a ^ b;
    return spread(~((x & ~h) + ~h | x) & h, h);
  }

  /** Signed a &gt; b. */
  public static long greater(long a, long b, long h) {
    return spread(below(b ^ h, a ^ h, h), h);
  }

  public static long equalQuad(long a, long b) {
    return a == b ? -1 : 0;
  }

  public static long greaterQuad(long a, long b) {
    return a > b ? -1 : 0;
  }

  public static long minUnsigned(long a, long b, long h) {
    return select(spread(below(a, b, h), h), a, b);
  }

  public static long maxUnsigned(long a, long b, long h) {
    return select(spread(below(a, b, h), h), b, a);
  }

  public static long minSigned(long a, long b, long h) {
    return select(greater(a, b, h), b, a);
  }

  public static long maxSigned(long a, long b, long h) {
    return select(greater(a, b, h), a, b);
  }

  /** Unsigned average, rounded up. */
  public static long average(long a, long b, long h) {
    return (a | b) - ((a ^ b) >>> 1 & ~h);
  }

  public static long abs(long a, long h) {
    long negative = spread(a & h, h);
    return subtract(a ^ negative, negative, h);
  }

  /** a, 0 or -a as the element of b is positive, zero or negative. */
  public static long sign(long a, long b, long h) {
    long negative = spread(b & h, h);
    return subtract(a ^ negative, negative, h) & ~equal(b, 0, h);
  }

  /** One bit for each byte: its top bit (PMOVMSKB). */
  public static int topBits(long a) {
    // The multiplication moves bit 8i+7 (at 8i after the shift) to bit 56+i; no two products meet.
    return (int) ((a >>> 7 & 0x0101_0101_0101_0101L) * 0x0102_0408_1020_4080L >>> 56);
  }

  /** Sum of the bytes' absolute differences, unsigned (PSADBW): 0 to 2040. */
  public static long absoluteDifferences(long a, long b) {
    long d = subtractUnsigned(a, b, B) | subtractUnsigned(b, a, B);
    long pairs = (d & 0x00FF_00FF_00FF_00FFL) + (d >>> 8 & 0x00FF_00FF_00FF_00FFL);
    return pairs * 0x0001_0001_0001_0001L >>> 48;
  }

  /**
   * Four of MPSADBW's words.
   *
   * @param low first 8 bytes of the sliding operand, from the first word's first byte on
   * @param next the byte sequence that follows {@code low}
   * @param block four bytes that each window is compared with, in the low half
   */
  public static long windowDifferences(long low, long next, int block) {
    long result = 0;
    for (int i = 0; i < 4; i++) {
      long window = i == 0 ? low : low >>> 8 * i | next << 64 - 8 * i;
      long sum = absoluteDifferences(window & 0xFFFF_FFFFL, block & 0xFFFF_FFFFL);
      result |= sum << 16 * i;
    }
    return result;
  }

  /**
   * The lowest unsigned word of eight at bits 15:0 and the index of its first occurrence at 18:16
   * (PHMINPOSUW).
   */
  public static long minimumPosition(long low, long high) {
    int best = 0xFFFF;
    int index = 0;
    for (int i = 7; i >= 0; i--) {
      int word = (int) ((i < 4 ? low : high) >>> 16 * (i & 3)) & 0xFFFF;
      if (word <= best) {
        best = word;
        index = i;
      }
    }
    return (long) index << 16 | best;
  }
}
