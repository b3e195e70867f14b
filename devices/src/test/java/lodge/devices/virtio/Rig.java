package lodge.devices.virtio;

import java.util.List;
import java.util.function.Function;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.devices.virtio.DriverQueue.Piece;
import lodge.devices.virtio.DriverQueue.Used;

/** A virtio device of any type behind PCI, with a driver of as many queues as it has. */
final class Rig<S extends Record> implements AutoCloseable {
  static final int QUEUE_SIZE = 16;

  /** Memory from here on is free for buffers. */
  static final long DATA = 0x30_0000;

  private static final long RINGS = 0x10_0000;
  private static final long RING_STRIDE = 0x2_0000;
  private static final int CONFIGURATION_VECTOR = 0x40;

  final GuestMemory memory = GuestMemory.allocate(4 << 20);
  final MmioBus bus = new MmioBus();
  final PortBus ports = new PortBus();
  final VirtioPci<S> pci;
  PciDriver driver;
  DriverQueue[] queues;
  volatile int interrupts;
  volatile int configurationInterrupts;

  Rig(VirtioDevice<S> type) {
    this(_ -> type);
  }

  Rig(Function<GuestMemory, VirtioDevice<S>> type) {
    pci =
        new VirtioPci<>(
            memory,
            bus,
            ports,
            _ -> {},
            (destination, logical, mode, vector, level, assertFlag) -> {
              if (vector == CONFIGURATION_VECTOR) {
                configurationInterrupts++;
              } else {
                interrupts++;
              }
            },
            type.apply(memory));
  }

  /** The driver begins, or begins again. */
  void start(long features) {
    driver = new PciDriver(pci, bus);
    driver.negotiate(features | Features.VERSION_1);
    driver.message(0, CONFIGURATION_VECTOR);
    driver.write(PciDriver.COMMON, 16, 2, 0);
    queues = new DriverQueue[(int) driver.read(PciDriver.COMMON, 18, 2)];
    for (int i = 0; i < queues.length; i++) {
      queues[i] = DriverQueue.of(memory, RINGS + RING_STRIDE * i, QUEUE_SIZE, features);
      driver.enable(i, queues[i].layout);
      driver.message(1 + i, 0x50 + i);
      driver.write(PciDriver.COMMON, 26, 2, 1 + i);
    }
    driver.run();
  }

  /** Makes a buffer available and tells the device. @return its token */
  int add(int queue, Piece... pieces) {
    int token = queues[queue].add(List.of(pieces), false);
    driver.notifyOf(queue);
    return token;
  }

  /** What the device has used since, or null. */
  Used poll(int queue) {
    return queues[queue].poll();
  }

  /** The device reads these bytes. */
  Piece out(int at, byte... bytes) {
    memory.put(DATA + at, bytes, 0, bytes.length);
    return new Piece(DATA + at, bytes.length, false);
  }

  /** The device writes here. */
  static Piece in(int at, int length) {
    return new Piece(DATA + at, length, true);
  }

  byte[] data(int at, int length) {
    byte[] bytes = new byte[length];
    memory.get(DATA + at, bytes, 0, length);
    return bytes;
  }

  long configuration(int offset, int size) {
    return driver.read(PciDriver.DEVICE, offset, size);
  }

  boolean needsReset() {
    return (driver.status() & PciDriver.NEEDS_RESET) != 0;
  }

  /** No thread is in the memory any more when it goes. */
  @Override
  public void close() {
    pci.reset();
    memory.close();
  }
}
