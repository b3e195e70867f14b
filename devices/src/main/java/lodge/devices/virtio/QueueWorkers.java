package lodge.devices.virtio;

import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * Serves a queue's requests in threads of their own, a few at a time, so that who notifies never
 * waits for a request and a slow request holds up no other one. A worker goes on as long as there
 * are requests; one more comes when another request is waiting.
 */
final class QueueWorkers {
  /** The most requests of one queue that are under way. */
  static final int MOST = 8;

  private final Virtqueue queue;
  private final Executor executor;

  /** Completes a request, whatever it is. */
  private final Consumer<DescriptorChain> service;

  // Guarded by this
  private int working;
  private boolean missed;

  QueueWorkers(Virtqueue queue, Executor executor, Consumer<DescriptorChain> service) {
    this.queue = queue;
    this.executor = executor;
    this.service = service;
  }

  boolean serve(Virtqueue other) {
    return queue == other;
  }

  /** There may be a request. */
  void wake() {
    synchronized (this) {
      if (working == MOST) {
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
