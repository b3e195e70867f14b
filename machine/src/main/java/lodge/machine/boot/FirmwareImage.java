package lodge.machine.boot;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import lodge.core.GuestMemory;
import lodge.machine.MachineException;
import lodge.machine.MachineException.Kind;

/**
 * Firmware such as SeaBIOS, to be executed from ROM: the image ends at 4 GiB, where processors
 * start, and its last 256 KiB are also seen below 1 MiB.
 *
 * @param content at least 64 KiB, in whole pages
 */
public record FirmwareImage(byte[] content) {
  /** What a processor in real mode sees of it without more ado. */
  private static final int LEAST = 64 << 10;

  /**
   * Reads a file.
   *
   * @throws MachineException when it cannot be read or can be no firmware
   */
  public static FirmwareImage read(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw new MachineException(
            Kind.UNREADABLE, "firmware " + file + ": is a directory, not a file");
      }
      try (InputStream in = Files.newInputStream(file)) {
        return parse(file.toString(), in.readNBytes(GuestMemory.MAX_ROM + 1));
      }
    } catch (NoSuchFileException e) {
      throw new MachineException(
          Kind.UNREADABLE, "firmware " + file + ": there is no such file", e);
    } catch (AccessDeniedException e) {
      throw new MachineException(
          Kind.UNREADABLE, "firmware " + file + ": permission to read it is denied", e);
    } catch (IOException e) {
      throw new MachineException(
          Kind.UNREADABLE, "firmware " + file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static FirmwareImage parse(String name, byte[] content) {
    if (content.length < LEAST
        || content.length > GuestMemory.MAX_ROM
        || content.length % GuestMemory.PAGE_SIZE != 0) {
      throw new MachineException(
          Kind.UNSUPPORTED,
          "firmware "
              + name
              + ": is no ROM image; it must have 64K to "
              + (GuestMemory.MAX_ROM >> 20)
              + "M, in whole pages of 4K");
    }
    return new FirmwareImage(content);
  }
}
