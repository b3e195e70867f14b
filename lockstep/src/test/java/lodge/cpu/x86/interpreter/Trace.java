package lodge.cpu.x86.interpreter;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.Consumer;

/**
 * The stretches that are recorded and not replayed yet, passed on by the reel. Both sides wait for
 * each other.
 */
final class Trace {
  private static final int REELS = 32;
  private static final int STRETCHES = 64;

  private static final class Reel {
    final Stretch[] stretches = new Stretch[STRETCHES];
    int length;
    boolean last;
  }

  private final BlockingQueue<Reel> blank = new ArrayBlockingQueue<>(REELS);
  private final BlockingQueue<Reel> recorded = new ArrayBlockingQueue<>(REELS);
  private Reel reel;
  private volatile AssertionError failure;

  Trace() {
    for (int i = 0; i < REELS; i++) {
      Reel empty = new Reel();
      for (int j = 0; j < STRETCHES; j++) {
        empty.stretches[j] = new Stretch();
      }
      blank.add(empty);
    }
    reel = take(blank);
  }

  /** The stretch that is being recorded. */
  Stretch current() {
    return reel.stretches[reel.length];
  }

  /** The current one is complete. */
  void advance() {
    if (++reel.length == STRETCHES) {
      pass();
    }
    current().clear();
  }

  /** Waits until all that is complete has been replayed. */
  void await() {
    if (reel.length > 0) {
      pass();
      current().clear();
    }
    Reel[] all = new Reel[REELS - 1];
    for (int i = 0; i < all.length; i++) {
      all[i] = take(blank);
    }
    blank.addAll(List.of(all));
  }

  /** There is nothing more to come. */
  void end() {
    reel.last = true;
    recorded.add(reel);
  }

  private void pass() {
    recorded.add(reel);
    reel = take(blank);
    reel.length = 0;
  }

  /** Hands over one stretch after the other until the end, or until one fails. */
  void replay(Consumer<Stretch> replayer) {
    while (true) {
      Reel next = take(recorded);
      for (int i = 0; i < next.length && failure == null; i++) {
        try {
          replayer.accept(next.stretches[i]);
        } catch (AssertionError e) {
          failure = e;
        }
      }
      if (next.last) {
        return;
      }
      blank.add(next);
    }
  }

  boolean failed() {
    return failure != null;
  }

  /** What the replayer found, or null. */
  AssertionError failure() {
    return failure;
  }

  private static Reel take(BlockingQueue<Reel> queue) {
    try {
      return queue.take();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
