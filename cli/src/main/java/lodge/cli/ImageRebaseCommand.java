package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lodge image rebase}. */
@Command(
    name = "rebase",
    description = "Puts another backing file behind an image, which shows what it did before.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false)
final class ImageRebaseCommand implements Callable<Integer> {
  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The image's format, qcow2: no other has a backing file.")
  private ImageFormat format = ImageFormat.QCOW2;

  @Option(
      names = "-b",
      required = true,
      paramLabel = "FILE",
      description = "The new backing file, relative to the image; '' for none.")
  private String backing;

  @Option(
      names = "-F",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The backing file's format, always needed with one.")
  private ImageFormat backingFormat;

  @Option(
      names = "-u",
      description =
          "Change the name alone and look at neither file, when the backing file was moved.")
  private boolean unsafe;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Override
  public Integer call() throws IOException {
    ImageFormatName.requireBacking(format);
    String name = backing.isEmpty() ? null : backing;
    if (name != null && backingFormat == null) {
      throw new BadInput("backing file '" + name + "' needs its format, such as -F qcow2");
    }
    if (name == null && backingFormat != null) {
      throw new BadInput("a backing format is of no use without a backing file, -b FILE");
    }
    if (unsafe) {
      Qcow2Image.nameBacking(file, name, backingFormat);
    } else {
      Qcow2Image.rebase(file, name, backingFormat);
    }
    return ExitStatus.OK;
  }
}
