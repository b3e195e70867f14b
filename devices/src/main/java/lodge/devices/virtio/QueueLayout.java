package lodge.devices.virtio;

import java.util.Optional;
import lodge.core.GuestMemory;

/**
 * Where the driver has put a queue (virtio 1.3, 2.6).
 *
 * @param size in descriptors
 * @param descriptors descriptor table, or the packed ring
 * @param driver area that the driver writes: available ring, or event suppression
 * @param device area that the device writes: used ring, or event suppression
 */
public record QueueLayout(int size, long descriptors, long driver, long device) {
  /** Packed rings count in 15 bits, split rings in 16. */
  static final int MAX_SIZE = 1 << 15;

  /** What is wrong with it, if anything. */
  public Optional<QueueError> error(GuestMemory memory, boolean packed) {
    if (size < 1 || size > MAX_SIZE || !packed && (size & size - 1) != 0) {
      return Optional.of(QueueError.RING_SIZE);
    }
    boolean placed =
        packed
            ? placed(memory, descriptors, 16L * size, 16)
                && placed(memory, driver, 4, 4)
                && placed(memory, device, 4, 4)
            : placed(memory, descriptors, 16L * size, 16)
                && placed(memory, driver, 6 + 2L * size, 2)
                && placed(memory, device, 6 + 8L * size, 4);
    return placed ? Optional.empty() : Optional.of(QueueError.RING_PLACE);
  }

  private static boolean placed(GuestMemory memory, long gpa, long length, int alignment) {
    return gpa % alignment == 0 && memory.isRam(gpa, length);
  }
}
