package lodge.devices.virtio;

import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** Serves a queue's requests one after the other, and not in the thread of who notifies. */
final class OrderedQueue {
  private final Consumer<DescriptorChain> service;
  private final OneWorker worker;
  private volatile Virtqueue queue;

  /**
   * @param service completes a request, whatever it is
   */
  OrderedQueue(Executor executor, Consumer<DescriptorChain> service) {
    this.service = service;
    this.worker = new OneWorker(executor, this::work);
  }

  /** There may be a request. */
  void available(Virtqueue current) {
    queue = current;
    worker.wake();
  }

  private void work() {
    Virtqueue current = queue;
    do {
      for (DescriptorChain chain = current.take(); chain != null; chain = current.take()) {
        service.accept(chain);
      }
    } while (current.enableNotifications());
  }
}
