package lodge.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import lodge.cli.doctor.Check;
import lodge.cli.doctor.Doctor;
import lodge.cli.doctor.Finding;
import lodge.cli.doctor.Host;
import lodge.cli.guest.GuestCache;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lodge doctor}: what this host can do for virtual machines. */
@Command(
    name = "doctor",
    description = "Tells what this host can do for virtual machines, and what would help.",
    mixinStandardHelpOptions = true,
    versionProvider = Lodge.Version.class,
    footer = {
      "",
      "PASS: it is there. NOTE: it does not matter here. WARN: guests run without it,",
      "but slower or with less around them. FAIL: no guest runs without it.",
      "Exit status: 0 when guests can run, else 1."
    })
final class DoctorCommand implements Callable<Integer> {
  @Option(names = "--json", description = "Print a JSON array, an object a check.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    Host host = Host.current(GuestCache.home(System.getenv()), System.getenv());
    PrintWriter out = spec.commandLine().getOut();
    out.println(json ? json(host) : text(host));
    out.flush();
    return Doctor.canRun(host) ? ExitStatus.OK : ExitStatus.FAILED;
  }

  /** As virt-host-validate prints it, with advice on a line of its own. */
  static String text(Host host) {
    int width = Doctor.CHECKS.stream().mapToInt(check -> check.title().length()).max().orElse(1);
    List<String> lines = new ArrayList<>();
    for (Check check : Doctor.CHECKS) {
      Finding finding = check.on(host);
      String found = finding.found().isEmpty() ? "" : " (" + finding.found() + ")";
      String title = check.title() + " ".repeat(width - check.title().length());
      lines.add("  Checking for " + title + " : " + finding.verdict() + found);
      if (!finding.advice().isEmpty()) {
        lines.add("    " + finding.advice());
      }
    }
    return String.join(System.lineSeparator(), lines);
  }

  static String json(Host host) {
    List<Map<String, String>> objects = new ArrayList<>();
    for (Check check : Doctor.CHECKS) {
      Finding finding = check.on(host);
      Map<String, String> object = new LinkedHashMap<>();
      object.put("name", check.name());
      object.put("title", check.title());
      object.put("result", finding.verdict().name());
      object.put("found", finding.found());
      object.put("advice", finding.advice());
      objects.add(object);
    }
    return Json.pretty(objects);
  }
}
