package lodge.devices.virtio;

/** Ends the look at a ring that breaks the rules; it never leaves the queue. */
final class BrokenRing extends Exception {
  private static final long serialVersionUID = 1;

  final QueueError error;

  BrokenRing(QueueError error) {
    super(error.name(), null, false, false);
    this.error = error;
  }
}
