package lodge.devices.virtio;

import java.util.Arrays;
import java.util.Optional;

/** A queue's registers, and the queue while it is enabled. Guarded by its {@link Transport}. */
public final class QueueSlot {
  static final int NO_VECTOR = 0xFFFF;

  private final int maxSize;
  int size;

  /** Of descriptors, driver area and device area. */
  private final long[] addresses = new long[3];

  boolean resetting;

  /** Read by those who complete requests. */
  volatile int vector;

  /** Null while it is not enabled. */
  Virtqueue queue;

  /**
   * The registers of a queue.
   *
   * @param layout as the driver has written it, good or bad
   * @param running how far it has come, while it is enabled
   */
  public record State(QueueLayout layout, int vector, Optional<Virtqueue.State> running) {}

  QueueSlot(int maxSize) {
    this.maxSize = maxSize;
    clear();
  }

  /** As after a reset. */
  void clear() {
    size = maxSize;
    Arrays.fill(addresses, 0);
    resetting = false;
    vector = NO_VECTOR;
    queue = null;
  }

  QueueLayout layout() {
    return new QueueLayout(size, addresses[0], addresses[1], addresses[2]);
  }

  void layout(QueueLayout layout) {
    size = layout.size();
    addresses[0] = layout.descriptors();
    addresses[1] = layout.driver();
    addresses[2] = layout.device();
  }

  /** One of the six halves of the addresses, in the order of their registers. */
  int half(int number) {
    return (int) (addresses[number >> 1] >>> 32 * (number & 1));
  }

  void half(int number, int value) {
    int shift = 32 * (number & 1);
    long other = addresses[number >> 1] & ~(0xFFFF_FFFFL << shift);
    addresses[number >> 1] = other | (value & 0xFFFF_FFFFL) << shift;
  }

  State state() {
    return new State(layout(), vector, Optional.ofNullable(queue).map(Virtqueue::state));
  }
}
