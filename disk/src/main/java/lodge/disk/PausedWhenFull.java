package lodge.disk;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import lodge.core.BlockBackend;
import lodge.disk.DiskException.Kind;

/**
 * A disk whose requests wait while the host's file system has no space for them, and are tried
 * again until it has: QEMU's {@code werror=enospc}.
 */
public final class PausedWhenFull extends BlockFilter {
  private static final long RETRY_MILLIS = 1000;

  private final Consumer<DiskException> notice;
  private final long retryMillis;
  private final AtomicBoolean noticed = new AtomicBoolean();
  private final CountDownLatch abandoned = new CountDownLatch(1);

  private interface Request {
    void make() throws IOException;
  }

  /**
   * @param disk is closed with this one
   * @param notice is told when requests begin to wait, and not again before one went through
   */
  public PausedWhenFull(BlockBackend disk, Consumer<DiskException> notice) {
    this(disk, notice, RETRY_MILLIS);
  }

  PausedWhenFull(BlockBackend disk, Consumer<DiskException> notice, long retryMillis) {
    super(disk);
    this.notice = notice;
    this.retryMillis = retryMillis;
  }

  private void make(Request request) throws IOException {
    boolean waited = false;
    while (true) {
      try {
        request.make();
        if (waited) {
          noticed.set(false);
        }
        return;
      } catch (DiskException e) {
        if (e.kind() != Kind.NO_SPACE || !await(e)) {
          throw e;
        }
        waited = true;
      }
    }
  }

  /** False when nobody is to wait any more. */
  private boolean await(DiskException problem) throws IOException {
    if (abandoned.getCount() > 0 && !noticed.getAndSet(true)) {
      notice.accept(problem);
    }
    try {
      return !abandoned.await(retryMillis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while space on the host was waited for");
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    make(() -> disk.write(offset, from.duplicate()));
    from.position(from.limit());
  }

  @Override
  public void flush() throws IOException {
    make(disk::flush);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    make(() -> disk.discard(offset, length));
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    make(() -> disk.writeZeroes(offset, length, mayUnmap));
  }

  @Override
  public boolean answersAtOnce() {
    return false;
  }

  @Override
  public void abandon() {
    abandoned.countDown();
    disk.abandon();
  }
}
