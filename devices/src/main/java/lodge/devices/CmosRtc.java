package lodge.devices;

import java.time.LocalDate;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * Real-time clock with 128 bytes of battery-backed RAM (Motorola MC146818 data sheet). The time is
 * the host's, in UTC, until the guest sets another; the time registers are computed when they are
 * looked at.
 */
public final class CmosRtc implements BusDevice, Stateful<CmosRtc.State> {
  private static final int SECONDS = 0;
  private static final int SECONDS_ALARM = 1;
  private static final int MINUTES = 2;
  private static final int MINUTES_ALARM = 3;
  private static final int HOURS = 4;
  private static final int HOURS_ALARM = 5;
  private static final int DAY_OF_WEEK = 6;
  private static final int DAY_OF_MONTH = 7;
  private static final int MONTH = 8;
  private static final int YEAR = 9;
  private static final int A = 10;
  private static final int B = 11;
  private static final int C = 12;
  private static final int D = 13;
  private static final int CENTURY = 0x32;

  private static final int A_UPDATE_IN_PROGRESS = 1 << 7;
  private static final int A_DIVIDER_RESET = 6 << 4;
  private static final int A_RATE = 0xF;

  private static final int B_SET = 1 << 7;
  private static final int B_PERIODIC = 1 << 6;
  private static final int B_ALARM = 1 << 5;
  private static final int B_UPDATE = 1 << 4;
  private static final int B_SQUARE_WAVE = 1 << 3;
  private static final int B_BINARY = 1 << 2;
  private static final int B_24_HOURS = 1 << 1;
  private static final int B_INTERRUPTS = B_PERIODIC | B_ALARM | B_UPDATE;

  /** The flags of register C stand where their enables stand in B. */
  private static final int C_INTERRUPT = 1 << 7;

  private static final int D_VALID = 1 << 7;

  private static final int HOURS_PM = 1 << 7;
  private static final int DO_NOT_CARE = 0xC0;

  private static final int RAM_SIZE = 128;
  private static final long SECOND = 1_000_000_000;
  private static final long SECONDS_A_DAY = 86_400;
  private static final long OSCILLATOR_HZ = 32_768;

  /**
   * UIP is up from 244 us before an update until its end, 1984 us later; here the time changes at
   * that end.
   */
  private static final long UPDATE_NANOS = 244_000 + 1_984_000;

  private static final long KIB = 1 << 10;
  private static final long MIB = 1 << 20;

  private final InterruptLine irq;
  private final Clock clock;
  private final Clock.Timer timer;

  private int index;

  /** The time registers in it count only while the clock is stopped. */
  private final byte[] ram = new byte[RAM_SIZE];

  /** What the guest's time is ahead of the host's. */
  private long offset;

  private int dayOfWeekOffset;
  private int flags;

  /** Where the fraction of a second stood when the clock was stopped. */
  private long stoppedFraction;

  /** The last second whose update has been noticed. */
  private long lastSecond;

  /** The last period of the periodic interrupt that has been noticed. */
  private long lastPeriod;

  /** {@code ram}: 128 bytes with registers A and B; times in nanoseconds and seconds since 1970. */
  public record State(
      int index,
      byte[] ram,
      long offset,
      int dayOfWeekOffset,
      int flags,
      long stoppedFraction,
      long lastSecond,
      long lastPeriod) {
    /** Copies the RAM. */
    public State {
      ram = ram.clone();
    }
  }

  /**
   * @param irq active while register C says so
   * @param memoryBelow4G bytes of RAM from address 0 up, for the firmware's size registers
   * @param memoryAbove4G bytes of RAM from 4 GiB up
   */
  public CmosRtc(InterruptLine irq, Clock clock, long memoryBelow4G, long memoryAbove4G) {
    this.irq = irq;
    this.clock = clock;
    this.timer = clock.timer(this::onTimer);
    ram[A] = 0x26;
    ram[B] = B_24_HOURS;
    storeWord(0x15, 640);
    long extended = Math.max(0, Math.min(memoryBelow4G / KIB - 1024, 0xFFFF));
    storeWord(0x17, (int) extended);
    storeWord(0x30, (int) extended);
    storeWord(0x34, (int) Math.max(0, Math.min((memoryBelow4G - 16 * MIB) / (64 * KIB), 0xFFFF)));
    long high = Math.min(memoryAbove4G / (64 * KIB), 0xFF_FFFF);
    storeWord(0x5B, (int) high & 0xFFFF);
    ram[0x5D] = (byte) (high >> 16);
    reset();
  }

