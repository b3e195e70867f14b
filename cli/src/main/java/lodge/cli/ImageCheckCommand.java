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
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

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
  private static final int DAMAGED = 2;
  private static final int LEAKS = 3;
  private static final int NOTHING_TO_CHECK = 63;

  /** By the names that the option takes. */
  enum Repair {
    leaks
  }

  @Option(
      names = "-f",
      paramLabel = "FORMAT",
      converter = ImageFormatName.class,
      description = "The image's format; without this what its first bytes look like.")
  private ImageFormat format;

  @Option(
      names = "-r",
      paramLabel = "leaks",
      description = "Repair: leaks frees clusters that nobody uses, unless the image is damaged.")
  private Repair repair;

  @Option(names = "-q", description = "Print nothing but errors.")
  private boolean quiet;

  @Mixin private OutputForm output;

  @Parameters(index = "0", paramLabel = "FILE", description = "The image.")
  private Path file;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ImageFormat known = ImageFormatName.of(format, file);
    PrintWriter out = spec.commandLine().getOut();
    if (known != ImageFormat.QCOW2) {
      known.open(file, true).close();
      spec.commandLine()
          .getErr()
          .println("lodge: " + file + ": " + known.label() + " images have nothing to check");
      return NOTHING_TO_CHECK;
    }
    CheckReport report = Qcow2Image.check(file, repair != null);
    if (output.isJson()) {
      out.println(Json.pretty(object(report)));
    } else if (!quiet) {
      print(report, out);
    }
    out.flush();
    if (report.errors() > 0) {
      return DAMAGED;
    }
    return report.isClean() ? ExitStatus.OK : LEAKS;
  }

  private Map<String, Object> object(CheckReport report) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("filename", file.toString());
    object.put("format", ImageFormat.QCOW2.label());
    object.put("check-errors", 0);
    object.put("corruptions", report.errors());
    object.put("leaks", report.leaks() - report.repaired());
    object.put("leaks-fixed", report.repaired());
    return object;
  }

  private static void print(CheckReport report, PrintWriter out) {
    report.problems().forEach(out::println);
    if (report.repaired() > 0) {
      out.println(
          "The following inconsistencies were found and repaired:\n\n    %d leaked clusters\n"
              .formatted(report.repaired()));
    }
    if (report.isClean()) {
      out.println("No errors were found on the image.");
    }
    if (report.errors() > 0) {
      out.println(
          ("\n%d errors were found on the image.\nData may be corrupted, or further writes to the"
                  + " image may corrupt it.")
              .formatted(report.errors()));
    }
    if (report.leaks() > report.repaired()) {
      out.println(
          ("\n%d leaked clusters were found on the image.\nThis means waste of disk space, but no"
                  + " harm to data.")
              .formatted(report.leaks() - report.repaired()));
    }
  }
}
