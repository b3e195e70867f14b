package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Tells zeroes from data in what is to be written.
 *
 * @param grain so many bytes, a power of two, are zeroes or data together
 * @param sparse whether zeroes are looked for at all
 */
record ZeroRuns(int grain, boolean sparse) {
  /** Called with the beginning and end of grains of one kind. */
  interface Run {
    void use(int from, int to) throws IOException;
  }

  /**
   * @param bytes whose position does not count
   * @param end of what is to be written
   */
  void split(ByteBuffer bytes, int end, Run data, Run zeroes) throws IOException {
    for (int at = 0; at < end; ) {
      int from = at;
      boolean zero = isZero(bytes, at, end);
      do {
        at = Math.min(end, at + grain);
      } while (at < end && isZero(bytes, at, end) == zero);
      (zero ? zeroes : data).use(from, at);
    }
  }

  private boolean isZero(ByteBuffer bytes, int at, int end) {
    return sparse && Buffers.isZero(bytes, at, Math.min(grain, end - at));
  }
}
