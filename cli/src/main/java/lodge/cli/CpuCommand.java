package lodge.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.CpuModels;
import lodge.cpu.x86.Cpuid;
import lodge.cpu.x86.Feature;
import lodge.cpu.x86.FeatureNames;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lodge cpu}: which processors a machine can have. */
@Command(
    name = "cpu",
    description = "Tells which processors a virtual machine can have.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    synopsisSubcommandLabel = "(list | show MODEL)",
    subcommands = {CpuCommand.ListCommand.class, CpuCommand.ShowCommand.class})
final class CpuCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing command: list or show");
  }

  /** Where CPUID announces a feature, as manuals write it: {@code 7.0.EBX[5]}. */
  private static String place(Feature feature) {
    return "%X.%X.%s[%d]"
        .formatted(feature.leaf(), feature.subleaf(), feature.register(), feature.bit());
  }

  /** The models that have a feature. */
  private static List<String> models(Feature feature) {
    return CpuModels.names().stream().filter(name -> CpuModels.parse(name).has(feature)).toList();
  }

  private static String quoted(List<String> words) {
    return words.stream().map(Json::string).collect(Collectors.joining(", ", "[", "]"));
  }

  /** {@code lodge cpu list}. */
  @Command(
      name = "list",
      description = "Prints the models that --cpu takes, and the features to add or take away.",
      mixinStandardHelpOptions = true,
      versionProvider = Lodge.Version.class)
  static final class ListCommand implements Callable<Integer> {
    @Option(names = "--json", description = "Print a JSON object.")
    private boolean json;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        printJson(out);
      } else {
        printText(out);
      }
      out.flush();
      return ExitStatus.OK;
    }

    private static void printText(PrintWriter out) {
      out.println("Models:");
      for (String name : CpuModels.names()) {
        int count = CpuModels.parse(name).features().size();
        String note = name.equals(CpuModels.MAX) ? ", all that there are (default)" : "";
        out.println("  %-16s %d features%s".formatted(name, count, note));
      }
      out.println();
      out.println("Features, where CPUID announces them, and the models that have them:");
      for (Feature feature : CpuModels.features()) {
        out.println(
            "  %-16s %-19s %s"
                .formatted(
                    FeatureNames.of(feature), place(feature), String.join(" ", models(feature))));
      }
    }

    private static void printJson(PrintWriter out) {
      String models =
          CpuModels.names().stream()
              .map(
                  name ->
                      "    {\"name\": %s, \"features\": %s}"
                          .formatted(Json.string(name), quoted(features(name))))
              .collect(Collectors.joining(",\n"));
      String features =
          CpuModels.features().stream()
              .map(
                  feature ->
                      "    {\"name\": %s, \"cpuid\": %s, \"models\": %s}"
                          .formatted(
                              Json.string(FeatureNames.of(feature)),
                              Json.string(place(feature)),
                              quoted(models(feature))))
              .collect(Collectors.joining(",\n"));
      out.println("{\n  \"models\": [\n" + models + "\n  ],");
      out.println("  \"features\": [\n" + features + "\n  ]\n}");
    }

    private static List<String> features(String model) {
      return CpuModels.parse(model).features().stream().map(FeatureNames::of).toList();
    }
  }

  /** {@code lodge cpu show}. */
  @Command(
      name = "show",
      description = "Prints the CPUID leaves of a model, as its first processor shows them.",
      mixinStandardHelpOptions = true,
      versionProvider = Lodge.Version.class)
  static final class ShowCommand implements Callable<Integer> {
    @Parameters(
        index = "0",
        paramLabel = "MODEL",
        description = "A model with its changes, such as max or x86-64-v2,+movbe.")
    private String model;

    @Option(names = "--json", description = "Print a JSON object.")
    private boolean json;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
      CpuModel shown;
      try {
        shown = CpuModels.parse(model);
      } catch (IllegalArgumentException e) {
        throw new BadInput(e.getMessage(), e);
      }
      PrintWriter out = spec.commandLine().getOut();
      List<String> rows =
          Cpuid.leaves(shown).stream().map(leaf -> json ? object(leaf) : row(leaf)).toList();
      if (json) {
        out.println("{\n  \"model\": " + Json.string(model) + ",\n  \"leaves\": [");
        out.println(String.join(",\n", rows));
        out.println("  ]\n}");
      } else {
        out.println("leaf     subleaf  eax      ebx      ecx      edx");
        rows.forEach(out::println);
      }
      out.flush();
      return ExitStatus.OK;
    }

    private static String row(Cpuid.Leaf leaf) {
      return "%08x %08x %08x %08x %08x %08x"
          .formatted(leaf.number(), leaf.subleaf(), leaf.eax(), leaf.ebx(), leaf.ecx(), leaf.edx());
    }

    private static String object(Cpuid.Leaf leaf) {
      return String.format(
          Locale.ROOT,
          "    {\"leaf\": %d, \"subleaf\": %d, \"eax\": %d, \"ebx\": %d, \"ecx\": %d, \"edx\": %d}",
          Integer.toUnsignedLong(leaf.number()),
          leaf.subleaf(),
          Integer.toUnsignedLong(leaf.eax()),
          Integer.toUnsignedLong(leaf.ebx()),
          Integer.toUnsignedLong(leaf.ecx()),
          Integer.toUnsignedLong(leaf.edx()));
    }
  }
}
