package lodge.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import lodge.cli.guest.GuestSession;

/**
 * Lets a command's output through and keeps back what the guest said before it: everything up to
 * the mark that the guest's init sends. Of that it remembers the last part, to be shown if the
 * command never starts.
 */
final class TaskOutput extends OutputStream {
  private static final byte[] MARK = GuestSession.READY;
  private static final int REMEMBERED = 16 << 10;

  private final OutputStream target;
  private final CountDownLatch ready = new CountDownLatch(1);
  private byte[] before = new byte[0];

  TaskOutput(OutputStream target) {
    this.target = target;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    if (started()) {
      target.write(bytes, from, length);
      return;
    }
    byte[] all = Arrays.copyOf(before, before.length + length);
    System.arraycopy(bytes, from, all, before.length, length);
    int mark = find(all, Math.max(0, before.length - MARK.length + 1));
    if (mark < 0) {
      before = Arrays.copyOfRange(all, Math.max(0, all.length - REMEMBERED), all.length);
      return;
    }
    before = new byte[0];
    ready.countDown();
    int first = mark + MARK.length;
    if (first < all.length) {
      target.write(all, first, all.length - first);
    }
  }

  @Override
  public void flush() throws IOException {
    target.flush();
  }

  /** Whether the command's output has begun. */
  boolean started() {
    return ready.getCount() == 0;
  }

  void awaitStart() throws InterruptedException {
    ready.await();
  }

  /**
   * The last bytes before the mark, while it has not come. To be called when nobody writes any
   * more.
   */
  byte[] before() {
    return before.clone();
  }

  private static int find(byte[] bytes, int from) {
    for (int i = from; i + MARK.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + MARK.length, MARK, 0, MARK.length)) {
        return i;
      }
    }
    return -1;
  }
}
