package lodge.devices.ide;

import java.util.concurrent.Executor;

/**
 * Does a drive's jobs one after the other: one is being done, and at most one waits, so that a
 * guest that resets a slow drive again and again has no more than these.
 */
final class Worker {
  private final Executor executor;
  private Runnable waiting;
  private boolean running;

  Worker(Executor executor) {
    this.executor = executor;
  }

  /** Does a job instead of the one that waits. */
  synchronized void submit(Runnable job) {
    waiting = job;
    if (!running) {
      running = true;
      executor.execute(this::work);
    }
  }

  private void work() {
    Runnable job;
    while ((job = next()) != null) {
      job.run();
    }
  }

  private synchronized Runnable next() {
    Runnable job = waiting;
    waiting = null;
    if (job == null) {
      running = false;
      notifyAll();
    }
    return job;
  }

  /** Forgets the job that waits. */
  synchronized void drop() {
    waiting = null;
  }

  /** Waits until nothing is being done. */
  synchronized void awaitIdle() {
    boolean interrupted = false;
    while (running) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
