package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a log has instead of a part of a file. */
class FilePatchesTest {
  private static final int SECTOR = 4096;

  @ParameterizedTest
  @ValueSource(longs = {SECTOR, 1L << 31, 3L << 30, (1L << 32) - SECTOR, 1L << 32, 1L << 40})
  void changeNothingFarBehind(long offset) {
    FilePatches patches = new FilePatches();
    patches.putZeroes(0, SECTOR);
    assertThat(read(patches, offset)).containsOnly(1);

    patches.put(0, new byte[SECTOR]);
    assertThat(read(patches, offset)).containsOnly(1);
  }

  private static byte[] read(FilePatches patches, long offset) {
    byte[] bytes = new byte[2 * SECTOR];
    Arrays.fill(bytes, (byte) 1);
    patches.apply(offset, ByteBuffer.wrap(bytes));
    return bytes;
  }
}
