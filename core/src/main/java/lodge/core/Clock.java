package lodge.core;

/**
 * Where a machine's time comes from. Nanoseconds count from the machine's power-on and never go
 * back.
 */
public interface Clock {
  long nanos();

  /** Wall-clock time in nanoseconds since 1970-01-01T00:00:00Z, for the real-time clock. */
  long epochNanos();

  /**
   * A timer that calls {@code action} once after each {@link Timer#arm}. The action runs on the
   * clock's own thread with no lock held and must not block; it may arm its timer again.
   */
  Timer timer(Runnable action);

  /** One-shot timer; all methods may be called from any thread. */
  interface Timer {
    /** Replaces whatever was armed. A deadline that has passed fires at once. */
    void arm(long deadlineNanos);

    void cancel();
  }
}
