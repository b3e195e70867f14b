package lodge.devices;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * High precision event timers (IA-PC HPET specification 1.0a): a counter of 64 bits and 100 MHz,
 * and three timers that can all be periodic. Mapped at 0xFED00000, 1 KiB long, 8 bytes wide.
 *
 * <p>The 8254's output and the real-time clock's interrupt pass through this chip: legacy
 * replacement cuts them and gives IRQ 0 and IRQ 8 to timers 0 and 1. Other interrupts go to the I/O
 * APIC; messages (FSB) are not offered.
 *
 * <p>Nothing ticks: the counter is a function of time, and the host's timer is armed for the next
 * interrupt only.
 */
public final class Hpet implements BusDevice, Stateful<Hpet.State> {
  /** Bytes of memory it takes. */
  public static final int LENGTH = 0x400;

  /** Pins of the I/O APIC that it can drive, from pin 16 on. */
  public static final int PINS = 8;

  private static final int FIRST_PIN = 16;
  private static final int TIMERS = 3;
  private static final int IRQ_0 = 1;
  private static final int IRQ_8 = 1 << 8;

  private static final long NANOS_PER_TICK = 10;
  private static final long FEMTOSECONDS_PER_TICK = NANOS_PER_TICK * 1_000_000;

  /** Periodic timers interrupt the host no more often than this, however short the period. */
  private static final long MIN_PERIOD_NANOS = 50_000;

  // Registers, 8 bytes each
  private static final int CAPABILITIES = 0x000;
  private static final int CONFIGURATION = 0x010;
  private static final int INTERRUPT_STATUS = 0x020;
  private static final int COUNTER = 0x0F0;
  private static final int TIMER_0 = 0x100;
  private static final int TIMER_LENGTH = 0x20;

  // Registers of a timer
  private static final int TIMER_CONFIGURATION = 0x00;
  private static final int TIMER_COMPARATOR = 0x08;

  private static final int REVISION = 1;
  private static final int COUNTER_64_BITS = 1 << 13;
  private static final int LEGACY_REPLACEMENT_CAPABLE = 1 << 15;
  private static final int VENDOR_INTEL = 0x8086;

  /** Low half of the capabilities, which the ACPI table repeats. */
  public static final int ID =
      VENDOR_INTEL << 16
          | LEGACY_REPLACEMENT_CAPABLE
          | COUNTER_64_BITS
          | TIMERS - 1 << 8
          | REVISION;

  private static final int ENABLE = 1;
  private static final int LEGACY_REPLACEMENT = 1 << 1;

  private final InterruptLine[] outputs = new InterruptLine[Integer.SIZE];
  private final Clock clock;
  private final Clock.Timer hostTimer;
  private final HpetTimer[] timers = new HpetTimer[TIMERS];

  private int configuration;
  private int status;

  /** The counter while it is halted, else what it is ahead of the clock's ticks. */
  private long base;

  /** The counter's value up to which matches have been noticed. */
  private long noticed;

  /** Levels of the 8254 and the real-time clock, as bits 0 and 8. */
  private int inputs;

  /** Outputs that are high. */
  private int driven;

  /** Registers; {@code inputs}: bits 0 and 8 are the levels of IRQ 0 and IRQ 8 from elsewhere. */
  public record State(
      int configuration,
      int status,
      long base,
      long noticed,
      int inputs,
      List<HpetTimer.State> timers) {
    /** Copies the list. */
    public State {
      timers = List.copyOf(timers);
    }
  }

  /**
   * @param irq0 of the ISA bus, where the 8254 would be
   * @param irq8 of the ISA bus, where the real-time clock would be
   * @param pins the I/O APIC's {@link #PINS} pins from 16 on
   */
  public Hpet(InterruptLine irq0, InterruptLine irq8, List<InterruptLine> pins, Clock clock) {
    if (pins.size() != PINS) {
      throw new IllegalArgumentException("there are " + PINS + " pins, not " + pins.size());
    }
    outputs[0] = irq0;
    outputs[8] = irq8;
    for (int i = 0; i < PINS; i++) {
      outputs[FIRST_PIN + i] = pins.get(i);
    }
    for (int n = 0; n < TIMERS; n++) {
      timers[n] = new HpetTimer((1 << PINS) - 1 << FIRST_PIN);
    }
    this.clock = clock;
    this.hostTimer = clock.timer(this::onTimer);
  }

