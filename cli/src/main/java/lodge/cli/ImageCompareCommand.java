package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import lodge.cli.guest.Progress;
import lodge.disk.DiskImage;
import lodge.disk.ImageComparison;
import lodge.disk.ImageComparison.Difference;
import lodge.disk.ImageFormat;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code lodge image compare}. */
@Command(
    name = "compare",
    description = "Tells whether two images show the same.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false,
    footer = {"", "Exit status: 0 they do, 1 they do not, 2 one of them cannot be read."})
final class ImageCompareCommand implements Callable<Integer> {
  private static final int DIFFERENT = 1;

  @Mixin private SourceFormat format;

  @Option(
      names = "-F",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The second image's format; without this what its first bytes look like.")
  private ImageFormat otherFormat;

  @Option(names = "-s", description = "Sizes and what is allocated have to be the same, too.")
  private boolean strict;

  @Mixin private ProgressOptions progress;

  @Mixin private ForceShare share;

  @Parameters(index = "0", paramLabel = "FILE1", description = "An image.")
  private Path file;

  @Parameters(index = "1", paramLabel = "FILE2", description = "Another one.")
  private Path otherFile;

  @ParentCommand private ImageCommand image;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Progress line = progress.line(image);
    try (line;
        DiskImage one = format.open(file, share.access());
        DiskImage other =
            ImageFormatName.of(otherFormat, otherFile).open(otherFile, share.access())) {
      if (strict && one.size() != other.size()) {
        print("Strict mode: Image size mismatch!");
        return DIFFERENT;
      }
      Optional<Difference> difference =
          new ImageComparison(strict, ImageCommand.percent(line, "Comparing")).compare(one, other);
      long shorter = Math.min(one.size(), other.size());
      if (one.size() != other.size() && difference.stream().allMatch(d -> d.offset() >= shorter)) {
        print("Warning: Image size mismatch!");
      }
      if (difference.isEmpty()) {
        print("Images are identical.");
        return ExitStatus.OK;
      }
      print(
          difference.get().allocated()
              ? "Strict mode: Offset %d block status mismatch!".formatted(difference.get().offset())
              : "Content mismatch at offset %d!".formatted(difference.get().offset()));
      return DIFFERENT;
    }
  }

  private void print(String text) {
    progress.quiet().print(spec.commandLine().getOut(), text);
  }
}
