package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * I/O APIC with 24 pins (Intel 82093AA data sheet), with the EOI register of version 0x20. Mapped
 * at 0xFEC00000, at least 0x44 bytes long, 4 bytes wide.
 *
 * <p>Pins carry "asserted" or not: the polarity bits are kept but the board's wiring has already
 * taken care of them.
 */
public final class IoApic implements BusDevice, Stateful<IoApic.State> {
  public static final int PINS = 24;

  // Offsets of the three directly addressed registers
  private static final int IOREGSEL = 0x00;
  private static final int IOWIN = 0x10;
  private static final int EOI = 0x40;

  // Indirect registers
  private static final int ID = 0x00;
  private static final int VERSION = 0x01;
  private static final int ARBITRATION = 0x02;
  private static final int REDIRECTION_FIRST = 0x10;
  private static final int REDIRECTION_LAST = REDIRECTION_FIRST + 2 * PINS - 1;

  private static final int VERSION_VALUE = 0x20 | PINS - 1 << 16;
  private static final int ID_WRITABLE = 0x0F00_0000;

  // Redirection table entries
  private static final long LOGICAL = 1 << 11;
  private static final long REMOTE_IRR = 1 << 14;
  private static final long LEVEL = 1 << 15;
  private static final long MASKED = 1 << 16;
  private static final long WRITABLE_LOW = 0x1_AFFF;
  private static final long WRITABLE_HIGH = 0xFF00_0000L << 32;

  private final int initialId;
  private final InterruptMessageSink bus;
  private int select;
  private int id;
  private final long[] redirection = new long[PINS];
  private int levels;

  /** {@code levels}: a bit for each asserted pin; {@code redirection}: the 24 entries. */
  public record State(int select, int id, int levels, long[] redirection) {
    /** Copies the table. */
    public State {
      redirection = redirection.clone();
    }
  }

  /**
   * @param id 0 to 15, as the MADT says
   * @param bus called with this chip's lock held
   */
  public IoApic(int id, InterruptMessageSink bus) {
    this.initialId = id << 24 & ID_WRITABLE;
    this.bus = bus;
    reset();
  }

  /**
   * @param pin 0 to 23
   */
  public InterruptLine line(int pin) {
    if (pin < 0 || pin >= PINS) {
      throw new IllegalArgumentException("no pin " + pin);
    }
    return level -> setPin(pin, level);
  }

  private synchronized void setPin(int pin, boolean level) {
    int bit = 1 << pin;
    boolean rising = level && (levels & bit) == 0;
    levels = level ? levels | bit : levels & ~bit;
    // An edge that finds its entry masked is lost; a level waits.
    if (rising) {
      service(pin);
    }
  }

  /** A local APIC has ended a level-triggered interrupt. */
  public synchronized void endOfInterrupt(int vector) {
    for (int pin = 0; pin < PINS; pin++) {
      long entry = redirection[pin];
      if ((entry & (LEVEL | REMOTE_IRR)) == (LEVEL | REMOTE_IRR) && (entry & 0xFF) == vector) {
        redirection[pin] = entry & ~REMOTE_IRR;
        serviceLevel(pin);
      }
    }
  }

  @Override
  public long read(long offset, int size) {
    if (offset >>> 8 != 0) {
      return -1;
    }
    int shift = (int) offset & 3;
    return switch ((int) offset & ~3) {
      case IOREGSEL -> selected() >>> 8 * shift;
      case IOWIN -> Integer.toUnsignedLong(readSelected()) >>> 8 * shift;
      default -> -1;
    };
  }

  @Override
  public void write(long offset, int size, long value) {
    if (offset >>> 8 != 0) {
      return;
    }
    switch ((int) offset) {
      case IOREGSEL -> select((int) value & 0xFF);
      case IOWIN -> {
        if (size >= 4) {
          writeSelected((int) value);
        }
      }
      case EOI -> endOfInterrupt((int) value & 0xFF);
      default -> {}
    }
  }

  private synchronized void select(int register) {
    select = register;
  }

  private synchronized int selected() {
    return select;
  }

  private synchronized int readSelected() {
    return switch (select) {
      case ID, ARBITRATION -> id;
      case VERSION -> VERSION_VALUE;
      default -> {
        if (select < REDIRECTION_FIRST || select > REDIRECTION_LAST) {
          yield -1;
        }
        long entry = redirection[select - REDIRECTION_FIRST >> 1];
        yield (int) ((select & 1) != 0 ? entry >>> 32 : entry);
      }
    };
  }

  private synchronized void writeSelected(int value) {
    if (select == ID) {
      id = value & ID_WRITABLE;
    } else if (select >= REDIRECTION_FIRST && select <= REDIRECTION_LAST) {
      int pin = select - REDIRECTION_FIRST >> 1;
      long entry = redirection[pin];
      if ((select & 1) != 0) {
        redirection[pin] = entry & 0xFFFF_FFFFL | (long) value << 32 & WRITABLE_HIGH;
      } else {
        entry = entry & ~WRITABLE_LOW | value & WRITABLE_LOW;
        // Software that has no EOI register ends a level-triggered interrupt by making it
        // edge-triggered for a moment.
        redirection[pin] = (entry & LEVEL) != 0 ? entry : entry & ~REMOTE_IRR;
        serviceLevel(pin);
      }
    }
  }

  /**
   * For a level-triggered pin that may have become ready: unmasked, or ended while still asserted.
   */
  private void serviceLevel(int pin) {
    if ((levels >> pin & 1) != 0 && (redirection[pin] & LEVEL) != 0) {
      service(pin);
    }
  }

  private void service(int pin) {
    long entry = redirection[pin];
    if ((entry & (MASKED | REMOTE_IRR)) != 0) {
      return;
    }
    int mode = (int) entry >> 8 & 7;
    boolean remoteIrr =
        (entry & LEVEL) != 0
            && (mode == InterruptMessageSink.FIXED || mode == InterruptMessageSink.LOWEST_PRIORITY);
    if (remoteIrr) {
      redirection[pin] = entry | REMOTE_IRR;
    }
    boolean logical = (entry & LOGICAL) != 0;
    int destination = (int) (entry >>> 56);
    if (destination == 0xFF && !logical) {
      destination = InterruptMessageSink.BROADCAST;
    }
    bus.deliver(destination, logical, mode, (int) entry & 0xFF, remoteIrr, true);
  }

  @Override
  public synchronized State state() {
    return new State(select, id, levels, redirection);
  }

  @Override
  public synchronized void restore(State state) {
    if (state.redirection.length != PINS
        || (state.select & ~0xFF) != 0
        || (state.id & ~ID_WRITABLE) != 0
        || state.levels >>> PINS != 0) {
      throw new IllegalArgumentException("not the state of an I/O APIC: " + state);
    }
    select = state.select;
    id = state.id;
    levels = state.levels;
    System.arraycopy(state.redirection, 0, redirection, 0, PINS);
  }

  /** The pins keep their levels: they belong to the devices. */
  @Override
  public synchronized void reset() {
    select = 0;
    id = initialId;
    for (int pin = 0; pin < PINS; pin++) {
      redirection[pin] = MASKED;
    }
  }
}
