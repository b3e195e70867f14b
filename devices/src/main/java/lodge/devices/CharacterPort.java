package lodge.devices;

/**
 * A chip's end of a line of characters, to which the host's input is given as the guest takes it.
 */
public interface CharacterPort {
  /**
   * Gives characters to the guest, in order; for one thread at a time.
   *
   * @return how many were taken: when fewer than all, the action of {@link #onReceiveSpace} is
   *     called when more will be
   */
  int receive(byte[] characters, int from, int length);

  /** Says who is told that more is taken now, from any thread. */
  void onReceiveSpace(Runnable action);
}