  /** Where the 8254's output goes, to become IRQ 0. */
  public InterruptLine pit() {
    return level -> input(IRQ_0, level);
  }

  /** Where the real-time clock's interrupt goes, to become IRQ 8. */
  public InterruptLine rtc() {
    return level -> input(IRQ_8, level);
  }

  private synchronized void input(int line, boolean level) {
    inputs = level ? inputs | line : inputs & ~line;
    drive();
  }

  @Override
  public synchronized long read(long offset, int size) {
    if (offset < 0 || offset >= LENGTH) {
      return -1;
    }
    return readRegister((int) offset & ~7) >>> 8 * (offset & 7);
  }

  private long readRegister(int register) {
    switch (register) {
      case CAPABILITIES -> {
        return FEMTOSECONDS_PER_TICK << 32 | Integer.toUnsignedLong(ID);
      }
      case CONFIGURATION -> {
        return configuration;
      }
      case COUNTER -> {
        return counter();
      }
      case INTERRUPT_STATUS -> {
        notice();
        return status;
      }
      default -> {
        int n = (register - TIMER_0) / TIMER_LENGTH;
        if (register < TIMER_0 || n >= TIMERS) {
          return 0;
        }
        notice();
        return switch (register % TIMER_LENGTH) {
          case TIMER_CONFIGURATION -> timers[n].configuration();
          case TIMER_COMPARATOR -> timers[n].comparator();
          default -> 0;
        };
      }
    }
  }

  /** Takes aligned accesses of 4 and 8 bytes; the specification knows no others. */
  @Override
  public synchronized void write(long offset, int size, long value) {
    if (offset < 0 || offset >= LENGTH || size < 4 || offset % size != 0) {
      return;
    }
    int shift = 8 * (int) (offset & 7);
    writeRegister((int) offset & ~7, value << shift, size == 8 ? -1 : 0xFFFF_FFFFL << shift);
  }

  /**
   * @param bits which bits of the register are written
   */
  private void writeRegister(int register, long value, long bits) {
    boolean low = (bits & 1) != 0;
    notice();
    switch (register) {
      case CONFIGURATION -> {
        if (low) {
          configure((int) value & (ENABLE | LEGACY_REPLACEMENT));
        }
      }
      case INTERRUPT_STATUS -> {
        if (low) {
          status &= ~(int) value;
        }
      }
      case COUNTER -> {
        if (!running()) {
          base = base & ~bits | value & bits;
          noticed = base;
        }
      }
      default -> {
        int n = (register - TIMER_0) / TIMER_LENGTH;
        if (register >= TIMER_0 && n < TIMERS) {
          writeTimer(n, register % TIMER_LENGTH, value, bits);
        }
      }
    }
    drive();
    arm();
  }

  private void writeTimer(int n, int register, long value, long bits) {
    HpetTimer timer = timers[n];
    if (register == TIMER_CONFIGURATION && (bits & 1) != 0) {
      timer.configure((int) value);
      if (!timer.levelTriggered()) {
        status &= ~(1 << n);
      }
    } else if (register == TIMER_COMPARATOR) {
      timer.writeComparator(value, bits);
      if (running() && timer.matchesLate(noticed)) {
        matched(n);
      }
    }
  }

  private void configure(int value) {
    if (((value ^ configuration) & ENABLE) != 0) {
      base += (value & ENABLE) != 0 ? -ticks() : ticks();
    }
    configuration = value;
  }

  private boolean running() {
    return (configuration & ENABLE) != 0;
  }

