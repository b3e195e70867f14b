package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
  @Mixin private FrontFormat format;

  @Option(
      names = "-b",
      required = true,
      paramLabel = "FILE",
      description = "The new backing file, relative to the image; '' for none.")
  private String backing;

  @Mixin private BackingFormat backingFormat;

  @Option(
      names = "-u",
      description =
          "Change the name alone and look at neither file, when the backing file was moved.")
  private boolean unsafe;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Override
  public Integer call() throws IOException {
    format.check();
    ImageFormat behind = backingFormat.format();
    String name = backing.isEmpty() ? null : backing;
    if (name != null && behind == null) {
      throw new BadInput("backing file '" + name + "' needs its format, such as -F qcow2");
    }
    if (name == null && behind != null) {
      throw new BadInput("a backing format is of no use without a backing file, -b FILE");
    }
    if (unsafe) {
      Qcow2Image.nameBacking(file, name, behind);
    } else {
      Qcow2Image.rebase(file, name, behind);
    }
    return ExitStatus.OK;
  }
}
