package lodge.devices;

import java.util.HexFormat;

/**
 * The translation of scan code set 2 to set 1 that the keyboard controller does for the PC's first
 * programs.
 */
final class ScanCodes {
  private static final int TABLE_SIZE = 0x80;

  /** Set 1 codes of set 2 codes 0x00 to 0x7F, two hexadecimal digits each. */
  private static final String SET_1 =
      "ff43413f3d3b3c58644442403e0f2959"
          + "65382a701d10025a66712c1f1e11035b"
          + "672e2d201205045c68392f211413065d"
          + "693130232215075e6a7232241608095f"
          + "6b332517180b0a606c34352627190c61"
          + "6d7328741a0d626e3a361c1b752b6376"
          + "55567778797a0e7b7c4f7d4b477e7f6f"
          + "5253504c4d480145574e514a37494654";

  private static final byte[] TABLE = HexFormat.of().parseHex(SET_1);

  private ScanCodes() {}

  /**
   * @param b a byte from the keyboard, 0 to 255; answers and prefixes from 0x85 up stay what they
   *     are
   */
  static int toSet1(int b) {
    if (b < TABLE_SIZE) {
      return TABLE[b] & 0xFF;
    }
    return switch (b) {
      case 0x83 -> 0x41;
      case 0x84 -> 0x54;
      default -> b;
    };
  }
}
