package lodge.devices.virtio;

import java.util.Map;
import lodge.core.BusDevice;
import lodge.core.GuestMemory;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/** A virtio device as {@link #LENGTH} bytes of memory and an interrupt (virtio 1.3, 4.2). */
public final class VirtioMmio<S extends Record>
    implements BusDevice, Stateful<VirtioMmio.State<S>> {
  public static final int LENGTH = 0x200;

  private static final int MAGIC_VALUE = 0x000;
  private static final int VERSION = 0x004;
  private static final int DEVICE_ID = 0x008;
  private static final int VENDOR_ID = 0x00C;
  private static final int DEVICE_FEATURES = 0x010;
  private static final int DEVICE_FEATURES_SEL = 0x014;
  private static final int DRIVER_FEATURES = 0x020;
  private static final int DRIVER_FEATURES_SEL = 0x024;
  private static final int QUEUE_SEL = 0x030;
  private static final int QUEUE_SIZE_MAX = 0x034;
  private static final int QUEUE_SIZE = 0x038;
  private static final int QUEUE_READY = 0x044;
  private static final int QUEUE_NOTIFY = 0x050;
  private static final int INTERRUPT_STATUS = 0x060;
  private static final int INTERRUPT_ACK = 0x064;
  private static final int STATUS = 0x070;
  private static final int QUEUE_DESC = 0x080;
  private static final int QUEUE_DRIVER = 0x090;
  private static final int QUEUE_DEVICE = 0x0A0;
  private static final int SHM_LEN = 0x0B0;
  private static final int SHM_BASE_HIGH = 0x0BC;
  private static final int QUEUE_RESET = 0x0C0;
  private static final int CONFIG_GENERATION = 0x0FC;
  private static final int CONFIG = 0x100;

  private static final int MAGIC = 0x7472_6976;
  private static final int VENDOR = 0x1AF4;
  private static final int QUEUE_USED = 1;
  private static final int CONFIGURATION_CHANGED = 1 << 1;

  private final VirtioDevice<S> type;
  private final InterruptLine line;
  private final Transport<S> transport;

  // Guarded by transport
  private CommonConfiguration.Selected selected = new CommonConfiguration.Selected(0, 0, 0);

  private int interruptStatus;

  /** All of it. */
  public record State<S extends Record>(
      Transport.State<S> transport, CommonConfiguration.Selected selected, int interruptStatus) {}

  /**
   * @param line its interrupt, level-triggered
   */
  public VirtioMmio(GuestMemory memory, InterruptLine line, VirtioDevice<S> type) {
    this.type = type;
    this.line = line;
    this.transport =
        new Transport<>(
            memory,
            type,
            new Transport.Interrupts() {
              @Override
              public void queueUsed(int vector) {
                interrupt(QUEUE_USED);
              }

              @Override
              public void configurationChanged(int vector) {
                interrupt(CONFIGURATION_CHANGED);
              }
            });
  }

  /** How often a driver has broken each rule, since the machine was built. */
  public Map<QueueError, Long> errors() {
    return transport.errors();
  }

  private synchronized void interrupt(int cause) {
    interruptStatus |= cause;
    line.set(true);
  }

  private synchronized void acknowledge(int causes) {
    interruptStatus &= ~causes;
    line.set(interruptStatus != 0);
  }

  private synchronized int interruptStatus() {
    return interruptStatus;
  }

  @Override
  public long read(long offset, int size) {
    if (offset >= CONFIG && offset < LENGTH) {
      return VirtioPci.bytes(type.configuration(), (int) offset - CONFIG, size);
    }
    if (size != 4) {
      return 0;
    }
    int register = (int) offset;
    if (register == INTERRUPT_STATUS) {
      return interruptStatus();
    }
    // No shared memory region exists: its length reads as -1.
    if (register >= SHM_LEN && register <= SHM_BASE_HIGH) {
      return -1;
    }
    synchronized (transport) {
      QueueSlot slot = transport.slot(selected.queue());
      return switch (register) {
        case MAGIC_VALUE -> MAGIC;
        case VERSION -> 2;
        case DEVICE_ID -> type.type();
        case VENDOR_ID -> VENDOR;
        case DEVICE_FEATURES -> transport.offered(selected.deviceFeature());
        case QUEUE_SIZE_MAX -> slot == null ? 0 : type.queueSize();
        case QUEUE_READY -> slot != null && slot.queue != null && !slot.resetting ? 1 : 0;
        case QUEUE_RESET -> slot != null && slot.resetting ? 1 : 0;
        case STATUS -> transport.status();
        case CONFIG_GENERATION -> transport.generation();
        default -> 0;
      };
    }
  }

  @Override
  public void write(long offset, int size, long value) {
    int word = (int) value;
    if (offset >= CONFIG && offset < LENGTH) {
      type.configure((int) offset - CONFIG, size, word);
      return;
    }
    if (size != 4) {
      return;
    }
    int register = (int) offset;
    switch (register) {
      case QUEUE_NOTIFY -> transport.notified(word);
      case INTERRUPT_ACK -> acknowledge(word);
      case STATUS -> transport.writeStatus(word & 0xFF);
      default -> select(register, word);
    }
    if (register == STATUS && word == 0) {
      acknowledge(-1);
    }
  }

  private void select(int register, int value) {
    QueueSlot slot;
    synchronized (transport) {
      switch (register) {
        case DEVICE_FEATURES_SEL ->
            selected =
                new CommonConfiguration.Selected(value, selected.driverFeature(), selected.queue());
        case DRIVER_FEATURES_SEL ->
            selected =
                new CommonConfiguration.Selected(selected.deviceFeature(), value, selected.queue());
        case QUEUE_SEL ->
            selected =
                new CommonConfiguration.Selected(
                    selected.deviceFeature(), selected.driverFeature(), value);
        case DRIVER_FEATURES -> transport.accept(selected.driverFeature(), value);
        default -> {}
      }
      slot = transport.slot(selected.queue());
    }
    if (slot != null) {
      write(slot, register, value);
    }
  }

  private void write(QueueSlot slot, int register, int value) {
    switch (register) {
      case QUEUE_READY -> {
        if (value == 1) {
          transport.enable(slot);
        } else if (value == 0) {
          transport.stop(slot);
        }
      }
      case QUEUE_RESET -> {
        if (value == 1) {
          transport.resetQueue(slot);
        }
      }
      case QUEUE_SIZE -> transport.size(slot, value);
      case QUEUE_DESC -> transport.place(slot, 0, value);
      case QUEUE_DESC + 4 -> transport.place(slot, 1, value);
      case QUEUE_DRIVER -> transport.place(slot, 2, value);
      case QUEUE_DRIVER + 4 -> transport.place(slot, 3, value);
      case QUEUE_DEVICE -> transport.place(slot, 4, value);
      case QUEUE_DEVICE + 4 -> transport.place(slot, 5, value);
      default -> {}
    }
  }

  /** Waits for the requests under way. */
  @Override
  public State<S> state() {
    Transport.State<S> queues = transport.state();
    synchronized (transport) {
      return new State<>(queues, selected, interruptStatus());
    }
  }

  @Override
  public void restore(State<S> state) {
    transport.restore(state.transport);
    synchronized (transport) {
      selected = state.selected;
    }
    acknowledge(-1);
    if (state.interruptStatus != 0) {
      interrupt(state.interruptStatus);
    }
  }

  /** Waits for the requests under way. */
  @Override
  public void reset() {
    transport.reset();
    synchronized (transport) {
      selected = new CommonConfiguration.Selected(0, 0, 0);
    }
    acknowledge(-1);
  }
}
