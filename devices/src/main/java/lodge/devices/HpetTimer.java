package lodge.devices;

/**
 * One timer of an HPET: a comparator that the chip's counter is held against (IA-PC HPET
 * specification 1.0a, 2.3.8 to 2.3.9). Times are values of that counter. Guarded by the chip's
 * lock.
 */
public final class HpetTimer {
  private static final int LEVEL_TRIGGERED = 1 << 1;
  private static final int INTERRUPT_ENABLE = 1 << 2;
  private static final int PERIODIC = 1 << 3;
  private static final int PERIODIC_CAPABLE = 1 << 4;
  private static final int SIZE_64_BITS = 1 << 5;
  private static final int VALUE_SET = 1 << 6;
  private static final int FORCED_TO_32_BITS = 1 << 8;
  private static final int ROUTE_SHIFT = 9;
  private static final int ROUTE = 0x1F << ROUTE_SHIFT;
  private static final int WRITABLE =
      LEVEL_TRIGGERED | INTERRUPT_ENABLE | PERIODIC | VALUE_SET | FORCED_TO_32_BITS | ROUTE;

  private static final long LOW_32_BITS = 0xFFFF_FFFFL;

  /** A match further away than this, ten years, is none. */
  static final long NEVER = 1L << 55;

  /**
   * A host may hold up a guest between its look at the counter and its write of the comparator. A
   * real chip would match after the counter has gone all the way round; here a comparator that is
   * written up to a second too late matches at once.
   */
  private static final long LATE = 100_000_000;

  private final int routes;
  private int config;
  private long comparator;
  private long period;

  /**
   * The writable bits of the configuration register; the comparator, which in periodic mode is the
   * time of the next match.
   */
  public record State(int config, long comparator, long period) {}

  /**
   * @param routes a bit for each pin of the I/O APIC that the timer can be routed to
   */
  HpetTimer(int routes) {
    this.routes = routes;
    reset();
  }

  long configuration() {
    return config & ~VALUE_SET | PERIODIC_CAPABLE | SIZE_64_BITS | (long) routes << 32;
  }

  /** What cannot be routed to stays where it was, so that software sees it. */
  void configure(int value) {
    int wanted = value & WRITABLE;
    if ((routes >> (wanted >> ROUTE_SHIFT & 0x1F) & 1) == 0) {
      wanted = wanted & ~ROUTE | config & ROUTE;
    }
    config = wanted;
    comparator &= mask();
    period &= mask();
  }

  long comparator() {
    return comparator;
  }

  /**
   * In periodic mode this is the period, and the time of the next match too if software has just
   * asked for that.
   *
   * @param bits which bits of the register are written
   */
  void writeComparator(long value, long bits) {
    if (!periodic() || (config & VALUE_SET) != 0) {
      comparator = (comparator & ~bits | value & bits) & mask();
    }
    if (periodic()) {
      period = (period & ~bits | value & bits) & mask();
    }
    config &= ~VALUE_SET;
  }

  boolean levelTriggered() {
    return (config & LEVEL_TRIGGERED) != 0;
  }

  boolean interruptEnabled() {
    return (config & INTERRUPT_ENABLE) != 0;
  }

  /** Pin of the I/O APIC; 0 when software has not chosen yet. */
  int route() {
    return (config & ROUTE) >> ROUTE_SHIFT;
  }

  private boolean periodic() {
    return (config & PERIODIC) != 0;
  }

  /** The period if it is periodic and goes on, else 0. */
  long period() {
    return periodic() ? period : 0;
  }

  private long mask() {
    return (config & FORCED_TO_32_BITS) != 0 ? LOW_32_BITS : -1;
  }

  /** How far the counter has to go from {@code time} on to match, 1 to {@link #NEVER}. */
  long distance(long time) {
    long distance = comparator - time & mask();
    if (distance == 0) {
      return (config & FORCED_TO_32_BITS) != 0 ? LOW_32_BITS + 1 : NEVER;
    }
    return Long.compareUnsigned(distance, NEVER) < 0 ? distance : NEVER;
  }

  /**
   * The counter has gone on.
   *
   * @return whether it has matched on the way; several matches are one
   */
  boolean advance(long from, long to) {
    long distance = distance(from);
    long elapsed = to - from;
    if (Long.compareUnsigned(elapsed, distance) < 0) {
      return false;
    }
    if (period() != 0) {
      long periods = Long.divideUnsigned(elapsed - distance, period) + 1;
      comparator = comparator + periods * period & mask();
    }
    return true;
  }

  /** Whether the comparator, just written, has come too late; it has matched then. */
  boolean matchesLate(long now) {
    long late = now - comparator & mask();
    return Long.compareUnsigned(late, LATE) < 0 && advance(now - late - 1, now);
  }

  State state() {
    return new State(config, comparator, period);
  }

  boolean valid(State state) {
    int route = (state.config & ROUTE) >> ROUTE_SHIFT;
    long mask = (state.config & FORCED_TO_32_BITS) != 0 ? LOW_32_BITS : -1;
    return (state.config & ~WRITABLE) == 0
        && (route == 0 || (routes >> route & 1) != 0)
        && ((state.comparator | state.period) & ~mask) == 0;
  }

  void restore(State state) {
    config = state.config;
    comparator = state.comparator;
    period = state.period;
  }

  void reset() {
    restore(new State(0, -1, 0));
  }
}
