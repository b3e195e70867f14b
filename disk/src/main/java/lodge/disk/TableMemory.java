package lodge.disk;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * How much memory an image's L2 tables may take; those of refcounts take a quarter more. Images
 * share what there is for all of this process. One that has more than its share, since others were
 * opened later, keeps to its share when it reads the next table.
 */
final class TableMemory implements LongSupplier, AutoCloseable {
  /** As much as an image of 256 GiB with clusters of 64 KiB has. */
  static final long MOST = 32 << 20;

  /** With those of refcounts 64 MiB. */
  private static final long ALL = (64 << 20) / 5 * 4;

  private static final AtomicInteger SHARERS = new AtomicInteger();

  /** In bytes, 0 for a share. */
  private final long fixed;

  private boolean closed;

  private TableMemory(long fixed) {
    this.fixed = fixed;
  }

  /** So many bytes, whatever others have. */
  static TableMemory of(long bytes) {
    return new TableMemory(Math.max(1, bytes));
  }

  /** A share, until it is closed. */
  static TableMemory share() {
    SHARERS.incrementAndGet();
    return new TableMemory(0);
  }

  /** In bytes, as it is now. */
  @Override
  public long getAsLong() {
    return fixed != 0 ? fixed : Math.min(MOST, ALL / Math.max(1, SHARERS.get()));
  }

  @Override
  public synchronized void close() {
    if (!closed && fixed == 0) {
      SHARERS.decrementAndGet();
    }
    closed = true;
  }
}
