package lodge.disk;

/** Refcounts of 1 to 64 bits, as they lie in a refcount block that was read as words. */
record RefcountWidth(int order) {
  long get(long[] block, int index) {
    int bit = index << order;
    return block[bit >>> 6] >>> shift(bit) & max();
  }

  void set(long[] block, int index, long value) {
    int bit = index << order;
    long others = block[bit >>> 6] & ~(max() << shift(bit));
    block[bit >>> 6] = others | value << shift(bit);
  }

  /** Bytes are big-endian, but in a byte the first count is in the least significant bits. */
  private int shift(int bit) {
    int inWord = bit & 63;
    return order >= 3 ? 64 - (1 << order) - inWord : 56 - (inWord & ~7) + (inWord & 7);
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
