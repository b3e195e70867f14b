package lodge.devices.virtio;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import lodge.core.BlockBackend;

/**
 * Block device (virtio 1.3, 5.2): a disk of 512-byte sectors, with a queue for each processor so
 * that they do not wait for each other.
 */
public final class VirtioBlk implements VirtioDevice<VirtioBlk.State> {
  static final int SECTOR_SHIFT = 9;

  static final long SEG_MAX = 1L << 2;
  static final long RO = 1L << 5;
  static final long BLK_SIZE = 1L << 6;
  static final long FLUSH = 1L << 9;
  static final long TOPOLOGY = 1L << 10;
  static final long CONFIG_WCE = 1L << 11;
  static final long MQ = 1L << 12;
  static final long DISCARD = 1L << 13;
  static final long WRITE_ZEROES = 1L << 14;

  private static final int TYPE = 2;
  private static final int MASS_STORAGE = 0x01_0000;
  private static final int QUEUE_SIZE = 256;
  private static final int MOST_QUEUES = 4;

  // Configuration
  private static final int CONFIGURATION_LENGTH = 60;
  private static final int CAPACITY = 0;
  private static final int MOST_SEGMENTS = 12;
  private static final int BLOCK_SIZE = 20;
  private static final int PHYSICAL_BLOCK_EXPONENT = 24;
  private static final int LEAST_IO = 26;
  private static final int WRITEBACK = 32;
  private static final int NUM_QUEUES = 34;
  private static final int DISCARD_LIMITS = 36;
  private static final int WRITE_ZEROES_LIMITS = 48;
  private static final int WRITE_ZEROES_MAY_UNMAP = 56;

  /** Files and image formats are kept in blocks of 4096 bytes. */
  private static final int PHYSICAL_SECTORS_SHIFT = 3;

  private final BlockBackend backend;
  private final int queues;
  private final Executor executor;
  private final LongSupplier clock;
  private final BlkRequests requests;
  private final QueueWorkers[] workers;
  private volatile boolean writeback;
  private Runnable changed = () -> {};

  /**
   * What the driver has set.
   *
   * @param writeback writes may wait for the next flush
   */
  public record State(boolean writeback) {}

  /**
   * @param serial what the guest finds as the disk's name; at most 20 bytes of it
   * @param processors how many the guest has
   * @param executor has threads for requests, which may wait
   */
  public VirtioBlk(BlockBackend backend, String serial, int processors, Executor executor) {
    this(backend, serial, processors, executor, System::nanoTime);
  }

  /** With a clock that tells how quick the backend is. */
  VirtioBlk(
      BlockBackend backend, String serial, int processors, Executor executor, LongSupplier clock) {
    this.backend = backend;
    this.clock = clock;
    this.queues = Math.min(processors, MOST_QUEUES);
    this.executor = executor;
    this.requests = new BlkRequests(backend, serial);
    this.workers = new QueueWorkers[queues];
    this.writeback = backend.writeCache();
  }

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public int pciClass() {
    return MASS_STORAGE;
  }

  @Override
  public long features() {
    return Features.RINGS
        | SEG_MAX
        | BLK_SIZE
        | TOPOLOGY
        | FLUSH
        | CONFIG_WCE
        | MQ
        | (backend.readOnly() ? RO : DISCARD | WRITE_ZEROES);
  }

  @Override
  public int queues() {
    return queues;
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public byte[] configuration() {
    int alignment = 1 << PHYSICAL_SECTORS_SHIFT;
    return ByteBuffer.allocate(CONFIGURATION_LENGTH)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(CAPACITY, backend.size() >> SECTOR_SHIFT)
        // A request has a header and a status, too.
        .putInt(MOST_SEGMENTS, QUEUE_SIZE - 2)
        .putInt(BLOCK_SIZE, 1 << SECTOR_SHIFT)
        .put(PHYSICAL_BLOCK_EXPONENT, (byte) PHYSICAL_SECTORS_SHIFT)
        .putShort(LEAST_IO, (short) alignment)
        .put(WRITEBACK, (byte) (writeback ? 1 : 0))
        .putShort(NUM_QUEUES, (short) queues)
        .putInt(DISCARD_LIMITS, BlkRequests.MOST_DISCARD_SECTORS)
        .putInt(DISCARD_LIMITS + 4, BlkRequests.MOST_SEGMENTS)
        .putInt(DISCARD_LIMITS + 8, alignment)
        .putInt(WRITE_ZEROES_LIMITS, BlkRequests.MOST_ZERO_SECTORS)
        .putInt(WRITE_ZEROES_LIMITS + 4, BlkRequests.MOST_SEGMENTS)
        .put(WRITE_ZEROES_MAY_UNMAP, (byte) 1)
        .array();
  }

  @Override
  public void configure(int offset, int size, int value) {
    if (offset == WRITEBACK && size == 1) {
      writeback = (value & 1) != 0;
    }
  }

  @Override
  public void onConfigurationChange(Runnable action) {
    changed = action;
  }

  /** The backend has another size now. */
  public void resized() {
    changed.run();
  }

  @Override
  public void available(int number, Virtqueue queue) {
    QueueWorkers serving;
    synchronized (this) {
      serving = workers[number];
      if (serving == null || !serving.serve(queue)) {
        serving =
            new QueueWorkers(
                queue,
                executor,
                clock,
                chain -> backend.answersAtOnce() && !isDurable(queue) && requests.isSmall(chain),
                chain -> serve(queue, chain));
        workers[number] = serving;
      }
    }
    serving.notified();
  }

  /** Whether a write is only done when it is durable. */
  private boolean isDurable(Virtqueue queue) {
    return !writeback || !queue.has(FLUSH);
  }

  private void serve(Virtqueue queue, DescriptorChain chain) {
    try {
      chain.complete(requests.serve(chain, isDurable(queue)));
    } catch (BrokenRing broken) {
      queue.fail(broken.error);
      chain.complete(0);
    }
  }

  @Override
  public State state() {
    return new State(writeback);
  }

  @Override
  public void restore(State state) {
    writeback = state.writeback;
  }

  @Override
  public void reset() {
    writeback = backend.writeCache();
  }
}
