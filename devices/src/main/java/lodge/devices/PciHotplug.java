package lodge.devices;

import java.util.function.IntConsumer;
import lodge.core.BusDevice;
import lodge.core.Stateful;

/**
 * By what the guest's ACPI code learns that PCI devices come and are to go, and by what it lets
 * them go: as the PIIX4 of QEMU's machines has it (QEMU docs/specs/acpi_pci_hotplug). All registers
 * have 32 bits, one for each slot of bus 0.
 */
public final class PciHotplug implements BusDevice, Stateful<PciHotplug.State> {
  /** Ports of the block. */
  public static final int LENGTH = 0x14;

  /** Which general-purpose event tells the guest to look here. */
  public static final int EVENT = 1;

  /** Slots that something was plugged into; forgotten when they are read. */
  public static final int UP = 0x00;

  /** Slots whose device the guest is asked to let go. */
  public static final int DOWN = 0x04;

  /** Written, it takes devices out of their slots. There are no features to read. */
  public static final int EJECT = 0x08;

  /** Slots whose device can be taken out. */
  public static final int REMOVABLE = 0x0C;

  /** Which bus all this is about; there is only bus 0. */
  public static final int BUS = 0x10;

  private final int removable;
  private final Runnable event;
  private final IntConsumer eject;
  private int up;
  private int down;
  private int bus;

  /** The registers that change. */
  public record State(int up, int down, int bus) {}

  /**
   * @param removable a bit for each slot whose devices come and go
   * @param event tells the guest of a change
   * @param eject takes what is there out of a slot, 0 to 31; with no lock held
   */
  public PciHotplug(int removable, Runnable event, IntConsumer eject) {
    this.removable = removable;
    this.event = event;
    this.eject = eject;
  }

  /** There is something new in a slot, which nobody has asked to go yet. */
  public void plugged(int slot) {
    synchronized (this) {
      up |= 1 << slot;
      down &= ~(1 << slot);
    }
    event.run();
  }

  /** Asks the guest to let go of what is in a slot. */
  public void askToEject(int slot) {
    synchronized (this) {
      down |= 1 << slot;
    }
    event.run();
  }

  @Override
  public synchronized long read(long offset, int size) {
    if (size != 4) {
      return -1;
    }
    return switch ((int) offset) {
      case UP -> {
        int seen = up;
        up = 0;
        yield seen;
      }
      case DOWN -> down;
      case EJECT -> 0;
      case REMOVABLE -> removable;
      case BUS -> bus;
      default -> -1;
    };
  }

  @Override
  public void write(long offset, int size, long value) {
    if (size != 4) {
      return;
    }
    int slots;
    synchronized (this) {
      if (offset == BUS) {
        bus = (int) value;
      }
      slots = offset == EJECT && bus == 0 ? (int) value & removable : 0;
      up &= ~slots;
      down &= ~slots;
    }
    eject(slots);
  }

  private void eject(int slots) {
    for (int slot = 0; slot < Integer.SIZE; slot++) {
      if ((slots >> slot & 1) != 0) {
        eject.accept(slot);
      }
    }
  }

  @Override
  public synchronized State state() {
    return new State(up, down, bus);
  }

  @Override
  public synchronized void restore(State state) {
    if (((state.up | state.down) & ~removable) != 0) {
      throw new IllegalArgumentException("not the state of these slots: " + state);
    }
    up = state.up;
    down = state.down;
    bus = state.bus;
  }

  /**
   * What was to go goes now: the guest that was asked is no more, and the next one finds it gone.
   */
  @Override
  public void reset() {
    int asked;
    synchronized (this) {
      asked = down;
      restore(new State(0, 0, 0));
    }
    eject(asked);
  }
}
