package lodge.core;

/**
 * The 64 Ki I/O ports. Ports that nobody owns read as all ones and ignore writes. An access that is
 * wider than its device takes, or that passes the device's end, is split into byte accesses, as an
 * ISA bridge does.
 *
 * <p>Devices are mapped before the machine starts; accesses come from any vCPU thread.
 */
public final class PortBus {
  private record Mapping(int base, int maxSize, BusDevice device) {}

  private final Mapping[] ports = new Mapping[1 << 16];

  /**
   * Gives ports {@code [base, base + length)} to a device.
   *
   * @param maxSize widest access the device takes: 1, 2 or 4 bytes
   * @throws IllegalArgumentException when a port of the range is taken
   */
  public void map(int base, int length, int maxSize, BusDevice device) {
    Mapping mapping = new Mapping(base, maxSize, device);
    for (int port = base; port < base + length; port++) {
      if (ports[port] != null) {
        throw new IllegalArgumentException("I/O port 0x" + Integer.toHexString(port) + " is taken");
      }
      ports[port] = mapping;
    }
  }

  /**
   * @param port 0 to 0xFFFF
   * @param size 1, 2 or 4
   * @return the value, zero-extended
   */
  public int read(int port, int size) {
    Mapping mapping = ports[port & 0xFFFF];
    if (mapping != null
        && size <= mapping.maxSize
        && ports[(port + size - 1) & 0xFFFF] == mapping) {
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
    Mapping mapping = ports[port & 0xFFFF];
    if (mapping != null
        && size <= mapping.maxSize
        && ports[(port + size - 1) & 0xFFFF] == mapping) {
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
