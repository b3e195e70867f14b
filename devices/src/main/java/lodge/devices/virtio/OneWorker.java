package lodge.devices.virtio;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Does a piece of work again whenever somebody asks, never twice at once: for what has to keep its
 * order. Who asks does not wait, and however often they ask there is one task.
 */
final class OneWorker {
  private static final int IDLE = 0;
  private static final int WORKING = 1;

  /** Asked again meanwhile. */
  private static final int AGAIN = 2;

  private final Executor executor;
  private final Runnable work;
  private final AtomicInteger state = new AtomicInteger();

  OneWorker(Executor executor, Runnable work) {
    this.executor = executor;
    this.work = work;
  }

  void wake() {
    if (state.getAndUpdate(now -> now == IDLE ? WORKING : AGAIN) == IDLE) {
      executor.execute(this::run);
    }
  }

  private void run() {
    do {
      state.set(WORKING);
      work.run();
    } while (!state.compareAndSet(WORKING, IDLE));
  }
}
