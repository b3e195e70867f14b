package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import lodge.disk.Access;
import lodge.disk.DiskException;
import lodge.disk.DiskImage;
import lodge.disk.ImageFormat;
import picocli.CommandLine.Option;

/** The option that says an image's format, which is looked for in the file otherwise. */
final class SourceFormat {
  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The image's format; without this what its first bytes look like.")
  private ImageFormat format;

  ImageFormat of(Path file) throws DiskException {
    return ImageFormatName.of(format, file);
  }

  DiskImage open(Path file, Access access) throws IOException {
    return of(file).open(file, access);
  }
}
