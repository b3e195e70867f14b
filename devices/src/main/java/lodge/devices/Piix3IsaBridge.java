package lodge.devices;

import java.util.List;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * The PCI-to-ISA bridge of the PIIX3 (82371SB data sheet, 2.1), function 0 of its device: routes
 * the PCI bus's interrupts PIRQA# to PIRQD# to interrupt lines of the ISA bus.
 */
public final class Piix3IsaBridge implements PciFunction, Stateful<PciConfigSpace.State> {
  /** How many PIRQ lines there are. */
  public static final int PIRQS = 4;

  /** First of the four route control registers. */
  public static final int PIRQ_ROUTE_CONTROL = 0x60;

  /** The lines that interrupts may be routed to: all but those of the board's own chips. */
  public static final List<Integer> ROUTABLE = List.of(3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15);

  private static final int ROUTING_DISABLED = 0x80;
  private static final int ROUTE_WRITABLE = 0x8F;

  private final List<InterruptLine> isaLines;
  private final PciConfigSpace config = new PciConfigSpace();
  private final boolean[] levels = new boolean[PIRQS];

  /**
   * @param isaLines for each of {@link #ROUTABLE} its line; called with this bridge locked
   */
  public Piix3IsaBridge(List<InterruptLine> isaLines) {
    this.isaLines = List.copyOf(isaLines);
    config
        .define(0x00, 4, 0x7000_8086, 0)
        // I/O, memory and bus master are always on.
        .define(0x04, 4, 0x0200_0007, 0x0008)
        .define(0x08, 4, 0x0601_0000, 0)
        // The device has more functions than this one.
        .define(0x0C, 4, 0x0080_0000, 0)
        .define(0x4C, 1, 0x4D, 0xFF)
        .define(0x4E, 2, 0x0003, 0x07FF)
        .define(0x69, 1, 0x02, 0xFE);
    for (int pirq = 0; pirq < PIRQS; pirq++) {
      config.define(PIRQ_ROUTE_CONTROL + pirq, 1, ROUTING_DISABLED, ROUTE_WRITABLE);
    }
  }

  /**
   * Which PIRQ line an interrupt pin is wired to: the slots' pins are rotated, so that each line
   * gets its share of INTA#.
   *
   * @param slot device number, 0 to 31
   * @param pin 0 for INTA# to 3 for INTD#
   * @return 0 to 3
   */
  public static int pirqOf(int slot, int pin) {
    return slot + pin - 1 & PIRQS - 1;
  }

  /** The line PIRQA# (0) to PIRQD# (3); asserted is true. */
  public InterruptLine pirq(int number) {
    return level -> set(number, level);
  }

  private synchronized void set(int pirq, boolean level) {
    levels[pirq] = level;
    updateInterrupt();
  }

  /** Each ISA line is asserted by any of the PIRQ lines that are routed to it. */
  private void updateInterrupt() {
    int asserted = 0;
    for (int pirq = 0; pirq < PIRQS; pirq++) {
      int route = config.read(PIRQ_ROUTE_CONTROL + pirq, 1);
      if (levels[pirq] && (route & ROUTING_DISABLED) == 0) {
        asserted |= 1 << route;
      }
    }
    for (int i = 0; i < isaLines.size(); i++) {
      isaLines.get(i).set((asserted >> ROUTABLE.get(i) & 1) != 0);
    }
  }

  @Override
  public int read(int register, int size) {
    return config.read(register, size);
  }

  @Override
  public synchronized void write(int register, int size, int value) {
    config.write(register, size, value);
    updateInterrupt();
  }

  /** The levels are restored by who asserts them. */
  @Override
  public PciConfigSpace.State state() {
    return config.state();
  }

  @Override
  public synchronized void restore(PciConfigSpace.State state) {
    config.restore(state);
    updateInterrupt();
  }

  /** The PIRQ lines keep their levels: they belong to the devices. */
  @Override
  public synchronized void reset() {
    config.reset();
    updateInterrupt();
  }
}
