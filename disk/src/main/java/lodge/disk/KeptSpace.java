package lodge.disk;

import java.io.IOException;
import lodge.core.BlockBackend;

/**
 * A disk that gives no space back to the host, whatever the guest discards: QEMU's {@code
 * discard=ignore}.
 */
public final class KeptSpace extends BlockFilter {
  /**
   * @param disk is closed with this one
   */
  public KeptSpace(BlockBackend disk) {
    super(disk);
  }

  @Override
  public void discard(long offset, long length) {}

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    disk.writeZeroes(offset, length, false);
  }
}
