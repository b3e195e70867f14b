package lodge.devices;

/** One function's configuration space on the PCI bus (PCI Local Bus Specification 3.0, chapter 6). */
public interface PciFunction {
  /**
   * @param register 0 to 255, aligned to {@code size}
   * @param size 1, 2 or 4
   */
  int read(int register, int size);

  void write(int register, int size, int value);
}
