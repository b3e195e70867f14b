package lodge.machine;

import java.util.Objects;
import lodge.core.BlockBackend;

/**
 * A disk of the machine. The machine flushes and closes the backend at its end, or when it is
 * closed without having been started.
 *
 * @param serial what the guest finds as the disk's serial number: at most 20 ASCII characters
 */
public record Drive(BlockBackend backend, Kind kind, String serial) {
  private static final int SERIAL_LENGTH = 20;

  /** As what the guest sees it. */
  public enum Kind {
    /** A virtio block device on the PCI bus. */
    VIRTIO_DISK,
    /** A hard disk at an IDE controller. */
    IDE_DISK,
    /** A CD-ROM drive at an IDE controller. */
    IDE_CDROM
  }

  /**
   * @throws MachineException when no disk can have the serial number
   */
  public Drive {
    Objects.requireNonNull(backend);
    Objects.requireNonNull(kind);
    if (serial.length() > SERIAL_LENGTH || !serial.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      throw new MachineException(
          MachineException.Kind.INVALID,
          "drive serial '" + serial + "': must be at most 20 printable ASCII characters");
    }
  }
}
