package lodge.devices.virtio;

/**
 * A request that a device has taken from a {@link Virtqueue}: buffers to read, then buffers to
 * write. It is to be {@linkplain #complete completed} once, by any thread.
 */
public final class DescriptorChain {
  private final Virtqueue queue;

  /** Head of the chain in a split ring, buffer id in a packed one. */
  final int id;

  /** How many of a packed ring's descriptors it takes. */
  final int descriptors;

  private final GuestBuffer readable;
  private final GuestBuffer writable;

  // Guarded by queue.
  boolean completed;
  long written;

  DescriptorChain(
      Virtqueue queue, int id, int descriptors, GuestBuffer readable, GuestBuffer writable) {
    this.queue = queue;
    this.id = id;
    this.descriptors = descriptors;
    this.readable = readable;
    this.writable = writable;
  }

  /** What the driver tells the device. */
  public GuestBuffer readable() {
    return readable;
  }

  /** Where the device answers. */
  public GuestBuffer writable() {
    return writable;
  }

  /**
   * Gives the buffers back to the driver, unless the queue was reset meanwhile.
   *
   * @param written bytes at the beginning of {@link #writable} that the device has written
   * @throws IllegalStateException when it was completed before
   */
  public void complete(long written) {
    queue.complete(this, written);
  }

  /** It lacks what every request has: gives it back, and the driver has to reset the device. */
  void refuse() {
    queue.fail(QueueError.REQUEST_FORM);
    complete(0);
  }
}
