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
  private static final int QUEUE_ADDRESSES_END = 56;
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

  void selectQueue(int number) {
    synchronized (transport) {
      selected = new Selected(selected.deviceFeature, selected.driverFeature, number);
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
        case QUEUE_RESET -> slot.resetting ? 1 : 0;
        default -> isAddress(register) ? slot.half(register - QUEUE_DESC >> 2) : 0;
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
        case QUEUE_SELECT -> selectQueue(word & 0xFFFF);
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
      case QUEUE_SIZE -> transport.size(slot, value);
      default -> {
        if (isAddress(register)) {
          transport.place(slot, register - QUEUE_DESC >> 2, value);
        }
      }
    }
  }

  /** Six registers of 4 bytes: the halves of descriptors, driver area and device area. */
  private static boolean isAddress(int register) {
    return register >= QUEUE_DESC && register < QUEUE_ADDRESSES_END && (register & 3) == 0;
  }

  /** The vector that a driver has written, or none when there is no such vector. */
  int vector(int value) {
    int vector = value & 0xFFFF;
    return vector < vectors ? vector : QueueSlot.NO_VECTOR;
  }
}
