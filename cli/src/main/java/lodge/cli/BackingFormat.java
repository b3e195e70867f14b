package lodge.cli;

import lodge.disk.ImageFormat;
import picocli.CommandLine.Option;

/** The option that says a backing file's format. */
final class BackingFormat {
  @Option(
      names = "-F",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The backing file's format, always needed with one.")
  private ImageFormat format;

  /** Null when it is not said. */
  ImageFormat format() {
    return format;
  }
}