  /**
   * Sets a byte of the RAM, for what a board wants to tell its firmware.
   *
   * @param at 0x0E to 0x7F without the century at 0x32
   */
  public synchronized void store(int at, int value) {
    if (at <= D || at >= RAM_SIZE || at == CENTURY) {
      throw new IllegalArgumentException("not a byte of the CMOS RAM: " + at);
    }
    ram[at] = (byte) value;
  }

  private void storeWord(int at, int value) {
    ram[at] = (byte) value;
    ram[at + 1] = (byte) (value >> 8);
  }

  /** Ports 0x70 (index) and 0x71 (data). */
  @Override
  public synchronized long read(long offset, int size) {
    // The index cannot be read back.
    return offset == 1 ? readRegister() : -1;
  }

  @Override
  public synchronized void write(long offset, int size, long value) {
    if (offset == 0) {
      index = (int) value & 0x7F;
    } else if (offset == 1) {
      writeRegister((int) value & 0xFF);
    }
  }

  private int readRegister() {
    if (isTime(index)) {
      return stopped() ? ram[index] & 0xFF : timeRegister(index, seconds());
    }
    return switch (index) {
      case A -> ram[A] & 0x7F | (updateInProgress() ? A_UPDATE_IN_PROGRESS : 0);
      case C -> readFlags();
      case D -> D_VALID;
      default -> ram[index] & 0xFF;
    };
  }

  private int readFlags() {
    notice();
    int value = flags;
    flags = 0;
    updateInterrupt();
    return value;
  }

  private void writeRegister(int value) {
    notice();
    if (isTime(index)) {
      writeTime(value);
      return;
    }
    switch (index) {
      case A, B -> {
        boolean wasStopped = stopped();
        int oldRate = ram[A] & A_RATE;
        if (!wasStopped) {
          fillTimeRegisters();
        }
        boolean dividerWasReset = dividerReset();
        if (index == A) {
          ram[A] = (byte) (value & 0x7F);
        } else {
          ram[B] = (byte) ((value & B_SET) != 0 ? value & ~B_UPDATE : value);
        }
        if (!wasStopped && stopped()) {
          stoppedFraction = Math.floorMod(time(), SECOND);
        } else if (wasStopped && !stopped()) {
          // The first update comes half a second after the divider starts.
          startAt(dividerWasReset ? SECOND / 2 : stoppedFraction);
        }
        if (oldRate != (ram[A] & A_RATE)) {
          lastPeriod = period();
        }
      }
      case C, D -> {
        return;
      }
      default -> {
        ram[index] = (byte) value;
        return;
      }
    }
    updateInterrupt();
  }

  private void writeTime(int value) {
    if (stopped()) {
      ram[index] = (byte) value;
      return;
    }
    fillTimeRegisters();
    ram[index] = (byte) value;
    startAt(Math.floorMod(time(), SECOND));
    updateInterrupt();
  }

  // Time

  private static boolean isTime(int register) {
    return switch (register) {
      case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY_OF_MONTH, MONTH, YEAR, CENTURY -> true;
      default -> false;
    };
  }

