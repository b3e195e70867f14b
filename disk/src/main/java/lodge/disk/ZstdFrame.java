package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How long a frame of Zstandard's format is: RFC 8878, section 3.1.1. In an image other data
 * follows it.
 */
final class ZstdFrame {
  private static final int MAGIC = 0xFD2F_B528;
  private static final int CHECKSUM = 1 << 2;
  private static final int SINGLE_SEGMENT = 1 << 5;
  private static final int CHECKSUM_BYTES = 4;
  private static final int BLOCK_HEADER = 3;
  private static final int RLE = 1;

  private ZstdFrame() {}

  /** In bytes; -1 when this is no whole frame. */
  static int length(byte[] bytes, int size) {
    ByteBuffer data = ByteBuffer.wrap(bytes, 0, size).order(ByteOrder.LITTLE_ENDIAN);
    if (size < 6 || data.getInt() != MAGIC) {
      return -1;
    }
    int descriptor = data.get();
    boolean single = (descriptor & SINGLE_SEGMENT) != 0;
    int contentSizeFlag = descriptor >>> 6 & 3;
    int contentSize = contentSizeFlag == 0 ? (single ? 1 : 0) : 1 << contentSizeFlag;
    int dictionary = (1 << (descriptor & 3)) >> 1;
    long at = data.position() + (single ? 0 : 1) + dictionary + contentSize;
    boolean last = false;
    while (!last) {
      if (at + BLOCK_HEADER > size) {
        return -1;
      }
      int place = (int) at;
      int header =
          data.get(place) & 0xFF
              | (data.get(place + 1) & 0xFF) << 8
              | (data.get(place + 2) & 0xFF) << 16;
      last = (header & 1) != 0;
      at += BLOCK_HEADER + ((header >>> 1 & 3) == RLE ? 1 : header >>> 3);
    }
    at += (descriptor & CHECKSUM) != 0 ? CHECKSUM_BYTES : 0;
    return at <= size ? (int) at : -1;
  }
}
