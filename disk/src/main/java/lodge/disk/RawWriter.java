package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Writes a raw image from front to back, with holes for zeroes. */
final class RawWriter implements ConversionTarget {
  private final ImageFile file;
  private final long size;
  private final ZeroRuns runs;

  /**
   * @param sparse how many zeroes, a multiple of 4 KiB, become a hole; 0 for none
   */
  RawWriter(NewFile made, long size, int sparse) throws DiskException {
    file = made.open(size);
    this.size = size;
    runs = new ZeroRuns(sparse == 0 ? Conversion.SPARSE : sparse, sparse != 0);
  }

  @Override
  public int grain() {
    return runs.grain();
  }

  @Override
  public void data(long offset, ByteBuffer bytes) throws IOException {
    int end = (int) Math.min(bytes.limit(), size - offset);
    runs.split(
        bytes,
        end,
        (from, to) -> file.write(offset + from, bytes.slice(from, to - from)),
        (_, _) -> {});
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