  private long ticks() {
    return clock.nanos() / NANOS_PER_TICK;
  }

  private long counter() {
    return running() ? ticks() + base : base;
  }

  // Interrupts

  /** Lets happen what has happened since the last look. */
  private void notice() {
    long now = counter();
    for (int n = 0; n < TIMERS; n++) {
      if (timers[n].advance(noticed, now)) {
        matched(n);
      }
    }
    noticed = now;
    drive();
  }

  private void matched(int n) {
    if (timers[n].levelTriggered()) {
      status |= 1 << n;
    } else if (timers[n].interruptEnabled() && line(n) != 0) {
      InterruptLine output = outputs[Integer.numberOfTrailingZeros(line(n))];
      output.set(false);
      output.set(true);
      output.set((driven & line(n)) != 0);
    }
  }

  /** The output that is a timer's, as a bit; 0 when it has none. */
  private int line(int n) {
    if ((configuration & LEGACY_REPLACEMENT) != 0 && n < 2) {
      return n == 0 ? IRQ_0 : IRQ_8;
    }
    return timers[n].route() == 0 ? 0 : 1 << timers[n].route();
  }

  private void drive() {
    int wanted = (configuration & LEGACY_REPLACEMENT) != 0 ? 0 : inputs;
    for (int n = 0; n < TIMERS; n++) {
      if (running() && timers[n].interruptEnabled() && (status >> n & 1) != 0) {
        wanted |= line(n);
      }
    }
    int changed = wanted ^ driven;
    driven = wanted;
    while (changed != 0) {
      int line = Integer.lowestOneBit(changed);
      outputs[Integer.numberOfTrailingZeros(line)].set((wanted & line) != 0);
      changed -= line;
    }
  }

  /** Arms the host's timer for the next match that interrupts. */
  private void arm() {
    long next = Long.MAX_VALUE;
    for (int n = 0; n < TIMERS; n++) {
      HpetTimer timer = timers[n];
      boolean waits = (status >> n & 1) == 0 && timer.interruptEnabled();
      long distance = timer.distance(noticed);
      if (waits && distance < HpetTimer.NEVER) {
        long at = (noticed - base + distance) * NANOS_PER_TICK;
        long period = timer.period();
        boolean tooOften = period > 0 && period < MIN_PERIOD_NANOS / NANOS_PER_TICK;
        next = Math.min(next, tooOften ? Math.max(at, clock.nanos() + MIN_PERIOD_NANOS) : at);
      }
    }
    if (running() && next != Long.MAX_VALUE) {
      hostTimer.arm(next);
    } else {
      hostTimer.cancel();
    }
  }

  private synchronized void onTimer() {
    notice();
    arm();
  }

  // State

  @Override
  public synchronized State state() {
    return new State(
        configuration,
        status,
        base,
        noticed,
        inputs,
        Arrays.stream(timers).map(HpetTimer::state).toList());
  }

  @Override
  public synchronized void restore(State state) {
    if ((state.configuration & ~(ENABLE | LEGACY_REPLACEMENT)) != 0
        || state.status >>> TIMERS != 0
        || (state.inputs & ~(IRQ_0 | IRQ_8)) != 0
        || state.timers.size() != TIMERS
        || IntStream.range(0, TIMERS).anyMatch(n -> !timers[n].valid(state.timers.get(n)))) {
      throw new IllegalArgumentException("not the state of an HPET: " + state);
    }
    configuration = state.configuration;
    status = state.status;
    base = state.base;
    noticed = state.noticed;
    inputs = state.inputs;
    for (int n = 0; n < TIMERS; n++) {
      timers[n].restore(state.timers.get(n));
    }
    drive();
    arm();
  }

  /** The other chips' interrupts keep their levels. */
  @Override
  public synchronized void reset() {
    configuration = 0;
    status = 0;
    base = 0;
    noticed = 0;
    for (HpetTimer timer : timers) {
      timer.reset();
    }
    drive();
    arm();
  }
}
