package lodge.cli;

import java.io.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The terminal that Lodge was started on, by way of {@code stty}. Raw mode is left again however
 * the JVM ends, save for SIGKILL.
 */
final class HostTerminal implements AutoCloseable {
  private final String saved;
  private final int rows;
  private final int columns;
  private final Thread restorer = new Thread(this::restore);
  private boolean raw;

  private HostTerminal(String saved, int rows, int columns) {
    this.saved = saved;
    this.rows = rows;
    this.columns = columns;
  }

  /** The terminal, when both standard input and standard output are one. */
  static Optional<HostTerminal> find() {
    Console console = System.console();
    if (console == null || !console.isTerminal()) {
      return Optional.empty();
    }
    try {
      String[] size = stty("size").split(" ");
      return Optional.of(
          new HostTerminal(stty("-g"), Integer.parseInt(size[0]), Integer.parseInt(size[1])));
    } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
      return Optional.empty(); // no stty: lines instead of keys
    }
  }

  /** Lines of the window; 24 when the terminal does not know. */
  int rows() {
    return rows > 0 ? rows : 24;
  }

  /** Characters of a line; 80 when the terminal does not know. */
  int columns() {
    return columns > 0 ? columns : 80;
  }

  /** From now on every key is a byte of input, and nothing is echoed. */
  synchronized void makeRaw() throws IOException {
    Runtime.getRuntime().addShutdownHook(restorer);
    raw = true;
    stty("raw", "-echo");
  }

  @Override
  public void close() {
    restore();
    try {
      Runtime.getRuntime().removeShutdownHook(restorer);
    } catch (IllegalStateException e) {
      // The JVM is on its way out, and the hook does no harm.
    }
  }

  private synchronized void restore() {
    if (raw) {
      raw = false;
      try {
        stty(saved);
      } catch (IOException e) {
        // The terminal is gone, and so is whoever would miss its mode.
      }
    }
  }

  private static String stty(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("stty"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectInput(ProcessBuilder.Redirect.INHERIT).start();
    try (var output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.US_ASCII).strip();
      if (process.waitFor() != 0) {
        throw new IOException("stty " + String.join(" ", arguments) + " failed");
      }
      return text;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
