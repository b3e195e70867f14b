package lodge.devices.virtio;

import lodge.core.BusDevice;

/** The common configuration registers of a PCI function (virtio 1.3, 4.1.4.3). */
public final class CommonConfiguration implements BusDevice {
  static final int LENGTH = 64;

  private static final int DEVICE_FEATURE_SELECT = 0;
  private static final int DEVICE_FEATURE = 4;
  private static final int DRIVER_FEATURE_SELECT = 8;
  private static final int DRIVER_FEATURE = 12;
  private static final int CONFIG_MSIX_VECTOR = 16;
  private static final int NUM_QUEUES = 18;
  private static final int DEVICE_STATUS = 20;
  private static final int CONFIG_GENERATION = 21;
  private static final int QUEUE_SELECT = 22;
  private static final int QUEUE_SIZE = 24;
  private static final int QUEUE_MSIX_VECTOR = 26;
  private static final int QUEUE_ENABLE = 28;
  private static final int QUEUE_NOTIFY_OFF = 30;
  private static final int QUEUE_DESC = 32;
  private static final int QUEUE_DRIVER = 40;
  private static final int QUEUE_DEVICE = 48;
  private static final int QUEUE_RESET = 58;

  private final Transport<?> transport;
  private final int vectors;

  // Guarded by transport
  private Selected selected = new Selected(0, 0, 0);

  /** Of which of several the registers tell. */
  public record Selected(int deviceFeature, int driverFeature, int queue) {}

  /**
   * @param vectors how many MSI-X vectors there are
   */
  CommonConfiguration(Transport<?> transport, int vectors) {
    this.transport = transport;
    this.vectors = vectors;
  }

  Selected selected() {
    synchronized (transport) {
      return selected;
    }
  }

  void select(Selected restored) {
    synchronized (transport) {
      selected = restored;
    }
  }

  @Override
  public long read(long offset, int size) {
    synchronized (transport) {
      int register = (int) offset;
      QueueSlot slot = transport.slot(selected.queue);
      if (register >= QUEUE_SIZE && slot == null) {
        return 0;
      }
      return switch (register) {
        case DEVICE_FEATURE_SELECT -> selected.deviceFeature;
        case DEVICE_FEATURE -> transport.offered(selected.deviceFeature);
        case DRIVER_FEATURE_SELECT -> selected.driverFeature;
        case DRIVER_FEATURE -> transport.accepted(selected.driverFeature);
        case CONFIG_MSIX_VECTOR -> transport.configurationVector;
        case NUM_QUEUES -> transport.queues();
        case DEVICE_STATUS -> transport.status();
        case CONFIG_GENERATION -> transport.generation();
        case QUEUE_SELECT -> selected.queue;
        case QUEUE_SIZE -> slot.size;
        case QUEUE_MSIX_VECTOR -> slot.vector;
        case QUEUE_ENABLE -> slot.queue != null && !slot.resetting ? 1 : 0;
        case QUEUE_NOTIFY_OFF -> selected.queue;
        case QUEUE_DESC -> slot.descriptors;
        case QUEUE_DESC + 4 -> slot.descriptors >>> 32;
        case QUEUE_DRIVER -> slot.driver;
        case QUEUE_DRIVER + 4 -> slot.driver >>> 32;
        case QUEUE_DEVICE -> slot.device;
        case QUEUE_DEVICE + 4 -> slot.device >>> 32;
        case QUEUE_RESET -> slot.resetting ? 1 : 0;
        default -> 0;
      };
    }
  }

  @Override
  public void write(long offset, int size, long value) {
    int register = (int) offset;
    int word = (int) value;
    if (register == DEVICE_STATUS) {
      transport.writeStatus(word & 0xFF);
      return;
    }
    QueueSlot slot;
    synchronized (transport) {
      switch (register) {
        case DEVICE_FEATURE_SELECT ->
            selected = new Selected(word, selected.driverFeature, selected.queue);
        case DRIVER_FEATURE_SELECT ->
            selected = new Selected(selected.deviceFeature, word, selected.queue);
        case DRIVER_FEATURE -> transport.accept(selected.driverFeature, word);
        case CONFIG_MSIX_VECTOR -> transport.configurationVector = vector(word);
        case QUEUE_SELECT ->
            selected = new Selected(selected.deviceFeature, selected.driverFeature, word & 0xFFFF);
        default -> {}
      }
      slot = transport.slot(selected.queue);
    }
    if (slot != null) {
      write(slot, register, word);
    }
  }

  private void write(QueueSlot slot, int register, int value) {
    switch (register) {
      case QUEUE_MSIX_VECTOR -> slot.vector = vector(value);
      case QUEUE_ENABLE -> {
        if (value == 1) {
          transport.enable(slot);
        }
      }
      case QUEUE_RESET -> {
        if (value == 1) {
          transport.resetQueue(slot);
        }
      }
      default -> place(slot, register, value);
    }
  }

  /** What says where a queue is can be written until it is enabled. */
  private void place(QueueSlot slot, int register, int value) {
    synchronized (transport) {
      if (slot.queue != null) {
        return;
      }
      switch (register) {
        case QUEUE_SIZE -> slot.size = value & 0xFFFF;
        case QUEUE_DESC -> slot.descriptors = low(slot.descriptors, value);
        case QUEUE_DESC + 4 -> slot.descriptors = high(slot.descriptors, value);
        case QUEUE_DRIVER -> slot.driver = low(slot.driver, value);
        case QUEUE_DRIVER + 4 -> slot.driver = high(slot.driver, value);
        case QUEUE_DEVICE -> slot.device = low(slot.device, value);
        case QUEUE_DEVICE + 4 -> slot.device = high(slot.device, value);
        default -> {}
      }
    }
  }

  /** An address with another lower half. */
  static long low(long address, int half) {
    return address & -1L << 32 | half & 0xFFFF_FFFFL;
  }

  static long high(long address, int half) {
    return address & 0xFFFF_FFFFL | (long) half << 32;
  }

  private int vector(int value) {
    int vector = value & 0xFFFF;
    return vector < vectors ? vector : QueueSlot.NO_VECTOR;
  }
}
