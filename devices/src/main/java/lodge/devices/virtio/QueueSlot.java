package lodge.devices.virtio;

import java.util.Optional;

/** A queue's registers, and the queue while it is enabled. Guarded by its {@link Transport}. */
public final class QueueSlot {
  static final int NO_VECTOR = 0xFFFF;

  private final int maxSize;
  int size;
  long descriptors;
  long driver;
  long device;
  boolean resetting;

  /** Read by those who complete requests. */
  volatile int vector;

  /** Null while it is not enabled. */
  Virtqueue queue;

  /**
   * The registers of a queue.
   *
   * @param running how far it has come, while it is enabled
   */
  public record State(
      int size,
      long descriptors,
      long driver,
      long device,
      int vector,
      Optional<Virtqueue.State> running) {}

  QueueSlot(int maxSize) {
    this.maxSize = maxSize;
    clear();
  }

  /** As after a reset. */
  void clear() {
    size = maxSize;
    descriptors = 0;
    driver = 0;
    device = 0;
    resetting = false;
    vector = NO_VECTOR;
    queue = null;
  }

  QueueLayout layout() {
    return new QueueLayout(size, descriptors, driver, device);
  }

  State state() {
    return new State(
        size,
        descriptors,
        driver,
        device,
        vector,
        Optional.ofNullable(queue).map(Virtqueue::state));
  }
}
