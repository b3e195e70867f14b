package lodge.cli.guest;

import java.io.PrintStream;

/** One line that is written over again and again on a terminal, and nothing anywhere else. */
public final class Progress implements AutoCloseable {
  private static final String ERASE = "\r\033[K";

  private final PrintStream terminal;
  private boolean shown;

  private Progress(PrintStream terminal) {
    this.terminal = terminal;
  }

  public static Progress on(PrintStream terminal) {
    return new Progress(terminal);
  }

  public static Progress silent() {
    return new Progress(null);
  }

  /** Shows a text of less than a line in place of the one before. */
  public synchronized void show(String text) {
    if (terminal != null) {
      terminal.print(ERASE + text);
      terminal.flush();
      shown = true;
    }
  }

  /** Takes the line away. */
  @Override
  public synchronized void close() {
    if (shown) {
      terminal.print(ERASE);
      terminal.flush();
      shown = false;
    }
  }
}
