package lodge.cpu.x86.vector;

/** Packed integer multiplication within one 64-bit lane. */
public final class PackedMultiply {
  private PackedMultiply() {}

  private static int word(long a, int i) {
    return (short) (a >>> 16 * i);
  }

  private static long words(int w0, int w1, int w2, int w3) {
    return w0 & 0xFFFFL | (w1 & 0xFFFFL) << 16 | (w2 & 0xFFFFL) << 32 | (long) w3 << 48;
  }

  private static long doublewords(int d0, int d1) {
    return d0 & 0xFFFF_FFFFL | (long) d1 << 32;
  }

  private static int saturate(int value) {
    return Math.clamp(value, Short.MIN_VALUE, Short.MAX_VALUE);
  }

  /** PMULLW. */
  public static long lowWords(long a, long b) {
    return words(
        word(a, 0) * word(b, 0),
        word(a, 1) * word(b, 1),
        word(a, 2) * word(b, 2),
        word(a, 3) * word(b, 3));
  }

  /** PMULHW. */
  public static long highWords(long a, long b) {
    return words(
        word(a, 0) * word(b, 0) >> 16,
        word(a, 1) * word(b, 1) >> 16,
        word(a, 2) * word(b, 2) >> 16,
        word(a, 3) * word(b, 3) >> 16);
  }

  private static int highUnsigned(long a, long b, int i) {
    return ((int) (a >>> 16 * i) & 0xFFFF) * ((int) (b >>> 16 * i) & 0xFFFF) >>> 16;
  }

  /** PMULHUW. */
  public static long highWordsUnsigned(long a, long b) {
    return words(
        highUnsigned(a, b, 0), highUnsigned(a, b, 1), highUnsigned(a, b, 2), highUnsigned(a, b, 3));
  }

  private static int highRounded(long a, long b, int i) {
    return (word(a, i) * word(b, i) >> 14) + 1 >> 1;
  }

  /** PMULHRSW. */
  public static long highWordsRounded(long a, long b) {
    return words(
        highRounded(a, b, 0), highRounded(a, b, 1), highRounded(a, b, 2), highRounded(a, b, 3));
  }

  /** PMULLD. */
  public static long lowDoublewords(long a, long b) {
    return doublewords((int) a * (int) b, (int) (a >>> 32) * (int) (b >>> 32));
  }

  /** PMULUDQ. */
  public static long wideUnsigned(long a, long b) {
    return (a & 0xFFFF_FFFFL) * (b & 0xFFFF_FFFFL);
  }

  /** PMULDQ. */
  public static long wideSigned(long a, long b) {
    return (long) (int) a * (int) b;
  }

  /** PMADDWD. */
  public static long addProducts(long a, long b) {
    return doublewords(
        word(a, 0) * word(b, 0) + word(a, 1) * word(b, 1),
        word(a, 2) * word(b, 2) + word(a, 3) * word(b, 3));
  }

  private static int unsignedBySigned(long a, long b, int i) {
    return ((int) (a >>> 8 * i) & 0xFF) * (byte) (b >>> 8 * i);
  }

  private static int pair(long a, long b, int i) {
    return saturate(unsignedBySigned(a, b, 2 * i) + unsignedBySigned(a, b, 2 * i + 1));
  }

  /** PMADDUBSW: bytes of a unsigned, of b signed. */
  public static long addProductsOfBytes(long a, long b) {
    return words(pair(a, b, 0), pair(a, b, 1), pair(a, b, 2), pair(a, b, 3));
  }

  /** PHADDW for one operand register of two lanes: its four sums of neighbours. */
  public static long addNeighbourWords(long low, long high) {
    return words(
        word(low, 0) + word(low, 1),
        word(low, 2) + word(low, 3),
        word(high, 0) + word(high, 1),
        word(high, 2) + word(high, 3));
  }

  /** PHADDSW. */
  public static long addNeighbourWordsSigned(long low, long high) {
    return words(
        saturate(word(low, 0) + word(low, 1)),
        saturate(word(low, 2) + word(low, 3)),
        saturate(word(high, 0) + word(high, 1)),
        saturate(word(high, 2) + word(high, 3)));
  }

  /** PHSUBW. */
  public static long subtractNeighbourWords(long low, long high) {
    return words(
        word(low, 0) - word(low, 1),
        word(low, 2) - word(low, 3),
        word(high, 0) - word(high, 1),
        word(high, 2) - word(high, 3));
  }

  /** PHSUBSW. */
  public static long subtractNeighbourWordsSigned(long low, long high) {
    return words(
        saturate(word(low, 0) - word(low, 1)),
        saturate(word(low, 2) - word(low, 3)),
        saturate(word(high, 0) - word(high, 1)),
        saturate(word(high, 2) - word(high, 3)));
  }

  /** PHADDD. */
  public static long addNeighbourDoublewords(long low, long high) {
    return doublewords((int) low + (int) (low >>> 32), (int) high + (int) (high >>> 32));
  }

  /** PHSUBD. */
  public static long subtractNeighbourDoublewords(long low, long high) {
    return doublewords((int) low - (int) (low >>> 32), (int) high - (int) (high >>> 32));
  }
}
