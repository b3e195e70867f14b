package lodge.devices;

/** Where a serial port's transmitted characters go. */
@FunctionalInterface
public interface CharacterSink {
  /**
   * Takes one character, in order. May buffer; may block, which makes the guest wait as a slow line
   * would.
   *
   * @param b 0 to 255
   */
  void write(int b);
}
