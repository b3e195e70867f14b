package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file without its zeroes, so that what a fuzzer changes is headers and tables: runs of bytes,
 * each with its offset and its length before it. The file ends where the last of them does; one
 * without bytes says that alone. All bytes are a file.
 */
final class FileRuns {
  private static final int HEAD = Integer.BYTES + Short.BYTES;
  private static final int MAX_RUN = 0xFFFF;

  /** So many zeroes are not worth a head. */
  private static final int GAP = 2 * HEAD;

  private FileRuns() {}

  static byte[] of(byte[] file) {
    ByteBuffer runs = ByteBuffer.allocate(2 * file.length + 2 * HEAD);
    for (int start = nonZero(file, 0); start < file.length; ) {
      int end = start;
      int next = start;
      while (next < file.length && next - end < GAP && next - start < MAX_RUN) {
        end = next + 1;
        next = nonZero(file, end);
      }
      runs.putInt(start).putShort((short) (end - start)).put(file, start, end - start);
      start = next;
    }
    runs.putInt(file.length).putShort((short) 0);
    byte[] bytes = new byte[runs.position()];
    runs.get(0, bytes);
    return bytes;
  }

  private static int nonZero(byte[] file, int from) {
    int at = from;
    while (at < file.length && file[at] == 0) {
      at++;
    }
    return at;
  }

  /** What goes past the end of the runs is cut. */
  static void write(ByteBuffer runs, Path path) throws IOException {
    try (FileChannel file =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      long end = 0;
      while (runs.remaining() >= HEAD) {
        long offset = runs.getInt() & 0xFFFF_FFFFL;
        int length = Math.min(runs.getShort() & 0xFFFF, runs.remaining());
        file.write(Buffers.take(runs, length), offset);
        end = offset + length;
      }
      if (file.size() > end) {
        file.truncate(end);
      } else if (file.size() < end) {
        file.write(ByteBuffer.allocate(1), end - 1);
      }
    }
  }
}
