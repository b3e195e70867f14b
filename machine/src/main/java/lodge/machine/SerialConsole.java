package lodge.machine;

import java.io.InputStream;
import java.io.OutputStream;

/**
 * What stands at the other end of the guest's serial line: an {@link OutputStream} that receives
 * the guest's bytes and an {@link InputStream} that the guest's input comes from. A machine never
 * closes either.
 *
 * <p>Both directions are flow controlled and lose nothing: input is read only as fast as the guest
 * takes it, and a guest that writes faster than the output accepts waits. The output is written by
 * one thread and flushed when there is nothing more to write; when it throws, the machine ends with
 * {@link Outcome.Failed}. The input is read by one thread until it ends; a read that is still
 * waiting when the machine closes stays behind until it returns.
 */
public sealed interface SerialConsole {
  InputStream input();

  OutputStream output();

  /** No input, and output is thrown away. */
  static SerialConsole none() {
    return new Streams(InputStream.nullInputStream(), OutputStream.nullOutputStream());
  }

  /** Input and output as two streams. */
  static SerialConsole of(InputStream input, OutputStream output) {
    return new Streams(input, output);
  }

  /** No input. */
  static SerialConsole of(OutputStream output) {
    return new Streams(InputStream.nullInputStream(), output);
  }

  /** A console whose input the program feeds, see {@link Fed#feed}. */
  static Fed fed(OutputStream output) {
    return new Fed(output);
  }

  /** Two streams. */
  record Streams(InputStream input, OutputStream output) implements SerialConsole {}

  /** Input comes from {@link #feed}. */
  final class Fed implements SerialConsole {
    private static final int CAPACITY = 64 << 10;

    private final BytePipe pipe = new BytePipe(CAPACITY);
    private final OutputStream output;

    private Fed(OutputStream output) {
      this.output = output;
    }

    @Override
    public InputStream input() {
      return pipe.source();
    }

    @Override
    public OutputStream output() {
      return output;
    }

    /**
     * Bytes written here are the guest's input, in order. Writing blocks while 64 KiB wait to be
     * taken; after {@code close} there is no more input. Threads may share it.
     */
    public OutputStream feed() {
      return pipe.sink();
    }
  }
}
