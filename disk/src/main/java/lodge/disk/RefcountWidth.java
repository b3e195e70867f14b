package lodge.disk;

import java.nio.ByteBuffer;

/** Refcounts of 1 to 64 bits, as they lie in a refcount block. */
record RefcountWidth(int order) {
  long get(ByteBuffer block, int index) {
    return switch (order) {
      case 3 -> block.get(index) & 0xFFL;
      case 4 -> block.getShort(index << 1) & 0xFFFFL;
      case 5 -> block.getInt(index << 2) & 0xFFFF_FFFFL;
      case 6 -> block.getLong(index << 3);
      default -> block.get(index >> 3 - order) >>> shift(index) & max();
    };
  }

  void set(ByteBuffer block, int index, long value) {
    switch (order) {
      case 3 -> block.put(index, (byte) value);
      case 4 -> block.putShort(index << 1, (short) value);
      case 5 -> block.putInt(index << 2, (int) value);
      case 6 -> block.putLong(index << 3, value);
      default -> {
        int at = index >> 3 - order;
        long others = block.get(at) & ~(max() << shift(index));
        block.put(at, (byte) (others | value << shift(index)));
      }
    }
  }

  /** The first count is in the least significant bits of a byte. */
  private int shift(int index) {
    return (index << order) & 7;
  }

  /** The largest count, as an unsigned number. */
  long max() {
    return -1L >>> 64 - (1 << order);
  }

  /** How many counts are in a block. */
  int perBlock(int blockSize) {
    return (int) ((long) blockSize * Byte.SIZE >> order);
  }
}
