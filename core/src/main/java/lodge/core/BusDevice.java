package lodge.core;

/**
 * What answers on a bus. A device sees the offset into the range it was mapped at, never its
 * address. Values travel in the low {@code size} bytes of a long; what stands above them is ignored
 * on both ways. A device never throws: registers that do not exist read as all ones and ignore
 * writes.
 */
public interface BusDevice {
  /** What a device without doorbells has. */
  long[] NO_DOORBELLS = {};

  /**
   * @param offset bytes from the start of the device's range
   * @param size 1, 2, 4 or (memory only) 8, never more than the access size it was mapped with
   */
  long read(long offset, int size);

  void write(long offset, int size, long value);

  /**
   * Offsets where a write of 16 bits only tells that there is something to do, whatever its value:
   * several may be one, and who writes need not wait until the device knows. Always the same.
   */
  default long[] doorbells() {
    return NO_DOORBELLS;
  }
}
