package lodge.devices;

import java.util.ArrayList;
import java.util.List;
import lodge.core.Clock;

/** Time that stands still until a test moves it. */
public final class FakeClock implements Clock {
  /** 2026-03-14T15:09:26.5Z, a Saturday. */
  static final long EPOCH = 1_773_500_966_500_000_000L;

  private final List<FakeTimer> timers = new ArrayList<>();
  private long nanos = 1_000_000;
  int fired;

  @Override
  public long nanos() {
    return nanos;
  }

  @Override
  public long epochNanos() {
    return EPOCH + nanos;
  }

  @Override
  public Timer timer(Runnable action) {
    FakeTimer timer = new FakeTimer(action);
    timers.add(timer);
    return timer;
  }

  /** Lets time pass, firing what comes due on the way, in order. */
  public void advance(long by) {
    advanceTo(nanos + by);
  }

  void advanceTo(long end) {
    FakeTimer next;
    while ((next = earliest()) != null && next.deadline <= end) {
      nanos = Math.max(nanos, next.deadline);
      next.armed = false;
      fired++;
      next.action.run();
    }
    nanos = end;
  }

  /** Lets time pass without firing anything, as when the host is late. */
  void skip(long by) {
    nanos += by;
  }

  private FakeTimer earliest() {
    FakeTimer earliest = null;
    for (FakeTimer timer : timers) {
      if (timer.armed && (earliest == null || timer.deadline < earliest.deadline)) {
        earliest = timer;
      }
    }
    return earliest;
  }

  boolean idle() {
    return earliest() == null;
  }

  private static final class FakeTimer implements Timer {
    private final Runnable action;
    private long deadline;
    private boolean armed;

    FakeTimer(Runnable action) {
      this.action = action;
    }

    @Override
    public void arm(long deadlineNanos) {
      deadline = deadlineNanos;
      armed = true;
    }

    @Override
    public void cancel() {
      armed = false;
    }
  }
}
