package lodge.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Option;

/** The option that leaves out all but errors. */
final class Quiet {
  @Option(names = "-q", description = "Print nothing but errors.")
  private boolean given;

  boolean isGiven() {
    return given;
  }

  /** Prints a line unless it is left out. */
  void print(PrintWriter out, String line) {
    if (!given) {
      out.println(line);
      out.flush();
    }
  }
}
