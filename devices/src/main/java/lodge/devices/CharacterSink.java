package lodge.devices;

/** Where the characters go that a guest transmits. */
@FunctionalInterface
public interface CharacterSink {
  /**
   * Takes one character, in order. May buffer; may block, which makes the guest wait as a slow line
   * would.
   *
   * @param b 0 to 255
   */
  void write(int b);

  /** Takes several, in order. */
  default void write(byte[] characters, int from, int length) {
    for (int i = from; i < from + length; i++) {
      write(characters[i] & 0xFF);
    }
  }
}
