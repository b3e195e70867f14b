package lodge.machine;

import java.util.List;
import java.util.concurrent.TimeUnit;

/** All lines of characters between a machine and the world. */
record SerialLinks(List<SerialLink> all) {
  SerialLinks {
    all = List.copyOf(all);
  }

  void start() {
    all.forEach(SerialLink::start);
  }

  /** See {@link SerialLink#spaceFreed}. */
  void spaceFreed() {
    all.forEach(SerialLink::spaceFreed);
  }

  /** See {@link SerialLink#finish}. */
  void finish() {
    all.forEach(SerialLink::finish);
  }

  /** See {@link SerialLink#awaitDelivered}. */
  void awaitDelivered() throws InterruptedException {
    for (SerialLink link : all) {
      link.awaitDelivered();
    }
  }

  /** See {@link SerialLink#awaitDelivered(long)}; for all of them together. */
  boolean awaitDelivered(long milliseconds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds);
    for (SerialLink link : all) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (!link.awaitDelivered(Math.max(0, left))) {
        return false;
      }
    }
    return true;
  }

  /** See {@link SerialLink#abandon}. */
  void abandon() {
    all.forEach(SerialLink::abandon);
  }
}
