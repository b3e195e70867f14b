package lodge.devices;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import lodge.core.BusDevice;
import lodge.core.Stateful;

/**
 * PCI host bridge (82441FX data sheet) with bus 0 and configuration mechanism #1, ports 0xCF8 to
 * 0xCFF, 4 bytes wide. Functions that nobody added read as all ones.
 */
public final class PciHost implements BusDevice, Stateful<PciHost.State> {
  private static final int CONFIG_ADDRESS = 0;
  private static final int RESET_CONTROL = 1;
  private static final int CONFIG_DATA = 4;

  private static final int ENABLE = 1 << 31;
  private static final int ADDRESS_WRITABLE = ENABLE | 0xFF_FFFC;

  private static final int FUNCTIONS = 256;

  private final BusDevice resetControl;

  /** By device * 8 + function. */
  private final AtomicReferenceArray<PciFunction> functions = new AtomicReferenceArray<>(FUNCTIONS);

  private final HostBridge bridge;
  private volatile int configAddress;

  /** The address register and the bridge's own configuration space. */
  public record State(int configAddress, PciConfigSpace.State bridge) {}

  /**
   * @param resetControl gets the byte accesses to port 0xCF9, which lies inside of the address
   *     register
   * @param bridge device 0
   */
  public PciHost(BusDevice resetControl, HostBridge bridge) {
    this.resetControl = resetControl;
    this.bridge = bridge;
    add(0, 0, bridge);
  }

  /**
   * Plugs a function in.
   *
   * @param device 0 to 31
   * @param function 0 to 7
   * @throws IllegalArgumentException when there is one already
   */
  public void add(int device, int function, PciFunction pciFunction) {
    if ((device & ~31) != 0
        || (function & ~7) != 0
        || !functions.compareAndSet(device * 8 + function, null, pciFunction)) {
      throw new IllegalArgumentException("no room for PCI function " + device + "." + function);
    }
  }

  /** Unplugs a function, if there is one. */
  public void remove(int device, int function) {
    functions.set((device & 31) * 8 + (function & 7), null);
  }

  /** What is plugged in there. */
  public Optional<PciFunction> function(int device, int function) {
    return Optional.ofNullable(functions.get((device & 31) * 8 + (function & 7)));
  }

  @Override
  public long read(long offset, int size) {
    if (offset == CONFIG_ADDRESS && size == 4) {
      return configAddress;
    }
    if (offset == RESET_CONTROL && size == 1) {
      return resetControl.read(0, 1);
    }
    int address = configAddress;
    PciFunction function = selected(offset, size, address);
    return function == null ? -1 : function.read(address & 0xFC | (int) offset & 3, size);
  }

  @Override
  public void write(long offset, int size, long value) {
    if (offset == CONFIG_ADDRESS && size == 4) {
      configAddress = (int) value & ADDRESS_WRITABLE;
      return;
    }
    if (offset == RESET_CONTROL && size == 1) {
      resetControl.write(0, 1, value);
      return;
    }
    int address = configAddress;
    PciFunction function = selected(offset, size, address);
    if (function != null) {
      function.write(address & 0xFC | (int) offset & 3, size, (int) value);
    }
  }

  /** The function that an access to the data register reaches, or null. */
  private PciFunction selected(long offset, int size, int address) {
    boolean isData = offset >= CONFIG_DATA && offset + size <= CONFIG_DATA + 4 && size > 0;
    boolean onBus0 = (address & (ENABLE | 0xFF_0000)) == ENABLE;
    return isData && onBus0 ? functions.get(address >> 8 & 0xFF) : null;
  }

  @Override
  public State state() {
    return new State(configAddress, bridge.state());
  }

  @Override
  public void restore(State state) {
    if ((state.configAddress & ~ADDRESS_WRITABLE) != 0) {
      throw new IllegalArgumentException("not the state of a PCI host bridge: " + state);
    }
    bridge.restore(state.bridge);
    configAddress = state.configAddress;
  }

  @Override
  public void reset() {
    configAddress = 0;
    bridge.reset();
  }
}
