package lodge.devices.virtio;

import java.util.function.LongSupplier;

/**
 * Whether a disk answers so fast that who asks had better wait for the answer. Who asks may lose a
 * share of his time to slow answers; what is not lost is saved up to a limit, so that a host that
 * is busy for a moment is not taken for a slow disk.
 */
final class Pace {
  /** Reading 64 KiB out of the host's page cache takes some 20 microseconds, a disk 80 and more. */
  static final long QUICK_NANOS = 100_000;

  /** One part in as many may be lost. */
  static final int SHARE = 16;

  static final long MOST_SAVED_NANOS = 10_000_000;

  private final LongSupplier clock;
  private long saved = MOST_SAVED_NANOS;
  private long last;

  /**
   * @param clock in nanoseconds
   */
  Pace(LongSupplier clock) {
    this.clock = clock;
    last = clock.getAsLong();
  }

  synchronized boolean isQuick() {
    long now = clock.getAsLong();
    saved = Math.min(MOST_SAVED_NANOS, saved + (now - last) / SHARE);
    last = now;
    return saved > 0;
  }

  /** Runs a request, and learns how long it takes. */
  void take(Runnable request) {
    long start = clock.getAsLong();
    request.run();
    lose(clock.getAsLong() - start);
  }

  private synchronized void lose(long nanos) {
    if (nanos > QUICK_NANOS) {
      saved -= nanos;
    }
  }
}
