package lodge.cpu.x86.decode;

/** Registers as Intel's syntax names them. */
final class RegisterText {
  private static final String[] BYTES = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
  private static final String[] HIGH_BYTES = {"ah", "ch", "dh", "bh"};
  private static final String[] WORDS = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
  private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs"};

  private RegisterText() {}

  /**
   * @param rex the instruction has such a prefix: byte registers 4 to 7 are no high halves
   */
  static String general(int number, int bytes, boolean rex) {
    if (number >= 8) {
      return "r" + number + InsnText.bySize(bytes, "b", "w", "d", "");
    }
    return switch (bytes) {
      case 1 -> number >= 4 && !rex ? HIGH_BYTES[number - 4] : BYTES[number];
      case 2 -> WORDS[number];
      case 4 -> "e" + WORDS[number];
      default -> "r" + WORDS[number];
    };
  }

  static String segment(int number) {
    return number < SEGMENTS.length ? SEGMENTS[number] : "segment" + number;
  }
}
