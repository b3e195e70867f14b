package lodge.cpu.x86.vector;

/**
 * Packed shifts within one 64-bit lane. Counts are whole unsigned 64-bit numbers; those out of
 * range shift all out.
 */
public final class PackedShift {
  private PackedShift() {}

  private static boolean beyond(long count, int width) {
    return Long.compareUnsigned(count, width) >= 0;
  }

  public static long leftWords(long a, long count) {
    if (beyond(count, 16)) {
      return 0;
    }
    int n = (int) count;
    return (a & (0xFFFF >>> n) * 0x0001_0001_0001_0001L) << n;
  }

  public static long leftDoublewords(long a, long count) {
    if (beyond(count, 32)) {
      return 0;
    }
    int n = (int) count;
    return (a & (0xFFFF_FFFFL >>> n) * 0x0000_0001_0000_0001L) << n;
  }

  public static long leftQuadwords(long a, long count) {
    return beyond(count, 64) ? 0 : a << (int) count;
  }

  public static long rightWords(long a, long count) {
    if (beyond(count, 16)) {
      return 0;
    }
    int n = (int) count;
    return a >>> n & (0xFFFF >>> n) * 0x0001_0001_0001_0001L;
  }

  public static long rightDoublewords(long a, long count) {
    if (beyond(count, 32)) {
      return 0;
    }
    int n = (int) count;
    return a >>> n & (0xFFFF_FFFFL >>> n) * 0x0000_0001_0000_0001L;
  }

  public static long rightQuadwords(long a, long count) {
    return beyond(count, 64) ? 0 : a >>> (int) count;
  }

  public static long arithmeticWords(long a, long count) {
    int n = beyond(count, 16) ? 15 : (int) count;
    long signs = Packed.spread(a & Packed.W, Packed.W);
    long kept = (0xFFFF >>> n) * 0x0001_0001_0001_0001L;
    return a >>> n & kept | signs & ~kept;
  }

  public static long arithmeticDoublewords(long a, long count) {
    int n = beyond(count, 32) ? 31 : (int) count;
    return (int) a >> n & 0xFFFF_FFFFL | a >> 32 + n << 32;
  }

  /** Low lane of a 128-bit byte shift to the left (PSLLDQ). */
  public static long leftBytesLow(long low, int bytes) {
    return bytes >= 8 ? 0 : low << 8 * bytes;
  }

  /** High lane of a 128-bit byte shift to the left. */
  public static long leftBytesHigh(long low, long high, int bytes) {
    if (bytes == 0) {
      return high;
    }
    if (bytes < 8) {
      return high << 8 * bytes | low >>> 64 - 8 * bytes;
    }
    return bytes < 16 ? low << 8 * (bytes - 8) : 0;
  }

  /** Low lane of a 128-bit byte shift to the right (PSRLDQ, and PALIGNR within 16 bytes). */
  public static long rightBytesLow(long low, long high, int bytes) {
    if (bytes == 0) {
      return low;
    }
    if (bytes < 8) {
      return low >>> 8 * bytes | high << 64 - 8 * bytes;
    }
    return bytes < 16 ? high >>> 8 * (bytes - 8) : 0;
  }

  /** High lane of a 128-bit byte shift to the right. */
  public static long rightBytesHigh(long high, int bytes) {
    return bytes >= 8 ? 0 : high >>> 8 * bytes;
  }

  /** Each doubleword by the count in the same place (VPSLLVD). */
  public static long leftEachDoubleword(long a, long counts) {
    return leftOne((int) a, (int) counts) & 0xFFFF_FFFFL
        | (long) leftOne((int) (a >>> 32), (int) (counts >>> 32)) << 32;
  }

  private static int leftOne(int a, int count) {
    return count >>> 5 == 0 ? a << count : 0;
  }

  /** VPSRLVD. */
  public static long rightEachDoubleword(long a, long counts) {
    return rightOne((int) a, (int) counts) & 0xFFFF_FFFFL
        | (long) rightOne((int) (a >>> 32), (int) (counts >>> 32)) << 32;
  }

  private static int rightOne(int a, int count) {
    return count >>> 5 == 0 ? a >>> count : 0;
  }

  /** VPSRAVD. */
  public static long arithmeticEachDoubleword(long a, long counts) {
    return arithmeticOne((int) a, (int) counts) & 0xFFFF_FFFFL
        | (long) arithmeticOne((int) (a >>> 32), (int) (counts >>> 32)) << 32;
  }

  private static int arithmeticOne(int a, int count) {
    return a >> (count >>> 5 == 0 ? count : 31);
  }

  /**
   * Eight bytes from a place on in 32 bytes, with zeros behind (VPALIGNR).
   *
   * @param bytes where they start, 0 or more
   */
  public static long window(long l0, long l1, long l2, long l3, int bytes) {
    int shift = 8 * (bytes & 7);
    long here;
    long next;
    switch (bytes >> 3) {
      case 0 -> {
        here = l0;
        next = l1;
      }
      case 1 -> {
        here = l1;
        next = l2;
      }
      case 2 -> {
        here = l2;
        next = l3;
      }
      case 3 -> {
        here = l3;
        next = 0;
      }
      default -> {
        return 0;
      }
    }
    return shift == 0 ? here : here >>> shift | next << 64 - shift;
  }
}
