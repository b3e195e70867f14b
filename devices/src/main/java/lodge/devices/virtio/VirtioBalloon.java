package lodge.devices.virtio;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import lodge.core.GuestMemory;

/**
 * Traditional memory balloon device (virtio 1.3, 5.5): pages that the guest puts into it, or
 * reports as free, go back to the host at once and read as zeroes from then on. A page that the
 * guest takes out again needs nothing but to be touched.
 */
public final class VirtioBalloon implements VirtioDevice<VirtioBalloon.State> {
  static final long STATS_VQ = 1L << 1;
  static final long DEFLATE_ON_OOM = 1L << 2;
  static final long PAGE_POISON = 1L << 4;
  static final long PAGE_REPORTING = 1L << 5;

  private static final int TYPE = 5;
  private static final int UNCLASSIFIED = 0x00_FF00;
  private static final int QUEUE_SIZE = 128;

  private static final int INFLATE_QUEUE = 0;
  private static final int DEFLATE_QUEUE = 1;
  private static final int STATISTICS_QUEUE = 2;
  private static final int QUEUES = 5;

  // Configuration
  private static final int CONFIGURATION_LENGTH = 16;
  private static final int NUM_PAGES = 0;
  private static final int ACTUAL = 4;
  private static final int POISON_VALUE = 12;

  /** Of a longer buffer nothing behind this is looked at; drivers use a sixty-fourth of it. */
  private static final int MOST_BYTES = 64 << 10;

  private static final int STATISTIC_BYTES = 10;
  private static final BalloonStatistic[] STATISTICS = BalloonStatistic.values();

  /**
   * The statistics' buffer says "now" when it is given back and brings the answer when it comes
   * again. It is never kept, so that whoever waits for the requests under way does not wait for it.
   */
  private enum Poll {
    /** A buffer may lie in the queue, and stays there. */
    DONE,
    /** The next buffer goes back unread. */
    ASK,
    /** The next buffer is an answer. */
    READ
  }

  private final GuestMemory memory;
  private final long choices;
  private final OrderedQueue inflating;
  private final OrderedQueue deflating;
  private final OrderedQueue reporting;
  private final OneWorker polling;
  private final AtomicReference<Poll> poll = new AtomicReference<>(Poll.READ);
  private volatile Virtqueue statisticsQueue;
  private volatile Map<BalloonStatistic, Long> statistics = Map.of();
  private volatile int target;
  private volatile int actual;
  private volatile int poison;
  private Runnable changed = () -> {};

  /**
   * All in pages of 4 KiB, but the last.
   *
   * @param target how many the host wants in the balloon
   * @param actual how many the guest says are in it
   * @param poison what the guest fills free pages with
   */
  public record State(int target, int actual, int poison) {}

  /**
   * @param deflateOnOom the guest may take pages out by itself before it runs out of memory
   * @param freePageReporting the guest reports pages that it does not use just now
   * @param executor has threads that give pages back
   */
  public VirtioBalloon(
      GuestMemory memory, boolean deflateOnOom, boolean freePageReporting, Executor executor) {
    this.memory = memory;
    this.choices =
        (deflateOnOom ? DEFLATE_ON_OOM : 0)
            | (freePageReporting ? PAGE_POISON | PAGE_REPORTING : 0);
    this.inflating = new OrderedQueue(executor, this::inflate);
    this.deflating = new OrderedQueue(executor, chain -> chain.complete(0));
    this.reporting = new OrderedQueue(executor, this::report);
    this.polling = new OneWorker(executor, this::poll);
  }

  // ---------------------------------------------------------------- what the host does

  /**
   * Says how many pages of 4 KiB are to be in the balloon. The guest follows as far and as fast as
   * it likes.
   */
  public void target(int pages) {
    target = pages;
    changed.run();
  }

  /** How many pages of 4 KiB the guest says are in the balloon. */
  public int actual() {
    return actual;
  }

  /** Asks the guest for {@link #statistics}, which come when it likes. */
  public void pollStatistics() {
    poll.compareAndSet(Poll.DONE, Poll.ASK);
    polling.wake();
  }

  /** What the guest has told last. */
  public Map<BalloonStatistic, Long> statistics() {
    return statistics;
  }

