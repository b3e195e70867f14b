package lodge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lodge.core.BlockBackend;
import lodge.disk.DiskImage;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
import lodge.disk.Qcow2Options;

/** What is written to a disk for as long as it is open, and in no file that has a name. */
final class Overlay {
  private Overlay() {}

  /** Opens an image that is only read, and keeps what is written elsewhere until it is closed. */
  static DiskImage over(Path image, ImageFormat format, Path folder) throws IOException {
    long size;
    try (BlockBackend below = format.open(image, true)) {
      size = below.size();
    }
    Files.createDirectories(folder);
    Path home = Files.createTempDirectory(folder.toAbsolutePath(), ".ephemeral-");
    Path file = home.resolve("disk.qcow2");
    try {
      Qcow2Image.create(
          file, Qcow2Options.ofSize(size).withBacking(image.toAbsolutePath().toString(), format));
      return Qcow2Image.open(file, false);
    } finally {
      // Whoever has the file open keeps it, and however Lodge ends, nothing stays behind.
      Files.deleteIfExists(file);
      Files.delete(home);
    }
  }
}
