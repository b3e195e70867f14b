package lodge.devices;

import java.util.HexFormat;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The translation of scan code set 2 to set 1, which the keyboard controller does for the PC's
 * first programs, and what a keyboard sends that was told to use one of the other sets (IBM PS/2
 * technical reference, keyboard).
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

  private static final int EXTENDED_PREFIX = 0xE0;
  private static final int PAUSE_PREFIX = 0xE1;
  private static final int BREAK_PREFIX = 0xF0;
  private static final int BREAK_BIT = 0x80;
  private static final int PAUSE_IN_SET_3 = 0x62;

  /** Codes of set 2 whose key has another one in set 3; those with the prefix E0 have bit 8 set. */
  private static final Map<Integer, Integer> SET_3 =
      Map.ofEntries(
          Map.entry(0x76, 0x08), // Esc, F1 to F12
          Map.entry(0x05, 0x07),
          Map.entry(0x06, 0x0F),
          Map.entry(0x04, 0x17),
          Map.entry(0x0C, 0x1F),
          Map.entry(0x03, 0x27),
          Map.entry(0x0B, 0x2F),
          Map.entry(0x83, 0x37),
          Map.entry(0x0A, 0x3F),
          Map.entry(0x01, 0x47),
          Map.entry(0x09, 0x4F),
          Map.entry(0x78, 0x56),
          Map.entry(0x07, 0x5E),
          Map.entry(0x17C, 0x57), // Print Screen, Scroll Lock
          Map.entry(0x7E, 0x5F),
          Map.entry(0x14, 0x11), // Ctrl, Alt and Caps Lock
          Map.entry(0x11, 0x19),
          Map.entry(0x58, 0x14),
          Map.entry(0x111, 0x39),
          Map.entry(0x114, 0x58),
          Map.entry(0x5D, 0x5C), // backslash
          Map.entry(0x170, 0x67), // Insert, Delete, Home, End, Page Up, Page Down
          Map.entry(0x171, 0x64),
          Map.entry(0x16C, 0x6E),
          Map.entry(0x169, 0x65),
          Map.entry(0x17D, 0x6F),
          Map.entry(0x17A, 0x6D),
          Map.entry(0x16B, 0x61), // arrows: left, down, up, right
          Map.entry(0x172, 0x60),
          Map.entry(0x175, 0x63),
          Map.entry(0x174, 0x6A),
          Map.entry(0x77, 0x76), // Num Lock, and the keypad's / * - + Enter
          Map.entry(0x14A, 0x4A),
          Map.entry(0x7C, 0x7E),
          Map.entry(0x7B, 0x4E),
          Map.entry(0x79, 0x7C),
          Map.entry(0x15A, 0x79),
          Map.entry(0x11F, 0x8B), // Windows keys and Menu
          Map.entry(0x127, 0x8C),
          Map.entry(0x12F, 0x8D));

  private ScanCodes() {}

  /**
   * What a key sends.
   *
   * @param set 1 to 3
   * @param scanCode its bytes in set 2
   */
  static int[] inSet(int set, int[] scanCode) {
    return switch (set) {
      case 1 -> inSet1(scanCode);
      case 3 -> inSet3(scanCode);
      default -> scanCode;
    };
  }

  private static int[] inSet1(int[] scanCode) {
    IntStream.Builder bytes = IntStream.builder();
    int breakBit = 0;
    for (int b : scanCode) {
      if (b == BREAK_PREFIX) {
        breakBit = BREAK_BIT;
      } else {
        bytes.add(toSet1(b) | breakBit);
        breakBit = 0;
      }
    }
    return bytes.build().toArray();
  }

  private static int[] inSet3(int[] scanCode) {
    if (scanCode.length > 0 && scanCode[0] == PAUSE_PREFIX) {
      return new int[] {PAUSE_IN_SET_3};
    }
    IntStream.Builder bytes = IntStream.builder();
    int extended = 0;
    for (int b : scanCode) {
      if (b == EXTENDED_PREFIX) {
        extended = 0x100;
      } else {
        bytes.add(b == BREAK_PREFIX ? b : SET_3.getOrDefault(extended | b, b));
      }
    }
    return bytes.build().toArray();
  }

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
