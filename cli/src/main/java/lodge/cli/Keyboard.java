package lodge.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Passes keys on to the guest, except those that follow Ctrl-A, which are Lodge's. */
final class Keyboard {
  /** What Ctrl-A and a key can ask for. */
  interface Orders {
    void quit();

    void help();

    void counters();
  }

  static final String HELP =
      "Ctrl-A X quits, Ctrl-A S prints counters, Ctrl-A Ctrl-A sends Ctrl-A, Ctrl-A H prints this";

  private static final int CTRL_A = 0x01;

  private final OutputStream guest;
  private final Orders orders;
  private boolean escaped;

  Keyboard(OutputStream guest, Orders orders) {
    this.guest = guest;
    this.orders = orders;
  }

  /** Reads keys until there are no more. */
  void pump(InputStream keys) throws IOException {
    byte[] buffer = new byte[4096];
    for (int n = keys.read(buffer); n >= 0; n = keys.read(buffer)) {
      type(buffer, n);
    }
  }

  private void type(byte[] keys, int count) throws IOException {
    byte[] plain = new byte[count + 1];
    int n = 0;
    for (int i = 0; i < count; i++) {
      if (escaped) {
        escaped = false;
        switch (keys[i]) {
          case 'x', 'X' -> orders.quit();
          case 's', 'S' -> orders.counters();
          case 'h', 'H', '?' -> orders.help();
          case CTRL_A -> plain[n++] = CTRL_A;
          default -> {
            plain[n++] = CTRL_A; // not ours: both keys are the guest's
            plain[n++] = keys[i];
          }
        }
      } else if (keys[i] == CTRL_A) {
        escaped = true;
      } else {
        plain[n++] = keys[i];
      }
    }
    if (n > 0) {
      guest.write(plain, 0, n);
      guest.flush();
    }
  }
}
