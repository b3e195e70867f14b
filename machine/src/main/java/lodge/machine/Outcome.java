package lodge.machine;

/** How a machine's run ended. */
public sealed interface Outcome {
  /** The guest powered itself off. */
  record PowerOff() implements Outcome {}

  /** The guest asked for a reset and the machine was built with {@code rebootOnReset(false)}. */
  record Reset() implements Outcome {}

  /** The guest's kernel reported a panic through the pvpanic port. */
  record Panic() implements Outcome {}

  /**
   * The processor shut down because it could not deliver a double fault.
   *
   * @param dump readable text of several lines: registers, RIP with nearby bytes, CR0 to CR4, last
   *     exits
   */
  record TripleFault(String dump) implements Outcome {}

  /**
   * The guest wrote to a debug-exit port.
   *
   * @param status what it asked for, 0 to 255: the value written, or through an isa-debug-exit
   *     device twice the value plus 1
   */
  record DebugExit(int status) implements Outcome {}

  /** {@link Machine#stop} or {@link Machine#close} ended the run. */
  record Stopped() implements Outcome {}

  /**
   * The host side cannot go on: an engine gave up or the serial console's output broke.
   *
   * @param reason readable text, its first line a summary
   */
  record Failed(String reason) implements Outcome {}
}
