package lodge.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * What {@code --trace-translation} writes. When that fails it is said once, and the guest goes on
 * without its trace.
 */
final class TraceFile implements Consumer<String>, AutoCloseable {
  private static final String OPTION = "--trace-translation ";
  private static final int BUFFER = 1 << 16;

  private final String name;
  private final OutputFile file;
  private final OutputStream buffer;
  private final Consumer<String> complaints;

  /** Somebody may end Lodge by a signal. */
  private final Thread flusher = new Thread(this::flush);

  /** The file was closed or cannot be written; the translator may still have something to tell. */
  private boolean ended;

  private TraceFile(String name, OutputFile file, Consumer<String> complaints) {
    this.name = name;
    this.file = file;
    this.buffer = new BufferedOutputStream(file.output(), BUFFER);
    this.complaints = complaints;
    Runtime.getRuntime().addShutdownHook(flusher);
  }

  /**
   * @param complaints is told when the file can no longer be written
   */
  static TraceFile open(String name, Consumer<String> complaints) {
    return new TraceFile(name, OutputFile.open(name, OPTION + name), complaints);
  }

  /** The machine is known to be good. */
  void begin() throws IOException {
    file.begin();
  }

  @Override
  public synchronized void accept(String text) {
    attempt(() -> buffer.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  private synchronized void flush() {
    attempt(buffer::flush);
  }

  @Override
  public void close() throws IOException {
    try {
      Runtime.getRuntime().removeShutdownHook(flusher);
    } catch (IllegalStateException e) {
      // The JVM is on its way out, and the hook does no harm.
    }
    synchronized (this) {
      flush();
      ended = true;
    }
    file.close();
  }

  private void attempt(Output output) {
    if (ended) {
      return;
    }
    try {
      output.write();
    } catch (IOException e) {
      ended = true;
      complaints.accept(
          OPTION + name + " cannot be written, the trace ends here: " + Reasons.of(e));
    }
  }

  private interface Output {
    void write() throws IOException;
  }
}
