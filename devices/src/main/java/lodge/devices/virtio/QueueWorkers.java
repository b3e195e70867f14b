package lodge.devices.virtio;

import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Serves a queue's requests. Who notifies serves small ones himself while the disk is quick: to
 * wake a thread for a request, and to be interrupted by it, takes longer than the request. All
 * others are served by threads of their own, a few at a time, so that who notifies never waits for
 * them and a slow request holds up no other one. A worker goes on as long as there are requests;
 * one more comes when another request is waiting.
 */
final class QueueWorkers {
  /** The most requests of one queue that are under way in threads of their own. */
  static final int MOST = 8;

  /** Who notifies has other things to do after that. */
  private static final long MOST_NANOS = 1_000_000;

  private final Virtqueue queue;
  private final Executor executor;
  private final LongSupplier clock;
  private final Pace pace;

  /** Requests that who notifies may serve. */
  private final Predicate<DescriptorChain> small;

  /** Completes a request, whatever it is. */
  private final Consumer<DescriptorChain> service;

  // Guarded by this
  private int working;
  private boolean missed;

  QueueWorkers(
      Virtqueue queue,
      Executor executor,
      LongSupplier clock,
      Predicate<DescriptorChain> small,
      Consumer<DescriptorChain> service) {
    this.queue = queue;
    this.executor = executor;
    this.clock = clock;
    this.pace = new Pace(clock);
    this.small = small;
    this.service = service;
  }

  boolean serve(Virtqueue other) {
    return queue == other;
  }

  /** There may be requests. */
  void notified() {
    long start = clock.getAsLong();
    while (!isWorking() && pace.isQuick() && clock.getAsLong() - start < MOST_NANOS) {
      DescriptorChain chain = queue.take();
      if (chain == null) {
        if (!queue.enableNotifications()) {
          return;
        }
      } else if (small.test(chain)) {
        pace.take(() -> service.accept(chain));
      } else {
        handOver(chain);
      }
    }
    wake();
  }

  private synchronized boolean isWorking() {
    return working > 0;
  }

  private void handOver(DescriptorChain chain) {
    synchronized (this) {
      working++;
    }
    executor.execute(
        () -> {
          service.accept(chain);
          work();
        });
  }

  private void wake() {
    synchronized (this) {
      if (working >= MOST) {
        missed = true;
        return;
      }
      working++;
    }
    executor.execute(this::work);
  }

  private void work() {
    do {
      for (DescriptorChain chain = queue.take(); chain != null; chain = queue.take()) {
        if (queue.enableNotifications()) {
          wake();
        }
        service.accept(chain);
      }
    } while (queue.enableNotifications() || !leave());
  }

  /** False when somebody has come meanwhile whom nobody was free to serve. */
  private synchronized boolean leave() {
    if (missed) {
      missed = false;
      return false;
    }
    working--;
    return true;
  }
}
