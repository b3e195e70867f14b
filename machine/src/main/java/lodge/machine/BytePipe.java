package lodge.machine;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A bounded queue of bytes between threads. Unlike {@link java.io.PipedInputStream} it does not
 * care which threads use it and wakes its ends at once.
 */
final class BytePipe {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final byte[] ring;
  private int head;
  private int count;
  private boolean ended;
  private boolean broken;

  BytePipe(int capacity) {
    this.ring = new byte[capacity];
  }

  /** Waits for room, then appends as much as fits; false when nobody will take it. */
  boolean put(byte[] bytes, int from, int length) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      int end = from + length;
      while (from < end) {
        while (count == ring.length && !ended && !broken) {
          changed.await();
        }
        if (ended || broken) {
          return false;
        }
        int tail = (head + count) % ring.length;
        int n = Math.min(end - from, Math.min(ring.length - count, ring.length - tail));
        System.arraycopy(bytes, from, ring, tail, n);
        count += n;
        from += n;
        changed.signalAll();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Waits for room, then appends one byte; false when nobody will take it. */
  boolean put(byte value) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (count == ring.length && !ended && !broken) {
        changed.await();
      }
      if (ended || broken) {
        return false;
      }
      ring[(head + count++) % ring.length] = value;
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for bytes and takes up to {@code length} of them; -1 when there will be none any more.
   */
  int take(byte[] target, int to, int length) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (count == 0 && !ended && !broken) {
        changed.await();
      }
      if (broken || count == 0) {
        return -1;
      }
      int n = Math.min(length, Math.min(count, ring.length - head));
      System.arraycopy(ring, head, target, to, n);
      head = (head + n) % ring.length;
      count -= n;
      changed.signalAll();
      return n;
    } finally {
      lock.unlock();
    }
  }

  int available() {
    lock.lock();
    try {
      return broken ? 0 : count;
    } finally {
      lock.unlock();
    }
  }

  /** No more is put; what is there can still be taken. */
  void end() {
    lock.lock();
    try {
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Nothing is put or taken any more; whoever waits comes back. */
  void abandon() {
    lock.lock();
    try {
      broken = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  OutputStream sink() {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int from, int length) throws IOException {
        Objects.checkFromIndexSize(from, length, bytes.length);
        try {
          if (length > 0 && !put(bytes, from, length)) {
            throw new IOException("the serial console is closed");
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted while feeding the serial console");
        }
      }

      @Override
      public void close() {
        end();
      }
    };
  }

  InputStream source() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] target, int to, int length) throws IOException {
        Objects.checkFromIndexSize(to, length, target.length);
        try {
          return length == 0 ? 0 : take(target, to, length);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted while waiting for serial input");
        }
      }

      @Override
      public int available() {
        return BytePipe.this.available();
      }
    };
  }
}
