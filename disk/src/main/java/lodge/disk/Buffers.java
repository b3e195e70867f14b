package lodge.disk;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** What {@link ByteBuffer} lacks. */
final class Buffers {
  private static final byte[] ZEROES = new byte[4096];
  private static final MemorySegment ZERO_SEGMENT = MemorySegment.ofArray(ZEROES).asReadOnly();

  private Buffers() {}

  static void zero(ByteBuffer buffer, int count) {
    for (int left = count; left > 0; left -= Math.min(left, ZEROES.length)) {
      buffer.put(ZEROES, 0, Math.min(left, ZEROES.length));
    }
  }

  /** The next bytes as a buffer of their own; the buffer goes on after them. */
  static ByteBuffer take(ByteBuffer buffer, int count) {
    ByteBuffer taken = buffer.slice(buffer.position(), count);
    buffer.position(buffer.position() + count);
    return taken;
  }

  /** The same, without another buffer when all that remains is taken. */
  static ByteBuffer takeOrAll(ByteBuffer buffer, int count) {
    return count == buffer.remaining() ? buffer : take(buffer, count);
  }

  /** Whether a part of a buffer, whatever its position, has nothing but zeroes. */
  static boolean isZero(ByteBuffer buffer, int at, int count) {
    if (count >= Long.BYTES && buffer.getLong(at) != 0) {
      return false; // most that is no zero shows it here
    }
    MemorySegment all = MemorySegment.ofBuffer(buffer.duplicate().clear());
    for (int done = 0; done < count; done += ZEROES.length) {
      int part = Math.min(ZEROES.length, count - done);
      if (MemorySegment.mismatch(all, at + done, at + done + part, ZERO_SEGMENT, 0, part) >= 0) {
        return false;
      }
    }
    return true;
  }
}
