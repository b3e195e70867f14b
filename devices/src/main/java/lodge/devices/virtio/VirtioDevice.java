package lodge.devices.virtio;

import lodge.core.Stateful;

/**
 * What a device of one type is, behind whatever transport. Called by any thread. It waits for
 * nobody: a request that takes time is given to another thread.
 *
 * <p>Saved state and reset are about what the type itself remembers; the queues are the
 * transport's. Reset also comes from the driver; no request is under way then.
 */
public interface VirtioDevice<S extends Record> extends Stateful<S> {
  /** Device type (virtio 1.3, 5). */
  int type();

  /** Base class, subclass and programming interface, as PCI counts them. */
  int pciClass();

  /** Feature bits that it offers, those of rings among them; always the same. */
  long features();

  /** How many queues it has. */
  int queues();

  /** The most descriptors that a queue may have. */
  int queueSize();

  /** Configuration as it is now, as bytes; always as many. */
  byte[] configuration();

  /**
   * The driver writes to the configuration.
   *
   * @param offset any value
   * @param size 1, 2 or 4 bytes
   */
  void configure(int offset, int size, int value);

  /**
   * Says who is told when {@link #configuration} has changed by itself; while the board is built.
   */
  void onConfigurationChange(Runnable action);

  /** There may be requests in a queue, one that the driver has started among them. */
  void available(int number, Virtqueue queue);
}
