package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.disk.Qcow2Image;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
  @Mixin private FrontFormat format;

  @Option(names = "-d", description = "Do not empty the image.")
  private boolean keeps;

  @Mixin private Quiet quiet;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    format.check();
    Qcow2Image.commit(file, !keeps);
    quiet.print(spec.commandLine().getOut(), "Image committed.");
    return ExitStatus.OK;
  }
}
