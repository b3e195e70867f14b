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

  /** Legacy drivers have the used ring begin on a page of its own. */
  private static final long LEGACY_ALIGNMENT = 4096;

  /** One whose parts follow each other as legacy drivers have them (virtio 1.3, 2.7.2). */
  static QueueLayout legacy(int size, long gpa) {
    long driver = gpa + 16L * size;
    long driverEnd = driver + 6 + 2L * size;
    return new QueueLayout(size, gpa, driver, driverEnd + LEGACY_ALIGNMENT - 1 & -LEGACY_ALIGNMENT);
  }

  /** What is wrong with it, if anything. */
  public Optional<QueueError> error(GuestMemory memory, boolean packed) {
    if (size < 1 || size > MAX_SIZE || !packed && (size & size - 1) != 0) {
      return Optional.of(QueueError.RING_SIZE);
    }
    long table = 16L * size;
    long written = packed ? 4 : 6 + 8L * size;
    long read = packed ? 4 : 6 + 2L * size;
    boolean good =
        placed(memory, descriptors, table, 16)
            && placed(memory, driver, read, packed ? 4 : 2)
            && placed(memory, device, written, 4)
            && apart(device, written, descriptors, table)
            && apart(device, written, driver, read);
    return good ? Optional.empty() : Optional.of(QueueError.RING_PLACE);
  }

  /** What the device writes must not look like the driver's next request. */
  private static boolean apart(long one, long length, long other, long otherLength) {
    return one + length <= other || other + otherLength <= one;
  }

  private static boolean placed(GuestMemory memory, long gpa, long length, int alignment) {
    return gpa % alignment == 0 && memory.isRam(gpa, length);
  }
}
