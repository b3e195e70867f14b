package lodge.cpu.x86.vector;

/**
 * The steps of SHA-1 and SHA-256 (FIPS 180-4) that the SHA instructions compute. Vectors are two
 * lanes, lowest first; results are written to an array at a place.
 */
public final class Sha {
  private Sha() {}

  private static int word(long low, long high, int i) {
    long lane = i < 2 ? low : high;
    return (int) (lane >>> 32 * (i & 1));
  }

  private static long lane(int low, int high) {
    return low & 0xFFFF_FFFFL | (long) high << 32;
  }

  /** High lane of SHA1NEXTE; the low one is that of the second operand. */
  public static long nextE(long aHigh, long bHigh) {
    int e = Integer.rotateLeft((int) (aHigh >>> 32), 30);
    return bHigh + ((long) e << 32);
  }

  /** SHA1MSG2. */
  public static void message2(long aLow, long aHigh, long bLow, long bHigh, long[] out, int at) {
    int w16 = Integer.rotateLeft(word(aLow, aHigh, 3) ^ word(bLow, bHigh, 2), 1);
    int w17 = Integer.rotateLeft(word(aLow, aHigh, 2) ^ word(bLow, bHigh, 1), 1);
    int w18 = Integer.rotateLeft(word(aLow, aHigh, 1) ^ word(bLow, bHigh, 0), 1);
    int w19 = Integer.rotateLeft(word(aLow, aHigh, 0) ^ w16, 1);
    out[at] = lane(w19, w18);
    out[at + 1] = lane(w17, w16);
  }

  /**
   * SHA1RNDS4.
   *
   * @param function 0 to 3: which of the algorithm's four groups of twenty rounds
   */
  public static void rounds(
      long aLow, long aHigh, long bLow, long bHigh, int function, long[] out, int at) {
    int constant =
        switch (function) {
          case 0 -> 0x5A82_7999;
          case 1 -> 0x6ED9_EBA1;
          case 2 -> 0x8F1B_BCDC;
          default -> 0xCA62_C1D6;
        };
    int a = word(aLow, aHigh, 3);
    int b = word(aLow, aHigh, 2);
    int c = word(aLow, aHigh, 1);
    int d = word(aLow, aHigh, 0);
    int e = 0;
    for (int i = 3; i >= 0; i--) {
      int mixed =
          switch (function) {
            case 0 -> b & c ^ ~b & d;
            case 2 -> b & c ^ b & d ^ c & d;
            default -> b ^ c ^ d;
          };
      int next = mixed + Integer.rotateLeft(a, 5) + word(bLow, bHigh, i) + e + constant;
      e = d;
      d = c;
      c = Integer.rotateLeft(b, 30);
      b = a;
      a = next;
    }
    out[at] = lane(d, c);
    out[at + 1] = lane(b, a);
  }

  /**
   * SHA256RNDS2: the destination holds C, D, G, H from the top, the second operand A, B, E, F.
   *
   * @param words the two rounds' words, constants added
   */
  public static void rounds256(
      long aLow, long aHigh, long bLow, long bHigh, long words, long[] out, int at) {
    int a = word(bLow, bHigh, 3);
    int b = word(bLow, bHigh, 2);
    int c = word(aLow, aHigh, 3);
    int d = word(aLow, aHigh, 2);
    int e = word(bLow, bHigh, 1);
    int f = word(bLow, bHigh, 0);
    int g = word(aLow, aHigh, 1);
    int h = word(aLow, aHigh, 0);
    for (int i = 0; i < 2; i++) {
      int first = (e & f ^ ~e & g) + sum(e, 6, 11, 25) + (int) (words >>> 32 * i) + h;
      int second = (a & b ^ a & c ^ b & c) + sum(a, 2, 13, 22);
      h = g;
      g = f;
      f = e;
      e = d + first;
      d = c;
      c = b;
      b = a;
      a = first + second;
    }
    out[at] = lane(f, e);
    out[at + 1] = lane(b, a);
  }

  private static int sum(int x, int i, int j, int k) {
    return Integer.rotateRight(x, i) ^ Integer.rotateRight(x, j) ^ Integer.rotateRight(x, k);
  }

  private static int small0(int x) {
    return Integer.rotateRight(x, 7) ^ Integer.rotateRight(x, 18) ^ x >>> 3;
  }

  private static int small1(int x) {
    return Integer.rotateRight(x, 17) ^ Integer.rotateRight(x, 19) ^ x >>> 10;
  }

  /** SHA256MSG1. */
  public static void message256First(long aLow, long aHigh, long bLow, long[] out, int at) {
    int w0 = (int) aLow;
    int w1 = (int) (aLow >>> 32);
    int w2 = (int) aHigh;
    int w3 = (int) (aHigh >>> 32);
    out[at] = lane(w0 + small0(w1), w1 + small0(w2));
    out[at + 1] = lane(w2 + small0(w3), w3 + small0((int) bLow));
  }

  /** SHA256MSG2. */
  public static void message256Second(long aLow, long aHigh, long bHigh, long[] out, int at) {
    int w16 = (int) aLow + small1((int) bHigh);
    int w17 = (int) (aLow >>> 32) + small1((int) (bHigh >>> 32));
    int w18 = (int) aHigh + small1(w16);
    int w19 = (int) (aHigh >>> 32) + small1(w17);
    out[at] = lane(w16, w17);
    out[at + 1] = lane(w18, w19);
  }
}
