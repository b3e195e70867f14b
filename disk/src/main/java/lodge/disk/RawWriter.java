package lodge.disk;

import java.nio.ByteBuffer;

/** Writes a raw image from front to back, with holes for zeroes. */
final class RawWriter implements ConversionTarget {
  private static final int GRAIN = 4096;

  private final ImageFile file;
  private final long size;
  private final int sparse;

  /**
   * @param sparse how many zeroes, a multiple of 4 KiB, become a hole; 0 for none
   */
  RawWriter(NewFile made, long size, int sparse) throws DiskException {
    file = made.open(size);
    this.size = size;
    this.sparse = sparse;
  }

  @Override
  public int grain() {
    return sparse == 0 ? GRAIN : sparse;
  }

  @Override
  public void data(long offset, ByteBuffer bytes) throws DiskException {
    int end = (int) Math.min(bytes.limit(), size - offset);
    for (int at = 0; at < end; ) {
      int from = at;
      at = next(bytes, from, end, false);
      if (at > from) {
        file.write(offset + from, bytes.slice(from, at - from));
      }
      at = next(bytes, at, end, true);
    }
  }

  /** The end of the grains that are all zero, or all not. */
  private int next(ByteBuffer bytes, int from, int end, boolean zero) {
    int at = from;
    while (at < end && isHole(bytes, at, Math.min(grain(), end - at)) == zero) {
      at = Math.min(end, at + grain());
    }
    return at;
  }

  private boolean isHole(ByteBuffer bytes, int at, int count) {
    return sparse != 0 && Buffers.isZero(bytes, at, count);
  }

  @Override
  public void zeroes(long offset, long length) {}

  @Override
  public void finish() {}

  @Override
  public void force() throws DiskException {
    file.force();
  }

  @Override
  public void close() throws DiskException {
    file.close();
  }
}
