package lodge.disk;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs a program of the host. */
record Tool(int status, String output) {
  static Tool run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Tool(process.waitFor(), output);
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
