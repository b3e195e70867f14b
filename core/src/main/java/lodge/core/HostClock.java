package lodge.core;

import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Time that follows the host's monotonic clock, and stands still while it is stopped; one daemon
 * thread fires the timers.
 */
public final class HostClock implements Clock, AutoCloseable {
  private static final long RUNS = -1;

  /** The host's time that is 0 here. */
  private volatile long start = System.nanoTime();

  /** The time at which it stands still, or {@link #RUNS}. */
  private volatile long standsAt = RUNS;

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
    long stands = standsAt;
    return stands != RUNS ? stands : System.nanoTime() - start;
  }

  /**
   * Time stands still, and no timer fires. Whoever reads the clock meanwhile may have read a little
   * more just before.
   */
  public void stop() {
    lock.lock();
    try {
      standsAt = nanos();
    } finally {
      lock.unlock();
    }
  }

  /** Time goes on from where it stands. */
  public void resume() {
    lock.lock();
    try {
      if (standsAt != RUNS) {
        start = System.nanoTime() - standsAt;
        standsAt = RUNS;
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
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
        if (first == null || standsAt != RUNS) {
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
