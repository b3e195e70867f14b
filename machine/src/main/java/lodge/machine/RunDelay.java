package lodge.machine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.LongSupplier;

/**
 * How many nanoseconds the thread that made this has been ready to run while the host ran something
 * else; always 0 where the host does not tell (Linux, Documentation/scheduler/sched-stats.rst).
 */
final class RunDelay implements LongSupplier, AutoCloseable {
  private static final Path STATISTICS = Path.of("/proc/thread-self/schedstat");

  /** Null where there is none. */
  private final FileChannel file;

  private final ByteBuffer text = ByteBuffer.allocate(80);

  RunDelay() {
    this(STATISTICS);
  }

  RunDelay(Path statistics) {
    file = open(statistics);
  }

  private static FileChannel open(Path statistics) {
    try {
      return FileChannel.open(statistics, StandardOpenOption.READ);
    } catch (IOException e) {
      return null;
    }
  }

  @Override
  public long getAsLong() {
    if (file == null) {
      return 0;
    }
    try {
      file.read(text.clear(), 0);
      String[] words =
          new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).split("\\s+");
      return Long.parseLong(words[1]);
    } catch (IOException | RuntimeException e) {
      return 0;
    }
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
  }
}
