package lodge.cli;

import java.io.IOException;
import java.io.PrintWriter;
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

  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The first one's format; without this what its first bytes look like.")
  private ImageFormat format;

  @Option(
      names = "-F",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The second one's format; without this what its first bytes look like.")
  private ImageFormat otherFormat;

  @Option(names = "-s", description = "Sizes and what is allocated have to be the same, too.")
  private boolean strict;

  @Option(names = "-p", description = "Show progress even if standard error is no terminal.")
  private boolean showProgress;

  @Option(names = "-q", description = "Print nothing but errors.")
  private boolean quiet;

  @Mixin private ForceShare share;

  @Parameters(index = "0", paramLabel = "FILE1", description = "An image.")
  private Path file;

  @Parameters(index = "1", paramLabel = "FILE2", description = "Another one.")
  private Path otherFile;

  @ParentCommand private ImageCommand image;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Progress line = quiet ? Progress.silent() : image.progress(showProgress);
    try (line;
        DiskImage one = ImageFormatName.of(format, file).open(file, share.access());
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
    if (!quiet) {
      PrintWriter out = spec.commandLine().getOut();
      out.println(text);
      out.flush();
    }
  }
}
