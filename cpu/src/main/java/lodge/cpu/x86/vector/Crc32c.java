package lodge.cpu.x86.vector;

/**
 * The CRC32 instruction's polynomial 0x11EDC6F41, bit-reflected, without the complements around it.
 */
public final class Crc32c {
  private static final int REFLECTED = 0x82F6_3B78;
  private static final int[] TABLE = new int[256];

  static {
    for (int i = 0; i < 256; i++) {
      int crc = i;
      for (int bit = 0; bit < 8; bit++) {
        crc = crc >>> 1 ^ ((crc & 1) == 0 ? 0 : REFLECTED);
      }
      TABLE[i] = crc;
    }
  }

  private Crc32c() {}

  /**
   * @param size bytes of {@code data} that are taken in, lowest first: 1, 2, 4 or 8
   */
  public static int update(int crc, long data, int size) {
    int result = crc;
    for (int i = 0; i < size; i++) {
      result = result >>> 8 ^ TABLE[(result ^ (int) (data >>> 8 * i)) & 0xFF];
    }
    return result;
  }
}
