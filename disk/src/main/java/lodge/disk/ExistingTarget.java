package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import lodge.core.BlockBackend;

/** Writes over what an image has. It stays open. */
final class ExistingTarget implements ConversionTarget {
  private final BlockBackend image;
  private final long size;
  private final ZeroRuns runs;

  /**
   * @param size of what is written
   * @param sparse how many zeroes, a multiple of 4 KiB, take no space; 0 when all shall
   */
  ExistingTarget(BlockBackend image, long size, int sparse) {
    this.image = image;
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
        (from, to) -> image.write(offset + from, bytes.slice(from, to - from)),
        (from, to) -> zeroes(offset + from, to - from));
  }

  @Override
  public void zeroes(long offset, long length) throws IOException {
    image.writeZeroes(offset, length, runs.sparse());
  }

  @Override
  public void finish() throws IOException {
    image.flush();
  }

  @Override
  public void force() {}

  @Override
  public void close() {}
}
