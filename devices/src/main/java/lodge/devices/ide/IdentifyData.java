package lodge.devices.ide;

/** The 256 words that a drive describes itself with (ATA/ATAPI-6, 8.15 and 8.16). */
final class IdentifyData {
  private static final int WORDS = 256;
  private static final int SIGNATURE = 0xA5;

  private final int[] words = new int[WORDS];

  IdentifyData set(int word, int value) {
    words[word] = value & 0xFFFF;
    return this;
  }

  /** A number in several words, the low one first. */
  IdentifyData set(int word, int count, long value) {
    for (int i = 0; i < count; i++) {
      set(word + i, (int) (value >> 16 * i));
    }
    return this;
  }

  /** Text, padded with spaces: the first character of two is the high byte. */
  IdentifyData set(int word, int count, String text) {
    String padded = (text + " ".repeat(2 * count)).substring(0, 2 * count);
    for (int i = 0; i < count; i++) {
      set(word + i, padded.charAt(2 * i) << 8 | padded.charAt(2 * i + 1) & 0xFF);
    }
    return this;
  }

  /** The bytes as they come at the data register, with a checksum at the end. */
  byte[] bytes() {
    byte[] bytes = new byte[2 * WORDS];
    int sum = SIGNATURE;
    words[WORDS - 1] = SIGNATURE;
    for (int i = 0; i < WORDS; i++) {
      bytes[2 * i] = (byte) words[i];
      bytes[2 * i + 1] = (byte) (words[i] >> 8);
      sum += i == WORDS - 1 ? 0 : bytes[2 * i] + bytes[2 * i + 1];
    }
    bytes[2 * WORDS - 1] = (byte) -sum;
    return bytes;
  }
}