  // ---------------------------------------------------------------- what the guest sees

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
    return Features.RINGS | STATS_VQ | choices;
  }

  @Override
  public int queues() {
    return QUEUES;
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public byte[] configuration() {
    return ByteBuffer.allocate(CONFIGURATION_LENGTH)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(NUM_PAGES, target)
        .putInt(ACTUAL, actual)
        .putInt(POISON_VALUE, poison)
        .array();
  }

  @Override
  public void configure(int offset, int size, int value) {
    if (offset == ACTUAL && size == 4) {
      actual = value;
    } else if (offset == POISON_VALUE && size == 4) {
      poison = value;
    }
  }

  @Override
  public void onConfigurationChange(Runnable action) {
    changed = action;
  }

  /**
   * The queue for reports is the fifth in the specification, but drivers number only the queues
   * that they have: to Linux it is the fourth, as hints are not offered.
   */
  @Override
  public void available(int number, Virtqueue queue) {
    switch (number) {
      case INFLATE_QUEUE -> inflating.available(queue);
      case DEFLATE_QUEUE -> deflating.available(queue);
      case STATISTICS_QUEUE -> {
        statisticsQueue = queue;
        polling.wake();
      }
      default -> reporting.available(queue);
    }
  }

  /** Page numbers in 32 bits each; drivers have many that lie side by side. */
  private void inflate(DescriptorChain chain) {
    GuestBuffer buffer = chain.readable();
    ByteBuffer numbers = words(buffer.slice(0, Math.min(buffer.length(), MOST_BYTES)));
    long from = 0;
    long to = 0;
    while (numbers.remaining() >= 4) {
      long page = (numbers.getInt() & 0xFFFF_FFFFL) << GuestMemory.PAGE_SHIFT;
      if (!memory.isRam(page)) {
        continue;
      }
      if (page == to) {
        to += GuestMemory.PAGE_SIZE;
      } else if (page == from - GuestMemory.PAGE_SIZE) {
        from = page;
      } else {
        memory.discard(from, to - from);
        from = page;
        to = page + GuestMemory.PAGE_SIZE;
      }
    }
    memory.discard(from, to - from);
    chain.complete(0);
  }

  /** Free memory itself. A guest that expects to find there what it filled it with keeps it. */
  private void report(DescriptorChain chain) {
    if (poison == 0) {
      chain.writable().discard();
    }
    chain.complete(0);
  }

  private void poll() {
    Virtqueue queue = statisticsQueue;
    while (queue != null && poll.get() != Poll.DONE) {
      DescriptorChain chain = queue.take();
      if (chain != null) {
        if (poll.get() == Poll.READ) {
          statistics = read(chain.readable());
          poll.set(Poll.DONE);
        } else {
          poll.set(Poll.READ);
        }
        chain.complete(0);
      } else if (!queue.enableNotifications()) {
        return;
      }
    }
  }

  private static Map<BalloonStatistic, Long> read(GuestBuffer buffer) {
    int most = STATISTIC_BYTES * 4 * STATISTICS.length;
    ByteBuffer told = words(buffer.slice(0, Math.min(buffer.length(), most)));
    Map<BalloonStatistic, Long> values = new EnumMap<>(BalloonStatistic.class);
    while (told.remaining() >= STATISTIC_BYTES) {
      int tag = told.getShort() & 0xFFFF;
      long value = told.getLong();
      if (tag < STATISTICS.length) {
        values.put(STATISTICS[tag], value);
      }
    }
    return Collections.unmodifiableMap(values);
  }

  private static ByteBuffer words(GuestBuffer buffer) {
    return ByteBuffer.wrap(buffer.bytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  // ---------------------------------------------------------------- state

  @Override
  public State state() {
    return new State(target, actual, poison);
  }

  @Override
  public void restore(State state) {
    target = state.target;
    actual = state.actual;
    poison = state.poison;
  }

  /** The target stays: it is the host's, and a guest that boots again is to follow it, too. */
  @Override
  public void reset() {
    actual = 0;
    poison = 0;
    statisticsQueue = null;
    statistics = Map.of();
    poll.set(Poll.READ);
  }
}
