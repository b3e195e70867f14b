package lodge.machine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lodge.machine.MachineException.Kind;

/** Reads initial RAM disks and lays them end to end. */
final class Initrd {
  private Initrd() {}

  /** An archive must begin at a multiple of this many bytes (Linux initramfs-buffer-format.rst). */
  private static final int ALIGNMENT = 4;

  /**
   * @param parts files ({@link Path}) or images ({@code byte[]})
   * @param limit most bytes in all: what is longer cannot fit into the guest
   */
  static byte[] concatenate(List<Object> parts, long limit) {
    List<byte[]> images = new ArrayList<>();
    long total = 0;
    for (Object part : parts) {
      byte[] image = part instanceof Path file ? read(file, limit) : (byte[]) part;
      total = aligned(total) + image.length;
      if (total > limit) {
        throw tooLong(part instanceof Path file ? file.toString() : "in memory", limit);
      }
      images.add(image);
    }
    if (images.size() == 1) {
      return images.getFirst();
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream((int) total);
    for (byte[] image : images) {
      all.writeBytes(new byte[(int) (aligned(all.size()) - all.size())]);
      all.writeBytes(image);
    }
    return all.toByteArray();
  }

  private static long aligned(long length) {
    return length + ALIGNMENT - 1 & -ALIGNMENT;
  }

  private static byte[] read(Path file, long limit) {
    try {
      if (Files.isDirectory(file)) {
        throw new MachineException(
            Kind.UNREADABLE, "initrd " + file + ": is a directory, not a file");
      }
      try (InputStream in = Files.newInputStream(file)) {
        if (Files.isRegularFile(file) && Files.size(file) > limit) {
          throw tooLong(file.toString(), limit);
        }
        byte[] bytes = in.readNBytes((int) limit + 1);
        if (bytes.length > limit) {
          throw tooLong(file.toString(), limit);
        }
        return bytes;
      }
    } catch (NoSuchFileException e) {
      throw new MachineException(Kind.UNREADABLE, "initrd " + file + ": there is no such file", e);
    } catch (AccessDeniedException e) {
      throw new MachineException(
          Kind.UNREADABLE, "initrd " + file + ": permission to read it is denied", e);
    } catch (IOException e) {
      throw new MachineException(
          Kind.UNREADABLE, "initrd " + file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static MachineException tooLong(String what, long limit) {
    return new MachineException(
        Kind.DOES_NOT_FIT,
        "initrd "
            + what
            + ": does not fit: a machine with this memory takes less than "
            + (limit >> 20)
            + "M");
  }
}
