package lodge.core;

import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Time that follows the host's monotonic clock; one daemon thread fires the timers. */
public final class HostClock implements Clock, AutoCloseable {
  private final long start = System.nanoTime();
  private final long epochAtStart = System.currentTimeMillis() * 1_000_000;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final PriorityQueue<Entry> queue =
      new PriorityQueue<>((a, b) -> Long.compare(a.deadline, b.deadline));
  private final Thread thread;
  private boolean closed;

  /**
   * An armed timer; the one in {@link HostTimer#current} is the only one of its timer that counts.
   */
  private record Entry(long deadline, HostTimer timer) {}

  public HostClock() {
    thread = Thread.ofPlatform().name("lodge-clock").daemon().start(this::fireTimers);
  }

  @Override
  public long nanos() {
    return System.nanoTime() - start;
  }

  @Override
  public long epochNanos() {
    return epochAtStart + nanos();
  }

  @Override
  public Timer timer(Runnable action) {
    return new HostTimer(action);
  }

  private final class HostTimer implements Timer {
    private final Runnable action;
    private Entry current;

    HostTimer(Runnable action) {
      this.action = action;
    }

    @Override
    public void arm(long deadlineNanos) {
      lock.lock();
      try {
        if (current != null) {
          queue.remove(current);
        }
        current = new Entry(deadlineNanos, this);
        queue.add(current);
        if (queue.peek() == current) {
          changed.signal();
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void cancel() {
      lock.lock();
      try {
        if (current != null) {
          queue.remove(current);
          current = null;
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private void fireTimers() {
    while (true) {
      Runnable due = awaitDue();
      if (due == null) {
        return;
      }
      due.run();
    }
  }

  /** The action of the next timer when its time has come, or null when the clock was closed. */
  private Runnable awaitDue() {
    lock.lock();
    try {
      while (!closed) {
        Entry first = queue.peek();
        if (first == null) {
          changed.await();
          continue;
        }
        long wait = first.deadline - nanos();
        if (wait <= 0) {
          queue.poll();
          first.timer.current = null;
          return first.timer.action;
        }
        changed.await(wait, TimeUnit.NANOSECONDS);
      }
      return null;
    } catch (InterruptedException e) {
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Stops the timers; the time itself goes on. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
    if (Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
