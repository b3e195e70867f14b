package lodge.devices.virtio;

import java.util.random.RandomGenerator;
import lodge.core.Clock;

/**
 * Entropy device (virtio 1.3, 5.4): fills the driver's buffers with random bytes, 16 KiB in each
 * period of 1/64 s, so that a guest cannot keep the host busy with it. Buffers that come when a
 * period's bytes are spent wait in the queue for the next one.
 */
public final class VirtioRng implements VirtioDevice<VirtioRng.State> {
  static final int PERIOD_BYTES = 16 << 10;
  static final long PERIOD_NANOS = 1_000_000_000L / 64;

  private static final int TYPE = 4;
  private static final int UNCLASSIFIED = 0x00_FF00;
  private static final int QUEUE_SIZE = 64;

  private final RandomGenerator source;
  private final Clock clock;
  private final Clock.Timer nextPeriod;

  /** What the timer goes on with. */
  private volatile Virtqueue waiting;

  // Guarded by this
  private long periodEnd;
  private int left = PERIOD_BYTES;

  /** It remembers nothing. */
  public record State() {}

  /**
   * @param source of random bytes; asked by any thread, several at once
   */
  public VirtioRng(RandomGenerator source, Clock clock) {
    this.source = source;
    this.clock = clock;
    this.nextPeriod = clock.timer(() -> serve(waiting));
  }

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public int pciClass() {
    return UNCLASSIFIED;
  }

  @Override
  public long features() {
    return Features.RINGS;
  }

  @Override
  public int queues() {
    return 1;
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public byte[] configuration() {
    return new byte[0];
  }

  @Override
  public void configure(int offset, int size, int value) {}

  @Override
  public void onConfigurationChange(Runnable action) {}

  @Override
  public void available(int number, Virtqueue queue) {
    serve(queue);
  }

  private void serve(Virtqueue queue) {
    do {
      while (!spent(queue)) {
        DescriptorChain chain = queue.take();
        if (chain == null) {
          break;
        }
        fill(chain);
      }
    } while (!spent(queue) && queue.enableNotifications());
  }

  /** Whether nothing is left of this period; the queue is served in the next one then. */
  private synchronized boolean spent(Virtqueue queue) {
    long now = clock.nanos();
    if (now >= periodEnd) {
      periodEnd = now + PERIOD_NANOS;
      left = PERIOD_BYTES;
    }
    if (left > 0) {
      return false;
    }
    waiting = queue;
    nextPeriod.arm(periodEnd);
    return true;
  }

  /** At most what is left, but a byte even if others were faster: no buffer comes back empty. */
  private synchronized int spend(long wanted) {
    int granted = (int) Math.min(wanted, Math.max(left, 1));
    left -= granted;
    return granted;
  }

  private void fill(DescriptorChain chain) {
    GuestBuffer buffer = chain.writable();
    if (buffer.length() == 0) {
      chain.refuse();
      return;
    }
    byte[] bytes = new byte[spend(buffer.length())];
    source.nextBytes(bytes);
    buffer.put(bytes);
    chain.complete(bytes.length);
  }

  @Override
  public State state() {
    return new State();
  }

  @Override
  public void restore(State state) {}

  @Override
  public void reset() {}
}
