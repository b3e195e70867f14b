package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * ACPI fixed hardware (ACPI 6.5, 4.8.3): PM1a event and control blocks and the power-management
 * timer, in one block of {@link #LENGTH} ports, and the SMI command port that switches ACPI mode
 * on. General-purpose events are {@link AcpiGpe}'s.
 */
public final class AcpiPm implements BusDevice, Stateful<AcpiPm.State> {
  /** Ports of the block. */
  public static final int LENGTH = 16;

  /** Offset of the PM1a event block, 4 bytes: status and enable. */
  public static final int PM1A_EVENT = 0;

  /** Offset of the PM1a control block, 2 bytes. */
  public static final int PM1A_CONTROL = 4;

  /** Offset of the power-management timer, 4 bytes. */
  public static final int PM_TIMER = 8;

  /** Sleep type of S5 (soft off), for the DSDT's _S5 package. */
  public static final int SLP_TYP_S5 = 5;

  /** What to write to the SMI command port for ACPI mode. */
  public static final int ACPI_ENABLE = 0xF1;

  /** What to write to the SMI command port for legacy mode. */
  public static final int ACPI_DISABLE = 0xF0;

  /** The timer's clock. */
  public static final long TIMER_HZ = 3_579_545;

  // PM1 status and enable
  private static final int TIMER = 1;
  private static final int GLOBAL_LOCK = 1 << 5;
  private static final int POWER_BUTTON = 1 << 8;
  private static final int SLEEP_BUTTON = 1 << 9;
  private static final int RTC = 1 << 10;
  private static final int EVENTS = TIMER | GLOBAL_LOCK | POWER_BUTTON | SLEEP_BUTTON | RTC;

  // PM1 control
  private static final int SCI_ENABLE = 1;
  private static final int BUS_MASTER_RELOAD = 1 << 1;
  private static final int SLP_TYP_SHIFT = 10;
  private static final int SLP_TYP = 7 << SLP_TYP_SHIFT;
  private static final int SLP_EN = 1 << 13;

  private static final long NANOS_PER_SECOND = 1_000_000_000;

  private final InterruptLine sci;
  private final Clock clock;
  private final int timerBits;
  private final Runnable powerOff;
  private final Clock.Timer timer;

  private int status;
  private int enable;
  private int control;
  private int smiCommand;
  private int smiStatus;

  /** Half turns of the timer that have been noticed: each change of its top bit sets TMR_STS. */
  private long halfTurns;

  /** The registers, and how often the timer's top bit had changed when last looked at. */
  public record State(
      int status, int enable, int control, int smiCommand, int smiStatus, long halfTurns) {}

  /** With a timer of 32 bits: the FADT is to set TMR_VAL_EXT. */
  public AcpiPm(InterruptLine sci, Clock clock, Runnable powerOff) {
    this(sci, clock, 32, powerOff);
  }

  /**
   * @param sci the system control interrupt, level-triggered
   * @param timerBits 24 or 32
   * @param powerOff called with no lock held when the guest enters S5
   */
  public AcpiPm(InterruptLine sci, Clock clock, int timerBits, Runnable powerOff) {
    if (timerBits != 24 && timerBits != 32) {
      throw new IllegalArgumentException("a power-management timer has 24 or 32 bits");
    }
    this.sci = sci;
    this.clock = clock;
    this.timerBits = timerBits;
    this.powerOff = powerOff;
    this.timer = clock.timer(this::onTimer);
    reset();
  }

  /** Somebody presses the power button: an event that the guest's system shuts down on. */
  public synchronized void pressPowerButton() {
    status |= POWER_BUTTON;
    updateInterrupt();
  }

  /** Ports 0xB2 (SMI command) and 0xB3 (status, a scratch register). */
  public BusDevice smiCommand() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        synchronized (AcpiPm.this) {
          return offset == 0 ? smiCommand : offset == 1 ? smiStatus : -1;
        }
      }

      @Override
      public void write(long offset, int size, long value) {
        if (offset == 0) {
          writeSmiCommand((int) value & 0xFF);
        } else if (offset == 1) {
          synchronized (AcpiPm.this) {
            smiStatus = (int) value & 0xFF;
          }
        }
      }
    };
  }

  private synchronized void writeSmiCommand(int value) {
    smiCommand = value;
    if (value == ACPI_ENABLE) {
      control |= SCI_ENABLE;
    } else if (value == ACPI_DISABLE) {
      control &= ~SCI_ENABLE;
    }
    updateInterrupt();
  }

  @Override
  public synchronized long read(long offset, int size) {
    if (offset < 0 || offset >= LENGTH) {
      return -1;
    }
    notice();
    long value =
        switch ((int) offset & ~3) {
          case PM1A_EVENT -> status | enable << 16;
          case PM1A_CONTROL -> control;
          case PM_TIMER -> ticks() & (1L << timerBits) - 1;
          default -> 0;
        };
    return value >>> 8 * (offset & 3);
  }

  /** Bytes go to registers one by one; the sleep type and its enable bit share one. */
  @Override
  public void write(long offset, int size, long value) {
    boolean poweredOff = false;
    synchronized (this) {
      notice();
      for (int i = 0; i < Math.min(size, 8); i++) {
        poweredOff |= writeByte(offset + i, (int) (value >>> 8 * i) & 0xFF);
      }
      updateInterrupt();
    }
    if (poweredOff) {
      powerOff.run();
    }
  }

  /** True when this one put the machine into S5. */
  private boolean writeByte(long offset, int b) {
    if (offset < 0 || offset >= PM_TIMER) {
      return false;
    }
    int shift = 8 * ((int) offset & 1);
    int keep = ~(0xFF << shift);
    switch ((int) offset) {
      // A one clears its event.
      case 0, 1 -> status &= ~(b << shift);
      case 2, 3 -> enable = (enable & keep | b << shift) & EVENTS;
      case PM1A_CONTROL -> control = control & ~BUS_MASTER_RELOAD | b & BUS_MASTER_RELOAD;
      case PM1A_CONTROL + 1 -> {
        control = control & ~SLP_TYP | b << 8 & SLP_TYP;
        return (b << 8 & SLP_EN) != 0 && control >> SLP_TYP_SHIFT == SLP_TYP_S5;
      }
      default -> {}
    }
    return false;
  }

  private long ticks() {
    long nanos = clock.nanos();
    return nanos / NANOS_PER_SECOND * TIMER_HZ
        + nanos % NANOS_PER_SECOND * TIMER_HZ / NANOS_PER_SECOND;
  }

  private void notice() {
    long now = ticks() >>> timerBits - 1;
    if (now > halfTurns) {
      status |= TIMER;
    }
    halfTurns = now;
  }

  private void updateInterrupt() {
    sci.set((control & SCI_ENABLE) != 0 && (status & enable) != 0);
    if ((enable & ~status & TIMER) != 0) {
      long next = halfTurns + 1 << timerBits - 1;
      timer.arm(
          next / TIMER_HZ * NANOS_PER_SECOND
              + (next % TIMER_HZ * NANOS_PER_SECOND + TIMER_HZ - 1) / TIMER_HZ);
    } else {
      timer.cancel();
    }
  }

  private synchronized void onTimer() {
    notice();
    updateInterrupt();
  }

  @Override
  public synchronized State state() {
    return new State(status, enable, control, smiCommand, smiStatus, halfTurns);
  }

  @Override
  public synchronized void restore(State state) {
    if ((state.status & ~EVENTS) != 0
        || (state.enable & ~EVENTS) != 0
        || (state.control & ~(SCI_ENABLE | BUS_MASTER_RELOAD | SLP_TYP)) != 0
        || ((state.smiCommand | state.smiStatus) & ~0xFF) != 0
        || state.halfTurns < 0) {
      throw new IllegalArgumentException("not the state of ACPI hardware: " + state);
    }
    status = state.status;
    enable = state.enable;
    control = state.control;
    smiCommand = state.smiCommand;
    smiStatus = state.smiStatus;
    halfTurns = state.halfTurns;
    updateInterrupt();
  }

  @Override
  public synchronized void reset() {
    restore(new State(0, 0, 0, 0, 0, ticks() >>> timerBits - 1));
  }
}
