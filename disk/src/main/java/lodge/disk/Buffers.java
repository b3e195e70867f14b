package lodge.disk;

import java.nio.ByteBuffer;

/** What {@link ByteBuffer} lacks. */
final class Buffers {
  private static final byte[] ZEROES = new byte[4096];

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
}
