package lodge.devices.virtio;

import lodge.core.BusDevice;
import lodge.devices.Msix;

/**
 * The registers of a PCI function in I/O space, for drivers from before virtio 1.0 (virtio 1.3,
 * 4.1.4.10): one header, then the device's configuration. The vectors are only there while MSI-X is
 * enabled, and the configuration moves with them. Such drivers negotiate 32 features without saying
 * so, cannot choose a queue's size, tell its place by a page's number, and do not wait for a reset.
 */
final class LegacyConfiguration implements BusDevice {
  private static final int DEVICE_FEATURES = 0;
  private static final int DRIVER_FEATURES = 4;
  private static final int QUEUE_ADDRESS = 8;
  private static final int QUEUE_SIZE = 12;
  private static final int QUEUE_SELECT = 14;
  private static final int QUEUE_NOTIFY = 16;
  private static final int DEVICE_STATUS = 18;
  private static final int ISR_STATUS = 19;
  private static final int CONFIG_MSIX_VECTOR = 20;
  private static final int QUEUE_MSIX_VECTOR = 22;
  private static final int HEADER = 20;
  private static final int HEADER_WITH_VECTORS = 24;

  private static final int PAGE_SHIFT = 12;
  private static final int ACKNOWLEDGE_AND_DRIVER = 3;

  private final VirtioDevice<?> type;
  private final Transport<?> transport;
  private final CommonConfiguration common;
  private final Msix msix;
  private final Function function;

  /** What the registers want of the function. */
  interface Function {
    /** Returns the ISR status, which is 0 then, and takes INTA# back. */
    int takeInterruptStatus();

    void enableBusMaster();
  }

  /**
   * @param common whose choice of a queue this shares
   */
  LegacyConfiguration(
      VirtioDevice<?> type,
      Transport<?> transport,
      CommonConfiguration common,
      Msix msix,
      Function function) {
    this.type = type;
    this.transport = transport;
    this.common = common;
    this.msix = msix;
    this.function = function;
  }

  /** How many ports a device needs: a power of 2. */
  static int length(VirtioDevice<?> type) {
    int used = HEADER_WITH_VECTORS + type.configuration().length;
    return Integer.highestOneBit(used - 1) << 1;
  }

  private int header() {
    return msix.enabled() ? HEADER_WITH_VECTORS : HEADER;
  }

  @Override
  public long read(long offset, int size) {
    int register = (int) offset;
    int header = header();
    if (register >= header) {
      return VirtioPci.bytes(type.configuration(), register - header, size);
    }
    if (register == ISR_STATUS) {
      return function.takeInterruptStatus();
    }
    synchronized (transport) {
      QueueSlot slot = transport.slot(common.selected().queue());
      return switch (register) {
        case DEVICE_FEATURES -> transport.offered(0);
        case DRIVER_FEATURES -> transport.accepted(0);
        case QUEUE_ADDRESS ->
            slot == null || slot.queue == null ? 0 : slot.queue.layout.descriptors() >>> PAGE_SHIFT;
        case QUEUE_SIZE -> slot == null ? 0 : type.queueSize();
        case QUEUE_SELECT -> common.selected().queue();
        case DEVICE_STATUS -> transport.status();
        case CONFIG_MSIX_VECTOR -> transport.configurationVector;
        case QUEUE_MSIX_VECTOR -> slot == null ? QueueSlot.NO_VECTOR : slot.vector;
        default -> 0;
      };
    }
  }

  @Override
  public void write(long offset, int size, long value) {
    int register = (int) offset;
    int word = (int) value;
    int header = header();
    if (register >= header) {
      type.configure(register - header, size, word);
      return;
    }
    switch (register) {
      case DRIVER_FEATURES -> transport.acceptLegacy(word);
      case QUEUE_NOTIFY -> transport.notified(word & 0xFFFF);
      case DEVICE_STATUS -> writeStatus(word & 0xFF);
      case QUEUE_SELECT -> common.selectQueue(word & 0xFFFF);
      case CONFIG_MSIX_VECTOR -> transport.configurationVector = common.vector(word);
      default -> {
        QueueSlot slot;
        synchronized (transport) {
          slot = transport.slot(common.selected().queue());
        }
        if (slot != null) {
          write(slot, register, word);
        }
      }
    }
  }

  private void write(QueueSlot slot, int register, int value) {
    if (register == QUEUE_MSIX_VECTOR) {
      slot.vector = common.vector(value);
    } else if (register == QUEUE_ADDRESS && value == 0) {
      transport.stopLegacy(slot);
    } else if (register == QUEUE_ADDRESS) {
      transport.enableLegacy(slot, (value & 0xFFFF_FFFFL) << PAGE_SHIFT);
    }
  }

  private void writeStatus(int value) {
    transport.writeLegacyStatus(value);
    if (value == 0) {
      function.takeInterruptStatus();
    } else if (value == ACKNOWLEDGE_AND_DRIVER) {
      // Linux before 2.6.34 does not, though it expects the device to reach memory.
      function.enableBusMaster();
    }
  }
}
