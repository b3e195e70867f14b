package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lodge image commit}. */
@Command(
    name = "commit",
    description = "Writes what an image has into its backing file, and empties the image.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false)
final class ImageCommitCommand implements Callable<Integer> {
  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The image's format, qcow2: no other has a backing file.")
  private ImageFormat format = ImageFormat.QCOW2;

  @Option(names = "-d", description = "Do not empty the image.")
  private boolean keeps;

  @Option(names = "-q", description = "Print nothing but errors.")
  private boolean quiet;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ImageFormatName.requireBacking(format);
    Qcow2Image.commit(file, !keeps);
    if (!quiet) {
      spec.commandLine().getOut().println("Image committed.");
    }
    return ExitStatus.OK;
  }
}
