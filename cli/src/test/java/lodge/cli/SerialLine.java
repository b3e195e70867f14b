package lodge.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** The serial line of a machine that is a process, and somebody who types into it. */
final class SerialLine implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(12);

  private final Process process;
  private final ByteArrayOutputStream all = new ByteArrayOutputStream();
  private int seen;
  private boolean ended;

  SerialLine(Process process) {
    this.process = process;
    Thread.ofPlatform().daemon().start(this::listen);
  }

  private void listen() {
    byte[] piece = new byte[1 << 16];
    try (InputStream in = process.getInputStream()) {
      for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
        tell(piece, length);
      }
    } catch (IOException e) {
      // The process has ended.
    }
    tell(piece, -1);
  }

  private synchronized void tell(byte[] piece, int length) {
    if (length < 0) {
      ended = true;
    } else {
      all.write(piece, 0, length);
    }
    notifyAll();
  }

  /** Waits until the text comes, behind what was waited for before. */
  synchronized void await(String text) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      // Latin-1, so that a position in the text is one in the bytes.
      String said = all.toString(StandardCharsets.ISO_8859_1);
      int at = said.indexOf(text, seen);
      if (at >= 0) {
        seen = at + text.length();
        return;
      }
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (ended || left <= 0) {
        throw new AssertionError(
            "no '" + text + "' after: " + said.substring(Math.max(seen, said.length() - 4000)));
      }
      wait(left);
    }
  }

  void type(String text) throws IOException {
    process.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().flush();
  }

  /**
   * Ends the machine as a power failure would: the process is killed. Returns the last number that
   * it told of before.
   *
   * @param number a regular expression whose first group is a number
   */
  int kill(String number) throws InterruptedException {
    close();
    synchronized (this) {
      while (!ended) {
        wait();
      }
      String said = all.toString(StandardCharsets.ISO_8859_1);
      return Pattern.compile(number)
          .matcher(said)
          .results()
          .mapToInt(match -> Integer.parseInt(match.group(1)))
          .max()
          .orElse(0);
    }
  }

  /** Logs in as root. */
  void login() throws IOException, InterruptedException {
    await("debian login:");
    type("root\n");
    await("root@debian:~#");
  }

  /** Powers the machine off and waits for the process. */
  int powerOff() throws IOException, InterruptedException {
    type("poweroff\n");
    await("reboot: Power down");
    return process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS) ? process.exitValue() : -1;
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().join();
  }
}
