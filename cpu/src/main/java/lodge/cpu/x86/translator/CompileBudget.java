package lodge.cpu.x86.translator;

import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * How hot code has to be to be translated. What HotSpot's compilers can do is what limits
 * translation: with more than they can do, the hottest code waits behind what is less hot. So
 * regions come out of a budget that is filled up slowly while C2 is busy and quickly while it is
 * not, and the emptier it is, the hotter code has to be to take from it. There is one for all
 * processors, as there is one HotSpot.
 */
final class CompileBudget {
  /** Regions a second while C2 is busy, and while it is not. */
  private static final double SLOW = 50;

  private static final double FAST = 400;

  /** Most regions at once, after a pause. */
  private static final double FULL = 100;

  /** Code has to be twice as hot for each part of {@link #FULL} that is missing. */
  private static final double PART = 25;

  private static final int MOST_DOUBLINGS = 10;

  private static final long LOOK_NANOS = 5_000_000;

  static final CompileBudget OF_THIS_JVM =
      new CompileBudget(new CompilerLoad()::isBusy, System::nanoTime);

  private final BooleanSupplier busy;
  private final LongSupplier clock;
  private double regions;
  private long last;

  /**
   * @param busy whether C2 is
   * @param clock in nanoseconds
   */
  CompileBudget(BooleanSupplier busy, LongSupplier clock) {
    this.busy = busy;
    this.clock = clock;
    this.last = clock.getAsLong();
  }

  /** How often code has to be found hot before it is translated. */
  synchronized int needed() {
    long passed = clock.getAsLong() - last;
    if (passed >= LOOK_NANOS) {
      last += passed;
      double rate = busy.getAsBoolean() ? SLOW : FAST;
      regions = Math.min(FULL, regions + rate * passed / 1e9);
    }
    return 1 << Math.clamp((long) ((FULL - regions) / PART), 0, MOST_DOUBLINGS);
  }

  /** Regions are made, or a large one that takes as long. */
  synchronized void spend(int made) {
    regions -= made;
  }
}
