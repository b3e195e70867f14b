package lodge.cli;

import lodge.disk.ImageFormat;
import picocli.CommandLine.Option;

/** The option that says the format of an image with a backing file. */
final class FrontFormat {
  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The image's format, qcow2: no other has a backing file.")
  private ImageFormat format = ImageFormat.QCOW2;

  void check() {
    ImageFormatName.requireBacking(format);
  }
}
