package lodge.cli.guest;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What one boot of a guest is for: the second, small archive behind the guest's own initial RAM
 * disk. The guest's init reads it.
 */
public final class GuestSession {
  /**
   * What the guest sends before the first byte of a command's output: an application program
   * command, ECMA-48 section 8.3.2.
   */
  public static final byte[] READY = "\033_lodge\033\\".getBytes(StandardCharsets.US_ASCII);

  /** Kernel parameters under which it keeps its messages to itself. */
  public static final String QUIET = "quiet loglevel=0";

  private GuestSession() {}

  /** A login shell, at whose end the guest powers off. */
  public static byte[] shell(String terminal, int rows, int columns) {
    return new CpioWriter().file("lodge/session", 0644, settings(terminal, rows, columns)).finish();
  }

  /** A command with exactly these words, with a terminal. */
  public static byte[] task(List<String> command, String terminal, int rows, int columns) {
    return task(command, settings(terminal, rows, columns) + "task=terminal\n");
  }

  /**
   * A command with exactly these words, whose output is a pipe and whose input is a {@link
   * TaskInput}.
   */
  public static byte[] task(List<String> command) {
    return task(command, settings("dumb", 24, 80) + "task=pipe\n");
  }

  private static byte[] task(List<String> command, String settings) {
    StringBuilder script = new StringBuilder("exec");
    for (String word : command) {
      script.append(" '").append(word.replace("'", "'\\''")).append('\'');
    }
    return new CpioWriter()
        .file("lodge/session", 0644, settings)
        .file("lodge/command", 0644, script.append('\n').toString())
        .finish();
  }

  /** What init reads as a piece of shell. */
  static String settings(String terminal, int rows, int columns) {
    String name = terminal.matches("[A-Za-z0-9][A-Za-z0-9._+-]*") ? terminal : "vt100";
    return "TERM=%s rows=%d columns=%d\n".formatted(name, rows, columns);
  }
}
