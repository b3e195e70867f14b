package lodge.disk;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
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
}
