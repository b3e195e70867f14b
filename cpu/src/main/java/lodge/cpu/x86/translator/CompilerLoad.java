package lodge.cpu.x86.translator;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Whether HotSpot's C2 has something to do: what Linux says of its thread. HotSpot itself tells
 * nobody how long its queue is.
 */
final class CompilerLoad {
  private static final Path TASKS = Path.of("/proc/self/task");

  /** As Linux cuts the name. */
  private static final String NAME = "C2 CompilerThre";

  /** Null when there is nothing to look at. */
  private final RandomAccessFile stat;

  private final byte[] line = new byte[64];

  CompilerLoad() {
    this.stat = find();
  }

  private static RandomAccessFile find() {
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
      for (Path task : tasks) {
        if (Files.readString(task.resolve("comm")).startsWith(NAME)) {
          return new RandomAccessFile(task.resolve("stat").toFile(), "r");
        }
      }
    } catch (IOException e) {
      // Another system than Linux.
    }
    return null;
  }

  /** Whether it is running or wants to; true as well when that is not known. */
  boolean isBusy() {
    if (stat == null) {
      return true;
    }
    try {
      stat.seek(0);
      int length = stat.read(line);
      for (int i = 0; i + 2 < length; i++) {
        // The state stands behind the name in parentheses.
        if (line[i] == ')') {
          return line[i + 2] == 'R';
        }
      }
    } catch (IOException e) {
      // The thread has ended; there will be another one if there is anything to do.
    }
    return false;
  }
}
