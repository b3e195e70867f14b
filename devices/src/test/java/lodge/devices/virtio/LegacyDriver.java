package lodge.devices.virtio;

import lodge.core.GuestMemory;
import lodge.core.PortBus;
import lodge.devices.PciFunction;

/** Drives a virtio function through its ports as drivers from before virtio 1.0 do. */
final class LegacyDriver {
  static final int FEATURES = 0;
  static final int ACCEPTED = 4;
  static final int ADDRESS = 8;
  static final int SIZE = 12;
  static final int SELECT = 14;
  static final int NOTIFY = 16;
  static final int STATUS = 18;
  static final int ISR = 19;

  static final int BASE = 0xC100;

  private final PciFunction function;
  private final PortBus ports;

  LegacyDriver(PciFunction function, PortBus ports) {
    this.function = function;
    this.ports = ports;
    function.write(0x10, 4, BASE);
    function.write(4, 2, 1);
  }

  int in(int register, int size) {
    return ports.read(BASE + register, size);
  }

  void out(int register, int size, int value) {
    ports.write(BASE + register, size, value);
  }

  /** From reset to the driver's features. */
  void negotiate(long features) {
    out(STATUS, 1, 0);
    out(STATUS, 1, 1);
    out(STATUS, 1, 3);
    out(ACCEPTED, 4, (int) features);
  }

  /** Says where a queue of the device's size is, which begins at a page. */
  SplitDriver enable(GuestMemory memory, int number, long gpa, long features) {
    out(SELECT, 2, number);
    int size = in(SIZE, 2);
    // As in virtio 1.3, 2.7.2: vring_init with an alignment of 4096.
    long used = gpa + 16L * size + 2L * (3 + size) + 4095 & -4096;
    QueueLayout layout = new QueueLayout(size, gpa, gpa + 16L * size, used);
    SplitDriver queue = new SplitDriver(memory, layout, features);
    out(ADDRESS, 4, (int) (gpa >> 12));
    return queue;
  }

  void run() {
    out(STATUS, 1, 7);
  }

  void enableMsix() {
    for (int at = function.read(0x34, 1); at != 0; at = function.read(at + 1, 1)) {
      if (function.read(at, 1) == 0x11) {
        function.write(at + 2, 2, 1 << 15);
      }
    }
  }
}
