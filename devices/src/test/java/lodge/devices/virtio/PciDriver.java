package lodge.devices.virtio;

import java.util.HashMap;
import java.util.Map;
import lodge.core.MmioBus;
import lodge.devices.PciFunction;

/** Finds and drives a virtio function as a guest's PCI driver does. */
final class PciDriver {
  static final int COMMON = 1;
  static final int NOTIFY = 2;
  static final int ISR = 3;
  static final int DEVICE = 4;
  static final int WINDOW = 5;

  static final int ACKNOWLEDGE = 1;
  static final int DRIVER = 2;
  static final int DRIVER_OK = 4;
  static final int FEATURES_OK = 8;
  static final int NEEDS_RESET = 64;

  private static final long MEMORY = 0xD000_0000L;

  final PciFunction function;
  private final MmioBus bus;

  /** By structure type, the registers of its capability. */
  final Map<Integer, Integer> capabilities = new HashMap<>();

  int msix;

  PciDriver(PciFunction function, MmioBus bus) {
    this.function = function;
    this.bus = bus;
    for (int at = function.read(0x34, 1); at != 0; at = function.read(at + 1, 1)) {
      if (function.read(at, 1) == 9) {
        capabilities.put(function.read(at + 3, 1), at);
      } else {
        msix = at;
      }
    }
    for (int bar = 0; bar < 6; bar++) {
      function.write(0x10 + 4 * bar, 4, -1);
      if (function.read(0x10 + 4 * bar, 4) != 0) {
        function.write(0x10 + 4 * bar, 4, (int) (MEMORY + 0x1_0000 * bar));
      }
    }
    function.write(4, 2, 6);
  }

  long bar(int number) {
    return function.read(0x10 + 4 * number, 4) & 0xFFFF_FFF0L;
  }

  private long place(int structure) {
    int at = capabilities.get(structure);
    return bar(function.read(at + 4, 1)) + function.read(at + 8, 4);
  }

  long read(int structure, int offset, int size) {
    return bus.read(place(structure) + offset, size);
  }

  void write(int structure, int offset, int size, long value) {
    bus.write(place(structure) + offset, size, value);
  }

  int status() {
    return (int) read(COMMON, 20, 1);
  }

  void status(int value) {
    write(COMMON, 20, 1, value);
  }

  long offered() {
    long features = 0;
    for (int i = 0; i < 2; i++) {
      write(COMMON, 0, 4, i);
      features |= read(COMMON, 4, 4) << 32 * i;
    }
    return features;
  }

  void accept(long features) {
    for (int i = 0; i < 2; i++) {
      write(COMMON, 8, 4, i);
      write(COMMON, 12, 4, features >>> 32 * i);
    }
  }

  /** From reset to accepted features. */
  void negotiate(long features) {
    status(0);
    status(ACKNOWLEDGE);
    status(ACKNOWLEDGE | DRIVER);
    accept(features);
    status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
  }

  void run() {
    status(status() | DRIVER_OK);
  }

  void select(int queue) {
    write(COMMON, 22, 2, queue);
  }

  void enable(int queue, QueueLayout layout) {
    select(queue);
    write(COMMON, 24, 2, layout.size());
    write(COMMON, 32, 8, layout.descriptors());
    write(COMMON, 40, 8, layout.driver());
    write(COMMON, 48, 8, layout.device());
    write(COMMON, 28, 2, 1);
  }

  void notifyOf(int queue) {
    select(queue);
    int multiplier = function.read(capabilities.get(NOTIFY) + 16, 4);
    write(NOTIFY, (int) read(COMMON, 30, 2) * multiplier, 2, queue);
  }

  /** Unmasks a vector of MSI-X and makes it a vector of processor 0. */
  void message(int number, int vector) {
    function.write(msix + 2, 2, 1 << 15);
    long entry = bar(function.read(msix + 4, 4) & 7) + 16 * number;
    bus.write(entry, 4, 0xFEE0_0000L);
    bus.write(entry + 4, 4, 0);
    bus.write(entry + 8, 4, vector);
    bus.write(entry + 12, 4, 0);
  }
}
