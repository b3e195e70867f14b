package lodge.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import lodge.disk.CheckReport;
import lodge.disk.ImageFormat;
import lodge.disk.Qcow2Image;
import lodge.disk.Repair;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code lodge image check}. */
@Command(
    name = "check",
    description = "Looks for what is wrong in an image's tables.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Exit status: 0 nothing is wrong (any more), 2 the image is damaged or cannot be checked,",
      "3 clusters are lost, which takes space but does no harm, 63 the format has no tables."
    })
final class ImageCheckCommand implements Callable<Integer> {
  private static final int NOTHING_TO_CHECK = 63;

  @Mixin private SourceFormat format;

  @Option(
      names = "-r",
      paramLabel = "WHAT",
      converter = RepairName.class,
      description = "Repair leaks, clusters that nobody uses, or all that can be.")
  private Repair repair = Repair.NOTHING;

  @Mixin private Quiet quiet;

  @Mixin private OutputForm output;
  @Mixin private ForceShare share;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (repair != Repair.NOTHING && share.isGiven()) {
      throw new BadInput("what another program writes cannot be repaired; leave out -U or -r");
    }
    ImageFormat known = format.of(file);
    PrintWriter out = spec.commandLine().getOut();
    if (known != ImageFormat.QCOW2) {
      known.open(file, share.access()).close();
      spec.commandLine()
          .getErr()
          .println("lodge: " + file + ": " + known.label() + " images have nothing to check");
      return NOTHING_TO_CHECK;
    }
    CheckReport report =
        repair == Repair.NOTHING
            ? Qcow2Image.check(file, share.access())
            : Qcow2Image.check(file, repair);
    if (output.isJson()) {
      out.println(Json.pretty(object(report)));
    } else if (!quiet.isGiven()) {
      out.print(report.text());
    }
    out.flush();
    return report.exitStatus();
  }

  private Map<String, Object> object(CheckReport report) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("image-end-offset", report.endOffset());
    object.put("total-clusters", report.clusters());
    object.put("check-errors", 0);
    object.put("filename", file.toString());
    object.put("format", ImageFormat.QCOW2.label());
    putUnlessZero(object, "corruptions", report.errors());
    putUnlessZero(object, "leaks", report.leaks());
    putUnlessZero(object, "corruptions-fixed", report.errorsRepaired());
    putUnlessZero(object, "leaks-fixed", report.leaksRepaired());
    putUnlessZero(object, "allocated-clusters", report.allocated());
    putUnlessZero(object, "fragmented-clusters", report.fragmented());
    putUnlessZero(object, "compressed-clusters", report.compressed());
    return object;
  }

  private static void putUnlessZero(Map<String, Object> object, String name, long value) {
    if (value != 0) {
      object.put(name, value);
    }
  }

  /** Reads what stands after {@code -r}. */
  static final class RepairName implements ITypeConverter<Repair> {
    @Override
    public Repair convert(String text) {
      return switch (text) {
        case "leaks" -> Repair.LEAKS;
        case "all" -> Repair.ALL;
        default ->
            throw new TypeConversionException("'" + text + "' is unknown; write leaks or all");
      };
    }
  }
}
