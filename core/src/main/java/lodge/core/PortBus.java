package lodge.core;

import java.util.Arrays;

/**
 * The 64 Ki I/O ports. Ports that nobody owns read as all ones and ignore writes. An access that is
 * wider than its device takes, or that passes the device's end, is split into byte accesses, as an
 * ISA bridge does.
 *
 * <p>Chips are mapped before the machine starts. What the guest itself places, such as the ports of
 * PCI functions, comes and goes while it runs, and is seen where nothing else is. Accesses come
 * from any vCPU thread.
 */
public final class PortBus {
  private record Mapping(int base, int length, int maxSize, BusDevice device) {}

  private final Mapping[] ports = new Mapping[1 << 16];

  /** What the guest has placed. */
  private volatile Mapping[] placed = {};

  /**
   * Gives ports {@code [base, base + length)} to a device.
   *
   * @param maxSize widest access the device takes: 1, 2 or 4 bytes
   * @throws IllegalArgumentException when a port of the range is taken
   */
  public void map(int base, int length, int maxSize, BusDevice device) {
    Mapping mapping = new Mapping(base, length, maxSize, device);
    for (int port = base; port < base + length; port++) {
      if (ports[port] != null) {
        throw new IllegalArgumentException("I/O port 0x" + Integer.toHexString(port) + " is taken");
      }
      ports[port] = mapping;
    }
  }

  /**
   * Gives ports to a device as long as it is not moved again. Where others were before, they stay.
   */
  public synchronized void move(int base, int length, int maxSize, BusDevice device) {
    remove(device);
    Mapping[] grown = Arrays.copyOf(placed, placed.length + 1);
    grown[placed.length] = new Mapping(base, length, maxSize, device);
    placed = grown;
  }

  /** Takes from a device the ports that it was moved to. */
  public synchronized void remove(BusDevice device) {
    placed = Arrays.stream(placed).filter(m -> m.device != device).toArray(Mapping[]::new);
  }

  private Mapping find(int port) {
    Mapping mapping = ports[port & 0xFFFF];
    return mapping != null ? mapping : findPlaced(port & 0xFFFF);
  }

  private Mapping findPlaced(int port) {
    for (Mapping mapping : placed) {
      if (port >= mapping.base && port < mapping.base + mapping.length) {
        return mapping;
      }
    }
    return null;
  }

  /**
   * @param port 0 to 0xFFFF
   * @param size 1, 2 or 4
   * @return the value, zero-extended
   */
  public int read(int port, int size) {
    Mapping mapping = find(port);
    if (mapping != null && size <= mapping.maxSize && find(port + size - 1) == mapping) {
      return (int) (mapping.device.read(port - mapping.base, size) & mask(size));
    }
    if (size == 1) {
      return 0xFF;
    }
    int value = 0;
    for (int i = 0; i < size; i++) {
      value |= read((port + i) & 0xFFFF, 1) << 8 * i;
    }
    return value;
  }

  public void write(int port, int size, int value) {
    Mapping mapping = find(port);
    if (mapping != null && size <= mapping.maxSize && find(port + size - 1) == mapping) {
      mapping.device.write(port - mapping.base, size, value & mask(size));
    } else if (size > 1) {
      for (int i = 0; i < size; i++) {
        write((port + i) & 0xFFFF, 1, value >>> 8 * i);
      }
    }
  }

  private static long mask(int size) {
    return (1L << 8 * size) - 1;
  }
}
