package lodge.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lodge.disk.AllocationMap;
import lodge.disk.DiskImage;
import lodge.disk.Extent;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lodge image map}. */
@Command(
    name = "map",
    description = "Prints where an image and those behind it have data.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false)
final class ImageMapCommand implements Callable<Integer> {
  @Mixin private SourceFormat format;

  @Mixin private OutputForm output;
  @Mixin private ForceShare share;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    try (DiskImage image = format.open(file, share.access())) {
      AllocationMap map = new AllocationMap(image);
      if (output.isJson()) {
        String separator = "[";
        while (map.hasNext()) {
          out.print(separator + object(map.next()));
          separator = ",\n";
        }
        out.println(separator.equals("[") ? "[]" : "]");
      } else {
        out.println("%-16s%-16s%-16s%s".formatted("Offset", "Length", "Mapped to", "File"));
        while (map.hasNext()) {
          Extent extent = map.next();
          if (!extent.isZero()) {
            out.println(row(image, extent));
          }
        }
      }
    } finally {
      out.flush();
    }
    return ExitStatus.OK;
  }

  private static String row(DiskImage image, Extent extent) {
    DiskImage holder = image;
    for (int i = 0; i < extent.depth(); i++) {
      holder = holder.backing().orElseThrow();
    }
    if (extent.fileOffset() == Extent.NOWHERE) {
      throw new BadInput(
          holder.path() + ": it has compressed or scattered data, which --json tells of");
    }
    return "%-16s%-16s%-16s%s"
        .formatted(
            hex(extent.offset()), hex(extent.length()), hex(extent.fileOffset()), holder.path());
  }

  /** As C's {@code %#x} prints it. */
  private static String hex(long value) {
    return value == 0 ? "0" : "0x" + Long.toHexString(value);
  }

  private static String object(Extent extent) {
    return "{ \"start\": %d, \"length\": %d, \"depth\": %d, \"present\": %b, \"zero\": %b, \"data\": %b%s}"
        .formatted(
            extent.offset(),
            extent.length(),
            extent.depth(),
            extent.content() != Extent.Content.UNALLOCATED,
            extent.isZero(),
            !extent.isZero(),
            extent.fileOffset() == Extent.NOWHERE ? "" : ", \"offset\": " + extent.fileOffset());
  }
}
