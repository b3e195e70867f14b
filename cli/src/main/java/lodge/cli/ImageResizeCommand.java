package lodge.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.disk.Access;
import lodge.disk.DiskImage;
import lodge.disk.Qcow2Image;
import lodge.disk.RawImage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lodge image resize}. */
@Command(
    name = "resize",
    description = "Makes a disk larger or smaller. What is new reads as zeroes.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false)
final class ImageResizeCommand implements Callable<Integer> {
  @Mixin private SourceFormat format;

  @Option(names = "--shrink", description = "The end of the disk may be lost.")
  private boolean shrink;

  @Mixin private Quiet quiet;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Parameters(
      index = "1",
      paramLabel = "SIZE",
      description = "The new size, such as 20G, or by how much it changes: +5G, -1G.")
  private String size;

  private CommandSpec spec;

  /** A size with a minus sign looks like an option. */
  @Spec
  void receive(CommandSpec given) {
    spec = given;
    spec.parser().unmatchedOptionsArePositionalParams(true);
  }

  @Override
  public Integer call() throws IOException {
    long change = bytes(size.replaceFirst("^[+-]", ""));
    try (DiskImage image = format.open(file, Access.WRITE)) {
      long wanted =
          switch (size.charAt(0)) {
            case '+' -> image.size() + change;
            case '-' -> image.size() - change;
            default -> change;
          };
      if (wanted < 0 || wanted > Long.MAX_VALUE - 511) {
        throw new BadInput("a disk of " + image.size() + " bytes cannot change by " + size);
      }
      if (wanted < image.size() && !shrink) {
        throw new BadInput(file + ": the end of the disk would be lost; --shrink allows it");
      }
      resize(image, Math.ceilDiv(wanted, 512) * 512);
    }
    quiet.print(spec.commandLine().getOut(), "Image resized.");
    return ExitStatus.OK;
  }

  private void resize(DiskImage image, long wanted) throws IOException {
    switch (image) {
      case RawImage raw -> raw.resize(wanted, shrink);
      case Qcow2Image qcow2 -> qcow2.resize(wanted, shrink);
      default -> throw new BadInput("only raw and qcow2 images change their size");
    }
  }

  private static long bytes(String text) {
    try {
      return ByteSize.parse(text);
    } catch (IllegalArgumentException e) {
      throw new BadInput(e.getMessage(), e);
    }
  }
}
