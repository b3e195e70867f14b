package lodge.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lodge.machine.Machine;
import lodge.machine.MachineBuilder;
import lodge.machine.Outcome;
import lodge.machine.SerialConsole;

/**
 * A guest with a shell on its serial line, and somebody who types into it and reads what comes
 * back.
 */
final class GuestShell implements AutoCloseable {
  static final String PROMPT = "tiny:~# ";
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /**
   * What a command said.
   *
   * @param output its output with plain line ends
   */
  record Result(int status, String output) {}

  private final Machine machine;
  private final OutputStream keys;
  private final Screen screen = new Screen();
  private int commands;

  GuestShell(MachineBuilder builder) {
    SerialConsole.Fed console = SerialConsole.fed(screen);
    machine = builder.serial(console).build();
    keys = console.feed();
    machine.start();
  }

  /** Runs a line of shell; what it prints and its status. */
  Result run(String line) throws IOException, InterruptedException {
    String end = "done-" + ++commands + "-";
    int from = screen.size();
    // The mark is put together by the guest, so that the echo of the line does not hold it.
    type("{ " + line + "\n}; echo " + end.replace("-", "'-'") + "$?.\n");
    Matcher matcher = screen.await(Pattern.compile(Pattern.quote(end) + "([0-9]+)\\.\\R"), from);
    screen.await(Pattern.compile(Pattern.quote(PROMPT)), matcher.end());
    String said = screen.text().substring(from, matcher.start());
    // Echoed are two lines, the second behind the shell's "> ".
    int echoed = said.indexOf("$?.");
    String output = said.substring(said.indexOf('\n', echoed) + 1);
    return new Result(Integer.parseInt(matcher.group(1)), output.replace("\r\n", "\n"));
  }

  void type(String text) throws IOException {
    keys.write(text.getBytes(StandardCharsets.UTF_8));
    keys.flush();
  }

  /** Waits until the text comes behind that position, and returns the position behind it. */
  int await(String text, int from) throws InterruptedException {
    return screen.await(Pattern.compile(Pattern.quote(text)), from).end();
  }

  int awaitPrompt() throws InterruptedException {
    return await(PROMPT, 0);
  }

  /** All that came so far. */
  String text() {
    return screen.text();
  }

  Outcome awaitEnd() throws InterruptedException {
    return machine.await();
  }

  Machine machine() {
    return machine;
  }

  @Override
  public void close() {
    machine.close();
  }

  /** What the guest has sent. */
  private static final class Screen extends OutputStream {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    private final ByteArrayOutputStream all = new ByteArrayOutputStream();
    private boolean silent;

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) {
      lock.lock();
      try {
        all.write(bytes, from, length);
        more.signalAll();
      } finally {
        lock.unlock();
      }
    }

    /** Latin-1, so that a position in the text is one in the bytes. */
    String text() {
      lock.lock();
      try {
        return all.toString(StandardCharsets.ISO_8859_1);
      } finally {
        lock.unlock();
      }
    }

    int size() {
      lock.lock();
      try {
        return all.size();
      } finally {
        lock.unlock();
      }
    }

    Matcher await(Pattern pattern, int from) throws InterruptedException {
      long left = PATIENCE.toNanos();
      lock.lock();
      try {
        while (true) {
          String text = all.toString(StandardCharsets.ISO_8859_1);
          Matcher matcher = pattern.matcher(text);
          if (matcher.find(from)) {
            return matcher;
          }
          if (left <= 0 || silent) {
            silent = true; // what is asked later need not wait as long again
            throw new AssertionError(
                "no "
                    + pattern
                    + " within "
                    + PATIENCE.toSeconds()
                    + " s after: "
                    + text.substring(Math.max(0, text.length() - 4000)));
          }
          int before = all.size();
          while (all.size() == before && left > 0) {
            left = more.awaitNanos(left);
          }
          // Not at each byte: one look at a burst.
          lock.unlock();
          try {
            TimeUnit.MILLISECONDS.sleep(5);
          } finally {
            lock.lock();
          }
        }
      } finally {
        lock.unlock();
      }
    }
  }
}
