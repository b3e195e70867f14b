package lodge.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One program from its start to its end, with its output; killed when it takes longer than it may.
 */
final class Run implements AutoCloseable {
  private final Process process;
  private final long start = System.nanoTime();
  private final StringBuilder output = new StringBuilder();
  private final Thread reader;
  private volatile long end;

  Run(List<String> command, Path log) throws IOException {
    process =
        new ProcessBuilder(command)
            .redirectInput(new java.io.File("/dev/null"))
            .redirectError(log.toFile())
            .start();
    reader = Thread.ofVirtual().start(this::read);
  }

  private void read() {
    byte[] buffer = new byte[8192];
    try (InputStream in = process.getInputStream()) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        synchronized (output) {
          output.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
        }
      }
    } catch (IOException e) {
      // The process was killed.
    }
    end = System.nanoTime();
  }

  String output() {
    synchronized (output) {
      return output.toString();
    }
  }

  long pid() {
    return process.pid();
  }

  /** Waits until {@code text} was printed; false when it was not in time. */
  boolean awaitOutput(String text, double seconds) throws InterruptedException {
    long deadline = System.nanoTime() + (long) (seconds * 1e9);
    while (!output().contains(text)) {
      if (System.nanoTime() > deadline || !process.isAlive() && !reader.isAlive()) {
        return false;
      }
      Thread.sleep(20);
    }
    return true;
  }

  /** Waits for the end; false when it did not come in time. */
  boolean await(double seconds) throws InterruptedException {
    if (!process.waitFor((long) (seconds * 1000), TimeUnit.MILLISECONDS)) {
      return false;
    }
    reader.join();
    return true;
  }

  /** Whether it ended with status 0. */
  boolean succeeded() {
    return !process.isAlive() && process.exitValue() == 0;
  }

  boolean alive() {
    return process.isAlive();
  }

  /** Wall-clock seconds from start to end of output. */
  double seconds() {
    return (end - start) / 1e9;
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
