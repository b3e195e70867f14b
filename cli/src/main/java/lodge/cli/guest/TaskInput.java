package lodge.cli.guest;

import java.io.IOException;
import java.io.OutputStream;

/**
 * Carries any bytes, and their end, through a guest's serial line to a command. The guest reads its
 * line in canonical mode, where ^D ends the input and ^V makes the next byte a plain one
 * (termios(3)); all else passes unchanged. A line that gets long is handed on in pieces, by a ^D
 * behind some bytes, since the guest's line buffer holds 4,095.
 */
public final class TaskInput extends OutputStream {
  private static final int END = 0x04;
  private static final int LITERAL = 0x16;
  private static final int PIECE = 1024;

  private final OutputStream line;
  private int pending;

  public TaskInput(OutputStream line) {
    this.line = line;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    byte[] escaped = new byte[3 * length];
    int n = 0;
    for (int i = from; i < from + length; i++) {
      byte b = bytes[i];
      if (b == END || b == LITERAL) {
        escaped[n++] = LITERAL;
      }
      escaped[n++] = b;
      pending = b == '\n' ? 0 : pending + 1;
      if (pending == PIECE) {
        escaped[n++] = END;
        pending = 0;
      }
    }
    line.write(escaped, 0, n);
  }

  @Override
  public void flush() throws IOException {
    line.flush();
  }

  /** Ends the command's input. The line itself stays open. */
  @Override
  public void close() throws IOException {
    line.write(pending > 0 ? new byte[] {END, END} : new byte[] {END});
    line.flush();
  }
}
