package lodge.devices;

/**
 * One function's configuration space on the PCI bus (PCI Local Bus Specification 3.0, chapter 6).
 */
public interface PciFunction {
  /**
   * @param register 0 to 255
   * @param size 1, 2 or 4 bytes, all of them in the same aligned 4 bytes
   */
  int read(int register, int size);

  void write(int register, int size, int value);
}
