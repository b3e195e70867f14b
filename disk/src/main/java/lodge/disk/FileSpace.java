package lodge.disk;

import java.nio.file.Path;

/**
 * What space a file takes, and which parts of it take none. Where the system does not tell, all of
 * it does.
 */
final class FileSpace implements AutoCloseable {
  private final long size;
  private final NativeFile file;

  /**
   * @param size of the file
   */
  FileSpace(Path path, long size) {
    this.size = size;
    file = new NativeFile(path, true);
  }

  /** The first offset from this one on that is in a hole; the size when there is none. */
  long hole(long offset) {
    long found = file.hole(offset);
    return found < offset ? size : Math.min(found, size);
  }

  /** The first offset from this one on that is in no hole; the size when there is none. */
  long data(long offset) {
    long found = file.data(offset);
    if (found >= offset) {
      return Math.min(found, size);
    }
    // No data, or no answer: a file system that answers finds the hole.
    return file.hole(offset) == offset ? size : offset;
  }

  /** The space that the file takes, in bytes. */
  long allocated() {
    long known = file.allocated();
    return known < 0 ? size : known;
  }

  @Override
  public void close() {
    file.close();
  }
}
