package lodge.disk;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import lodge.core.BlockBackend;

/**
 * A disk that is as slow as limits say, if not slower. Requests wait in the thread that makes them,
 * before they are made. Flushes, and closing it, are not held up.
 */
public final class Throttled extends BlockFilter {
  /** The share of a second that may come at once when nothing is said of bursts. */
  private static final int DEFAULT_BURST = 10;

  /** Waits, as {@link TimeUnit#sleep} does. */
  interface Sleeper {
    void sleep(long nanos) throws InterruptedException;
  }

  private final LongSupplier clock;
  private final Sleeper sleeper;
  private final Optional<TokenBucket> bytes;
  private final Optional<TokenBucket> operations;

  /**
   * @param disk is closed with this one
   */
  public Throttled(BlockBackend disk, IoLimits limits) {
    this(disk, limits, System::nanoTime, TimeUnit.NANOSECONDS::sleep);
  }

  Throttled(BlockBackend disk, IoLimits limits, LongSupplier clock, Sleeper sleeper) {
    super(disk);
    this.clock = clock;
    this.sleeper = sleeper;
    bytes = bucket(limits.bps(), limits.bpsMax());
    operations = bucket(limits.iops(), limits.iopsMax());
  }

  private Optional<TokenBucket> bucket(long rate, long burst) {
    long units = burst == 0 ? Math.ceilDiv(rate, DEFAULT_BURST) : burst;
    return rate == 0
        ? Optional.empty()
        : Optional.of(new TokenBucket(rate, units, clock.getAsLong()));
  }

  private void await(long length) throws IOException {
    long now = clock.getAsLong();
    long forBytes = bytes.map(bucket -> bucket.take(length, now)).orElse(0L);
    long forOperation = operations.map(bucket -> bucket.take(1, now)).orElse(0L);
    long wait = Math.max(forBytes, forOperation);
    if (wait > 0) {
      try {
        sleeper.sleep(wait);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while a disk's limit was waited for");
      }
    }
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    await(into.remaining());
    disk.read(offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    await(from.remaining());
    disk.write(offset, from);
  }

  @Override
  public boolean answersAtOnce() {
    return false;
  }

  /** Counts as a request without bytes, as few are moved. */
  @Override
  public void discard(long offset, long length) throws IOException {
    await(0);
    disk.discard(offset, length);
  }

  /** Counts in full where the zeroes have to be written, as they are as much work as data. */
  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    await(mayUnmap ? 0 : length);
    disk.writeZeroes(offset, length, mayUnmap);
  }
}
