package lodge.cpu.x86;

import lodge.core.Clock;

/** Time that stands still until a test moves it; timers never fire. */
public final class StoppedClock implements Clock {
  /** The time of day when it was 0. */
  static final long EPOCH = 1_700_000_000_123_456_789L;

  public long now;

  @Override
  public long nanos() {
    return now;
  }

  @Override
  public long epochNanos() {
    return EPOCH + now;
  }

  @Override
  public Timer timer(Runnable action) {
    return new Timer() {
      @Override
      public void arm(long deadlineNanos) {}

      @Override
      public void cancel() {}
    };
  }
}
