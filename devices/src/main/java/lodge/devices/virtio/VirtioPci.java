package lodge.devices.virtio;

import java.util.Arrays;
import java.util.Map;
import lodge.core.BusDevice;
import lodge.core.GuestMemory;
import lodge.core.InterruptLine;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Stateful;
import lodge.devices.InterruptMessageSink;
import lodge.devices.Msix;
import lodge.devices.PciConfigSpace;
import lodge.devices.PciEndpoint;
import lodge.devices.PciFunction;

/**
 * A virtio device as a PCI function (virtio 1.3, 4.1). BAR 1 has the MSI-X table, BAR 4 all else;
 * capabilities tell the driver what is where. Types that there were before virtio 1.0 are
 * transitional, as QEMU has them on such a bus: BAR 0 has the {@link LegacyConfiguration}.
 */
public final class VirtioPci<S extends Record>
    implements PciFunction, BusDevice, Stateful<VirtioPci.State<S>> {
  private static final int VENDOR = 0x1AF4;
  private static final int FIRST_DEVICE = 0x1040;
  private static final int SUBSYSTEM = 0x1100;
  private static final int REVISION = 1;

  /** Device ids of transitional devices by their type (virtio 1.3, 4.1.2.1). */
  private static final Map<Integer, Integer> TRANSITIONAL =
      Map.of(1, 0x1000, 2, 0x1001, 5, 0x1002, 3, 0x1003, 8, 0x1004, 4, 0x1005, 9, 0x1009);

  private static final int COMMAND = 0x04;
  private static final int BUS_MASTER = 1 << 2;

  private static final int LEGACY_BAR = 0;
  private static final int MSIX_BAR = 1;
  private static final int BAR = 4;
  private static final int BAR_LENGTH = 0x4000;

  // Where the structures are in the BAR
  private static final int ISR = 0x1000;
  private static final int DEVICE = 0x2000;
  private static final int NOTIFY = 0x3000;
  private static final int REGION = 0x1000;
  private static final int NOTIFY_MULTIPLIER = 4;

  private static final int VENDOR_CAPABILITY = 0x09;
  private static final int CAPABILITY_LENGTH = 16;
  private static final int COMMON_TYPE = 1;
  private static final int NOTIFY_TYPE = 2;
  private static final int ISR_TYPE = 3;
  private static final int DEVICE_TYPE = 4;
  private static final int PCI_TYPE = 5;

  // Registers of a capability
  private static final int LENGTH_TYPE = 2;
  private static final int CAPABILITY_BAR = 4;
  private static final int OFFSET = 8;
  private static final int LENGTH = 12;
  private static final int MORE = 16;

  private static final int QUEUE_USED = 1;
  private static final int CONFIGURATION_CHANGED = 1 << 1;

  private final VirtioDevice<S> type;
  private final PciEndpoint endpoint;
  private final Msix msix;
  private final Transport<S> transport;
  private final CommonConfiguration common;

  /** First register of the capability by which the driver reaches BARs without mapping them. */
  private final int window;

  private int isr;

  /** All of the function. */
  public record State<S extends Record>(
      PciConfigSpace.State config,
      Msix.State msix,
      Transport.State<S> transport,
      CommonConfiguration.Selected selected,
      int interruptStatus) {}

  /**
   * @param line INTA#, for drivers without MSI-X
   * @param messages where MSI-X sends its
   */
  public VirtioPci(
      GuestMemory memory,
      MmioBus bus,
      PortBus ports,
      InterruptLine line,
      InterruptMessageSink messages,
      VirtioDevice<S> type) {
    this.type = type;
    boolean transitional = TRANSITIONAL.containsKey(type.type());
    int id = TRANSITIONAL.getOrDefault(type.type(), FIRST_DEVICE + type.type());
    // Legacy drivers know the type by the subsystem.
    int revision = transitional ? 0 : REVISION;
    int subsystem = transitional ? type.type() : SUBSYSTEM;
    endpoint =
        new PciEndpoint(
            bus,
            line,
            id << 16 | VENDOR,
            type.pciClass() << 8 | revision,
            subsystem << 16 | VENDOR);
    PciConfigSpace config = endpoint.config();
    msix = new Msix(config, MSIX_BAR, Math.min(type.queues() + 1, Msix.MAX_VECTORS), messages);
    endpoint.memoryBar(MSIX_BAR, Msix.LENGTH, 4, msix);
    endpoint.memoryBar(BAR, BAR_LENGTH, 4, this);
    structure(COMMON_TYPE, CAPABILITY_LENGTH, 0, CommonConfiguration.LENGTH);
    structure(ISR_TYPE, CAPABILITY_LENGTH, ISR, 1);
    int configuration = type.configuration().length;
    // Drivers refuse an empty structure.
    if (configuration > 0) {
      structure(DEVICE_TYPE, CAPABILITY_LENGTH, DEVICE, configuration);
    }
    int notify =
        structure(NOTIFY_TYPE, CAPABILITY_LENGTH + 4, NOTIFY, NOTIFY_MULTIPLIER * type.queues());
    config.define(notify + MORE, 4, NOTIFY_MULTIPLIER, 0);
    window = structure(PCI_TYPE, CAPABILITY_LENGTH + 4, 0, 0);
    config
        .define(window + CAPABILITY_BAR, 1, 0, 0xFF)
        .define(window + OFFSET, 4, 0, -1)
        .define(window + LENGTH, 4, 0, -1);
    transport = new Transport<>(memory, type, new Interrupts());
    transport.hold(true);
    common = new CommonConfiguration(transport, msix.vectors());
    if (transitional) {
      endpoint.ioBar(
          ports,
          LEGACY_BAR,
          LegacyConfiguration.length(type),
          4,
          new LegacyConfiguration(type, transport, common, msix, new Legacy()));
    }
  }

  private final class Legacy implements LegacyConfiguration.Function {
    @Override
    public int takeInterruptStatus() {
      return VirtioPci.this.takeInterruptStatus();
    }

    @Override
    public void enableBusMaster() {
      write(COMMAND, 2, endpoint.read(COMMAND, 2) | BUS_MASTER);
    }
  }

  private int structure(int structureType, int length, int offset, int size) {
    PciConfigSpace config = endpoint.config();
    int at = config.capability(VENDOR_CAPABILITY, length);
    config
        .define(at + LENGTH_TYPE, 2, structureType << 8 | length, 0)
        .define(at + CAPABILITY_BAR, 4, structureType == PCI_TYPE ? 0 : BAR, 0)
        .define(at + OFFSET, 4, offset, 0)
        .define(at + LENGTH, 4, size, 0);
    return at;
  }

  /** How often a driver has broken each rule, since the machine was built. */
  public Map<QueueError, Long> errors() {
    return transport.errors();
  }

  /** By messages when the guest has enabled them, else by INTA# and the ISR register. */
  private final class Interrupts implements Transport.Interrupts {
    @Override
    public void queueUsed(int vector) {
      interrupt(vector, QUEUE_USED);
    }

    @Override
    public void configurationChanged(int vector) {
      interrupt(vector, CONFIGURATION_CHANGED);
    }

    private void interrupt(int vector, int cause) {
      if (msix.enabled()) {
        msix.signal(vector);
      } else {
        setInterruptStatus(cause);
      }
    }
  }

  private synchronized void setInterruptStatus(int cause) {
    isr |= cause;
    endpoint.interrupt(true);
  }

  private synchronized int takeInterruptStatus() {
    int taken = isr;
    isr = 0;
    endpoint.interrupt(false);
    return taken;
  }

  // ---------------------------------------------------------------- configuration space

  @Override
  public int read(int register, int size) {
    if (isWindow(register)) {
      BusDevice device = windowed();
      int length = endpoint.config().read(window + LENGTH, 4);
      return device == null ? -1 : (int) device.read(windowOffset(), length);
    }
    return endpoint.read(register, size);
  }

  @Override
  public void write(int register, int size, int value) {
    if (isWindow(register)) {
      BusDevice device = windowed();
      int length = endpoint.config().read(window + LENGTH, 4);
      if (device != null) {
        device.write(windowOffset(), length, value);
      }
      return;
    }
    endpoint.write(register, size, value);
    msix.update();
    if (msix.enabled()) {
      takeInterruptStatus();
    }
    transport.hold(!endpoint.busMaster());
  }

  private boolean isWindow(int register) {
    return register >= window + MORE && register < window + MORE + 4;
  }

  private int windowOffset() {
    return endpoint.config().read(window + OFFSET, 4);
  }

  /** What the window looks at, or null when its address or length is none. */
  private BusDevice windowed() {
    int length = endpoint.config().read(window + LENGTH, 4);
    boolean whole = length == 1 || length == 2 || length == 4;
    return whole && windowOffset() % length == 0
        ? endpoint.memory(endpoint.config().read(window + CAPABILITY_BAR, 1))
        : null;
  }

  /**
   * Takes it off its buses: nobody reaches it any more, it interrupts nobody and begins no request.
   * Those under way end with a {@link #reset}.
   */
  public void disconnect() {
    endpoint.disconnect();
    transport.hold(true);
  }

  // ---------------------------------------------------------------- memory

  @Override
  public long read(long offset, int size) {
    if (offset >= 0 && offset < CommonConfiguration.LENGTH) {
      return common.read(offset, size);
    }
    if (offset == ISR) {
      return takeInterruptStatus();
    }
    if (offset >= DEVICE && offset < DEVICE + REGION) {
      return bytes(type.configuration(), (int) offset - DEVICE, size);
    }
    return 0;
  }

  /** So many bytes from there on; zeroes behind the end. */
  static long bytes(byte[] configuration, int from, int size) {
    long value = 0;
    for (int i = 0; i < size && from + i < configuration.length; i++) {
      value |= (configuration[from + i] & 0xFFL) << 8 * i;
    }
    return value;
  }

  @Override
  public void write(long offset, int size, long value) {
    if (offset >= 0 && offset < CommonConfiguration.LENGTH) {
      common.write(offset, size, value);
    } else if (offset >= DEVICE && offset < DEVICE + REGION) {
      type.configure((int) offset - DEVICE, size, (int) value);
    } else if (offset >= NOTIFY && offset < NOTIFY + REGION) {
      transport.notified((int) (offset - NOTIFY) / NOTIFY_MULTIPLIER);
    }
  }

  @Override
  public long[] doorbells() {
    long[] offsets = new long[type.queues()];
    Arrays.setAll(offsets, queue -> NOTIFY + (long) NOTIFY_MULTIPLIER * queue);
    return offsets;
  }

  // ---------------------------------------------------------------- state

  /** Waits for the requests under way. */
  @Override
  public State<S> state() {
    Transport.State<S> queues = transport.state();
    synchronized (this) {
      return new State<>(endpoint.state(), msix.state(), queues, common.selected(), isr);
    }
  }

  @Override
  public void restore(State<S> state) {
    transport.check(state.transport);
    endpoint.restore(state.config);
    msix.restore(state.msix);
    common.select(state.selected);
    transport.restore(state.transport);
    synchronized (this) {
      isr = state.interruptStatus;
      endpoint.interrupt(isr != 0);
    }
    transport.hold(!endpoint.busMaster());
  }

  /** Waits for the requests under way. */
  @Override
  public void reset() {
    transport.hold(true);
    transport.reset();
    common.select(new CommonConfiguration.Selected(0, 0, 0));
    msix.reset();
    endpoint.reset();
    takeInterruptStatus();
  }
}
