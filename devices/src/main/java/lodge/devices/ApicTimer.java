package lodge.devices;

import java.util.function.LongSupplier;
import lodge.core.Clock;

/**
 * The timer of a local APIC (SDM vol. 3, 12.5.4): counts down at the timer clock divided by the
 * divide configuration, once or periodically, or waits for the time-stamp counter to reach a
 * deadline. Guarded by the APIC's lock.
 */
public final class ApicTimer {
  static final int ONE_SHOT = 0;
  static final int PERIODIC = 1;
  static final int TSC_DEADLINE = 2;

  /**
   * A periodic timer fires no faster on the host, whatever the guest asks: nobody shall spin the
   * clock's thread.
   */
  private static final long MIN_PERIOD_NANOS = 50_000;

  private static final long NANOS_PER_SECOND = 1_000_000_000;

  private final Clock clock;
  private final LongSupplier tsc;
  private final long hz;
  private final Clock.Timer timer;

  private int mode;
  private int divideConfiguration;
  private long initialCount;

  /** The count at the time {@link #since}; 0 when the timer does not count. */
  private long startCount;

  private long since;

  /** Expiries since {@link #since} that have been noticed. */
  private long expiries;

  /** 0 when no deadline is armed. */
  private long deadline;

  /**
   * Times in nanoseconds of the clock, counts in divided timer clocks, the deadline in TSC ticks
   * (0: none).
   */
  public record State(
      int mode,
      int divideConfiguration,
      long initialCount,
      long startCount,
      long since,
      long expiries,
      long deadline) {}

  ApicTimer(Clock clock, LongSupplier tsc, long hz, Runnable onTimer) {
    this.clock = clock;
    this.tsc = tsc;
    this.hz = hz;
    this.timer = clock.timer(onTimer);
  }

  void reset() {
    restore(new State(ONE_SHOT, 0, 0, 0, 0, 0, 0));
  }

  State state() {
    return new State(
        mode, divideConfiguration, initialCount, startCount, since, expiries, deadline);
  }

  void restore(State state) {
    mode = state.mode;
    divideConfiguration = state.divideConfiguration;
    initialCount = state.initialCount;
    startCount = state.startCount;
    since = state.since;
    expiries = state.expiries;
    deadline = state.deadline;
    arm(clock.nanos());
  }

  /** As another such timer left it now. */
  void restore(int mode, int divideConfiguration, int initial, int current, long deadline) {
    long now = clock.nanos();
    restore(
        new State(
            mode,
            divideConfiguration,
            Integer.toUnsignedLong(initial),
            Integer.toUnsignedLong(current),
            now,
            0,
            deadline));
  }

  static boolean valid(State state) {
    return state.mode >= ONE_SHOT
        && state.mode <= 3
        && (state.divideConfiguration & ~0xB) == 0
        && state.initialCount >>> 32 == 0
        && state.startCount >>> 32 == 0
        && state.since >= 0
        && state.expiries >= 0;
  }

  int divideConfiguration() {
    return divideConfiguration;
  }

  int initialCount() {
    return (int) initialCount;
  }

  /** Going to or from TSC-deadline mode disarms the timer; between the other two it counts on. */
  void mode(int newMode) {
    if (newMode == mode) {
      return;
    }
    long now = clock.nanos();
    if (newMode >= TSC_DEADLINE || mode >= TSC_DEADLINE) {
      initialCount = 0;
      startCount = 0;
      deadline = 0;
      mode = newMode;
    } else {
      long count = currentCount(now);
      mode = newMode;
      startCounting(count, now);
    }
    arm(now);
  }

  void divideConfiguration(int value) {
    long now = clock.nanos();
    long count = currentCount(now);
    divideConfiguration = value & 0xB;
    startCounting(count, now);
    arm(now);
  }

  /** Starts the count-down; 0 stops it. Ignored in TSC-deadline mode. */
  void initialCount(int value) {
    if (mode >= TSC_DEADLINE) {
      return;
    }
    long now = clock.nanos();
    initialCount = Integer.toUnsignedLong(value);
    startCounting(initialCount, now);
    arm(now);
  }

  int currentCount() {
    return (int) currentCount(clock.nanos());
  }

  long deadline() {
    return deadline;
  }

  /**
   * To be followed by {@link #expired}, which arms it.
   *
   * @param value TSC value to wait for, 0 disarms; ignored when not in TSC-deadline mode
   */
  void deadline(long value) {
    if (mode == TSC_DEADLINE) {
      deadline = value;
    }
  }

  /**
   * Notices expiries and arms the host's timer for the next one; true when there was at least one.
   */
  boolean expired() {
    boolean expired = false;
    long now = clock.nanos();
    if (mode == TSC_DEADLINE) {
      if (deadline != 0 && Long.compareUnsigned(tsc.getAsLong(), deadline) >= 0) {
        deadline = 0;
        expired = true;
      }
    } else if (startCount != 0 && now >= nextExpiry()) {
      expired = true;
      if (mode == PERIODIC && initialCount != 0) {
        expiries = 1 + (ticks(now) - startCount) / initialCount;
      } else {
        startCount = 0;
      }
    }
    arm(now);
    return expired;
  }

  void rearm() {
    arm(clock.nanos());
  }

  private void startCounting(long count, long now) {
    startCount = count;
    since = now;
    expiries = 0;
  }

  private long currentCount(long now) {
    if (startCount == 0) {
      return 0;
    }
    long elapsed = ticks(now);
    if (elapsed < startCount) {
      return startCount - elapsed;
    }
    return mode == PERIODIC && initialCount != 0
        ? initialCount - (elapsed - startCount) % initialCount
        : 0;
  }

  private void arm(long now) {
    if (mode == TSC_DEADLINE && deadline != 0) {
      long tscNow = tsc.getAsLong();
      long wait = Long.compareUnsigned(tscNow, deadline) >= 0 ? 0 : deadline - tscNow;
      // A wait past 2^62 ns (146 years), or one that is negative as a signed number, never comes.
      if (wait >>> 62 == 0) {
        timer.arm(now + wait);
        return;
      }
    } else if (mode < TSC_DEADLINE && startCount != 0) {
      long next = nextExpiry();
      timer.arm(expiries == 0 ? next : Math.max(next, now + MIN_PERIOD_NANOS));
      return;
    }
    timer.cancel();
  }

  /** Counts since {@link #since}. */
  private long ticks(long now) {
    long nanos = Math.max(0, now - since);
    long clocks = nanos / NANOS_PER_SECOND * hz + nanos % NANOS_PER_SECOND * hz / NANOS_PER_SECOND;
    return clocks / divisor();
  }

  /** When the count after the noticed ones comes to zero. */
  private long nextExpiry() {
    long clocks = (startCount + expiries * initialCount) * divisor();
    long nanos = (clocks % hz * NANOS_PER_SECOND + hz - 1) / hz;
    return since + clocks / hz * NANOS_PER_SECOND + nanos;
  }

  private int divisor() {
    int code = divideConfiguration & 3 | divideConfiguration >> 1 & 4;
    return code == 7 ? 1 : 2 << code;
  }
}