  private boolean dividerReset() {
    return (ram[A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
  }

  private boolean stopped() {
    return (ram[B] & B_SET) != 0 || dividerReset();
  }

  /** The guest's time in nanoseconds since 1970. */
  private long time() {
    return clock.epochNanos() + offset;
  }

  private long seconds() {
    return Math.floorDiv(time(), SECOND);
  }

  private boolean updateInProgress() {
    return !stopped() && Math.floorMod(time(), SECOND) >= SECOND - UPDATE_NANOS;
  }

  private int timeRegister(int register, long seconds) {
    int ofDay = (int) Math.floorMod(seconds, SECONDS_A_DAY);
    long day = Math.floorDiv(seconds, SECONDS_A_DAY);
    return switch (register) {
      case SECONDS -> encode(ofDay % 60);
      case MINUTES -> encode(ofDay / 60 % 60);
      case HOURS -> encodeHours(ofDay / 3600);
      // 1970 began on a Thursday, and a week begins on Sunday, which is 1.
      case DAY_OF_WEEK -> encode(1 + (int) Math.floorMod(day + 4 + dayOfWeekOffset, 7L));
      case DAY_OF_MONTH -> encode(LocalDate.ofEpochDay(day).getDayOfMonth());
      case MONTH -> encode(LocalDate.ofEpochDay(day).getMonthValue());
      case YEAR -> encode(Math.floorMod(LocalDate.ofEpochDay(day).getYear(), 100));
      default -> encode(Math.floorMod(LocalDate.ofEpochDay(day).getYear() / 100, 100));
    };
  }

  private void fillTimeRegisters() {
    long seconds = seconds();
    for (int register = SECONDS; register <= YEAR; register++) {
      if (isTime(register)) {
        ram[register] = (byte) timeRegister(register, seconds);
      }
    }
    ram[CENTURY] = (byte) timeRegister(CENTURY, seconds);
  }

  /** Lets the time go on from what the registers say; what is no date is brought into range. */
  private void startAt(long fraction) {
    int year = decode(ram[CENTURY]) * 100 + decode(ram[YEAR]);
    int month = Math.clamp(decode(ram[MONTH]), 1, 12);
    // Years that nanoseconds since 1970 can count.
    long day =
        LocalDate.of(Math.clamp(year, 1800, 2200), month, 1).toEpochDay()
            + Math.max(decode(ram[DAY_OF_MONTH]), 1)
            - 1;
    long seconds =
        day * SECONDS_A_DAY
            + decodeHours(ram[HOURS]) * 3600L
            + decode(ram[MINUTES]) * 60L
            + decode(ram[SECONDS]);
    offset = seconds * SECOND + fraction - clock.epochNanos();
    long newDay = Math.floorDiv(seconds, SECONDS_A_DAY);
    dayOfWeekOffset = (int) Math.floorMod(decode(ram[DAY_OF_WEEK]) - 1 - (newDay + 4), 7L);
    lastSecond = seconds;
    lastPeriod = period();
  }

  private int encode(int value) {
    return (ram[B] & B_BINARY) != 0 ? value : value / 10 << 4 | value % 10;
  }

  private int decode(int register) {
    int value = register & 0xFF;
    return (ram[B] & B_BINARY) != 0 ? value : (value >> 4) * 10 + (value & 0xF);
  }

  private int encodeHours(int hours) {
    if ((ram[B] & B_24_HOURS) != 0) {
      return encode(hours);
    }
    return encode((hours + 11) % 12 + 1) | (hours >= 12 ? HOURS_PM : 0);
  }

  private int decodeHours(int register) {
    if ((ram[B] & B_24_HOURS) != 0) {
      return decode(register);
    }
    return decode(register & 0x7F) % 12 + ((register & HOURS_PM) != 0 ? 12 : 0);
  }

  // Interrupts

  /** Sets the flags of what has happened since the last look. */
  private void notice() {
    long period = period();
    if (period > lastPeriod) {
      flags |= B_PERIODIC;
    }
    lastPeriod = period;
    if (stopped()) {
      return;
    }
    long second = seconds();
    if (second > lastSecond) {
      flags |= B_UPDATE;
      if ((flags & B_ALARM) == 0 && alarmIn(lastSecond + 1, second)) {
        flags |= B_ALARM;
      }
    }
    lastSecond = second;
  }

  /** Whether the alarm matches one of these seconds; each match comes again every day. */
  private boolean alarmIn(long first, long last) {
    long end = Math.min(last, first + SECONDS_A_DAY - 1);
    for (long second = first; second <= end; second++) {
      int ofDay = (int) Math.floorMod(second, SECONDS_A_DAY);
      if (matches(SECONDS_ALARM, encode(ofDay % 60))
          && matches(MINUTES_ALARM, encode(ofDay / 60 % 60))
          && matches(HOURS_ALARM, encodeHours(ofDay / 3600))) {
        return true;
      }
    }
    return false;
  }

  private boolean matches(int alarm, int value) {
    int wanted = ram[alarm] & 0xFF;
    return (wanted & DO_NOT_CARE) == DO_NOT_CARE || wanted == value;
  }

  /** Clocks of the oscillator between two periodic interrupts, 0 for none. */
  private int periodClocks() {
    int rate = ram[A] & A_RATE;
    if (rate == 0 || dividerReset()) {
      return 0;
    }
    // The two fastest rates of a slower oscillator stand for 256 and 128 Hz here.
    return 1 << (rate < 3 ? rate + 7 : rate) - 1;
  }

  /** Number of the present period since power-on. */
  private long period() {
    int clocks = periodClocks();
    if (clocks == 0) {
      return 0;
    }
    long nanos = clock.nanos();
    return (nanos / SECOND * OSCILLATOR_HZ + nanos % SECOND * OSCILLATOR_HZ / SECOND) / clocks;
  }

  /** The interrupt, and the host's timer for the next flag that would raise it. */
  private void updateInterrupt() {
    int enabled = ram[B] & B_INTERRUPTS;
    flags = flags & B_INTERRUPTS | ((flags & enabled) != 0 ? C_INTERRUPT : 0);
    irq.set((flags & C_INTERRUPT) != 0);
    int awaited = enabled & ~flags;
    long next = Long.MAX_VALUE;
    if ((awaited & B_PERIODIC) != 0 && periodClocks() != 0) {
      long clocks = (lastPeriod + 1) * periodClocks();
      next =
          clocks / OSCILLATOR_HZ * SECOND
              + (clocks % OSCILLATOR_HZ * SECOND + OSCILLATOR_HZ - 1) / OSCILLATOR_HZ;
    }
    if ((awaited & (B_ALARM | B_UPDATE)) != 0 && !stopped()) {
      next = Math.min(next, clock.nanos() + SECOND - Math.floorMod(time(), SECOND));
    }
    if (next == Long.MAX_VALUE) {
      timer.cancel();
    } else {
      timer.arm(next);
    }
  }

  private synchronized void onTimer() {
    notice();
    updateInterrupt();
  }

  // State

  @Override
  public synchronized State state() {
    return new State(
        index, ram, offset, dayOfWeekOffset, flags, stoppedFraction, lastSecond, lastPeriod);
  }

  @Override
  public synchronized void restore(State state) {
    if (state.ram.length != RAM_SIZE
        || (state.index & ~0x7F) != 0
        || (state.flags & ~(C_INTERRUPT | B_INTERRUPTS)) != 0) {
      throw new IllegalArgumentException("not the state of a real-time clock: " + state);
    }
    index = state.index;
    System.arraycopy(state.ram, 0, ram, 0, RAM_SIZE);
    offset = state.offset;
    dayOfWeekOffset = state.dayOfWeekOffset;
    flags = state.flags;
    stoppedFraction = state.stoppedFraction;
    lastSecond = state.lastSecond;
    lastPeriod = state.lastPeriod;
    updateInterrupt();
  }

  /** RESET# takes the interrupts away; time and RAM live from the battery. */
  @Override
  public synchronized void reset() {
    index = 0;
    ram[B] &= (byte) ~(B_INTERRUPTS | B_SQUARE_WAVE);
    flags = 0;
    lastSecond = seconds();
    lastPeriod = period();
    updateInterrupt();
  }
}
