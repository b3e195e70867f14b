package lodge.devices;

import java.util.ArrayList;
import java.util.List;
import lodge.core.BusDevice;
import lodge.core.InterruptLine;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Stateful;

/**
 * What every PCI function with memory, ports and an interrupt has (PCI Local Bus Specification 3.0,
 * 6.2): command and status, base address registers, INTA#. Its memory and its ports are on their
 * bus while decoding is on, at the place that the guest gives them.
 */
public final class PciEndpoint implements PciFunction, Stateful<PciConfigSpace.State> {
  private static final int ID = 0x00;
  private static final int COMMAND = 0x04;
  private static final int STATUS = 0x06;
  private static final int CLASS_REVISION = 0x08;
  private static final int CACHE_LINE = 0x0C;
  private static final int BARS = 0x10;
  private static final int SUBSYSTEM = 0x2C;
  private static final int INTERRUPT = 0x3C;

  private static final int IO_SPACE = 1;
  private static final int MEMORY_SPACE = 1 << 1;
  private static final int BUS_MASTER = 1 << 2;
  private static final int PARITY_RESPONSE = 1 << 6;
  private static final int SERR_ENABLE = 1 << 8;
  private static final int INTERRUPT_DISABLE = 1 << 10;
  private static final int COMMAND_WRITABLE =
      MEMORY_SPACE | BUS_MASTER | PARITY_RESPONSE | SERR_ENABLE | INTERRUPT_DISABLE;
  private static final int INTERRUPT_STATUS = 1 << 3;
  private static final int PIN_A = 1;

  /** The bit of a base address register that says that it is one of ports. */
  private static final int IO_BAR = 1;

  private static final int PORTS = 1 << 16;

  private record Bar(int register, int length, int maxSize, BusDevice device) {}

  private record IoBar(PortBus bus, int register, int length, int maxSize, BusDevice device) {}

  private final MmioBus bus;
  private final InterruptLine line;
  private final PciConfigSpace config = new PciConfigSpace();
  private final List<Bar> bars = new ArrayList<>();
  private final List<IoBar> ioBars = new ArrayList<>();
  private boolean interrupting;

  /**
   * @param line INTA#, level-triggered
   * @param id device and vendor
   * @param subsystem likewise
   */
  public PciEndpoint(MmioBus bus, InterruptLine line, int id, int classRevision, int subsystem) {
    this.bus = bus;
    this.line = line;
    config
        .define(ID, 4, id, 0)
        .define(COMMAND, 2, 0, COMMAND_WRITABLE)
        .define(CLASS_REVISION, 4, classRevision, 0)
        .define(CACHE_LINE, 1, 0, 0xFF)
        .define(SUBSYSTEM, 4, subsystem, 0)
        .define(INTERRUPT, 2, PIN_A << 8, 0xFF);
  }

  /** Its registers, to define more of them. */
  public PciConfigSpace config() {
    return config;
  }

  /**
   * Adds memory with a 32-bit address.
   *
   * @param number 0 to 5
   * @param length a power of 2, at least 4096
   * @param maxSize widest access that the device takes
   */
  public void memoryBar(int number, int length, int maxSize, BusDevice device) {
    int register = BARS + 4 * number;
    config.define(register, 4, 0, -length);
    bars.add(new Bar(register, length, maxSize, device));
  }

  /**
   * Adds ports. All 32 bits of their register are there, as firmware that asks for their number
   * expects; at an address that no port has they are nowhere.
   *
   * @param number 0 to 5
   * @param length a power of 2, 4 to 256
   * @param maxSize widest access that the device takes
   */
  public void ioBar(PortBus ports, int number, int length, int maxSize, BusDevice device) {
    int register = BARS + 4 * number;
    config.define(COMMAND, 2, 0, COMMAND_WRITABLE | IO_SPACE).define(register, 4, IO_BAR, -length);
    ioBars.add(new IoBar(ports, register, length, maxSize, device));
  }

  /** The device behind a base address register of memory, or null. */
  public BusDevice memory(int number) {
    return bars.stream()
        .filter(bar -> bar.register == BARS + 4 * number)
        .map(Bar::device)
        .findFirst()
        .orElse(null);
  }

  /** Whether it may read and write memory by itself. */
  public boolean busMaster() {
    return (config.read(COMMAND, 2) & BUS_MASTER) != 0;
  }

  /** Asserts INTA#, or takes it back. */
  public synchronized void interrupt(boolean level) {
    interrupting = level;
    updateLine();
  }

  private void updateLine() {
    line.set(interrupting && (config.read(COMMAND, 2) & INTERRUPT_DISABLE) == 0);
  }

  @Override
  public synchronized int read(int register, int size) {
    int value = config.read(register, size);
    boolean status = register <= STATUS && STATUS < register + size;
    return status && interrupting ? value | INTERRUPT_STATUS << 8 * (STATUS - register) : value;
  }

  @Override
  public synchronized void write(int register, int size, int value) {
    config.write(register, size, value);
    if (register < SUBSYSTEM) {
      updateLine();
      place();
    }
  }

  /** Takes it off its buses, with its interrupt. */
  public void disconnect() {
    write(COMMAND, 2, INTERRUPT_DISABLE);
  }

  private void place() {
    int command = config.read(COMMAND, 2);
    for (Bar bar : bars) {
      if ((command & MEMORY_SPACE) != 0) {
        long base = config.read(bar.register, 4) & 0xFFFF_FFFFL;
        bus.move(base, bar.length, bar.maxSize, bar.device);
      } else {
        bus.remove(bar.device);
      }
    }
    for (IoBar bar : ioBars) {
      int base = config.read(bar.register, 4) & ~IO_BAR;
      if ((command & IO_SPACE) != 0 && Integer.compareUnsigned(base, PORTS) < 0) {
        bar.bus.move(base, bar.length, bar.maxSize, bar.device);
      } else {
        bar.bus.remove(bar.device);
      }
    }
  }

  @Override
  public synchronized PciConfigSpace.State state() {
    return config.state();
  }

  /** The interrupt's level is restored by who asserts it. */
  @Override
  public synchronized void restore(PciConfigSpace.State state) {
    config.restore(state);
    updateLine();
    place();
  }

  @Override
  public synchronized void reset() {
    config.reset();
    interrupting = false;
    updateLine();
    place();
  }
}
