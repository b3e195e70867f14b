package lodge.disk;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Runs a program of the host. */
record Tool(int status, String output) {
  static Tool run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Tool(process.waitFor(), output);
  }

  /** Aborts a test, with a line that says why, where QEMU's tools are missing. */
  static void assumeQemu() {
    try {
      ok("qemu-img", "--version");
      ok("qemu-io", "--version");
    } catch (IOException | InterruptedException e) {
      String reason = "Skipped: qemu-img and qemu-io (package qemu-utils) are missing";
      System.out.println(reason);
      Assumptions.abort(reason);
    }
  }

  /** Its output, when it succeeded. */
  static String ok(String... command) throws IOException, InterruptedException {
    Tool tool = run(command);
    if (tool.status != 0) {
      throw new AssertionError(String.join(" ", command) + ": " + tool.output);
    }
    return tool.output;
  }

  /** For another JVM: tests run in modules, whose classes are on a path of their own. */
  static String classPath() {
    return Stream.of("java.class.path", "jdk.module.path")
        .map(System::getProperty)
        .filter(Objects::nonNull)
        .collect(Collectors.joining(File.pathSeparator));
  }
}
