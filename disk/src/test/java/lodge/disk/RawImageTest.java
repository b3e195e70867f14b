package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import lodge.disk.DiskException.Kind;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RawImageTest {
  private static final int SIZE = (3 << 20) + 17;

  @TempDir Path folder;
  private Path path;

  @BeforeEach
  void create() throws Exception {
    path = folder.resolve("disk");
    RawImage.create(path, SIZE);
  }

  private byte[] filled() throws Exception {
    byte[] bytes = new byte[SIZE];
    Arrays.fill(bytes, (byte) 0x5A);
    try (RawImage image = RawImage.open(path, false)) {
      image.write(0, ByteBuffer.wrap(bytes));
      image.flush();
    }
    return bytes;
  }

  private long blocks() throws Exception {
    return Long.parseLong(Tool.ok("stat", "-c", "%b", path.toString()).strip());
  }

  @Test
  void aNewImageReadsAsZeroesAndTakesNoSpace() throws Exception {
    try (RawImage image = RawImage.open(path, true)) {
      ByteBuffer all = ByteBuffer.allocate(SIZE);
      image.read(0, all);
      assertThat(image.size()).isEqualTo(SIZE);
      assertThat(all.array()).containsOnly(0);
    }
    assertThat(blocks()).isZero();
  }

  @Test
  void whatIsWrittenIsInTheFileByteByByte() throws Exception {
    assertThat(Files.readAllBytes(path)).isNotEqualTo(filled());
    assertThat(Files.readAllBytes(path)).isEqualTo(filled());
  }

  @Test
  void zeroesGoWhereTheyBelongAndSpaceComesBack() throws Exception {
    byte[] bytes = filled();
    long before = blocks();
    try (RawImage image = RawImage.open(path, false)) {
      image.writeZeroes(100, 2 << 20, true);
      image.writeZeroes(SIZE - 5, 5, false);
    }
    Arrays.fill(bytes, 100, 100 + (2 << 20), (byte) 0);
    Arrays.fill(bytes, SIZE - 5, SIZE, (byte) 0);
    assertThat(Files.readAllBytes(path)).isEqualTo(bytes);
    assertThat(blocks()).isLessThan(before - 3000);
  }

  @Test
  void whatIsDiscardedTakesNoSpace() throws Exception {
    filled();
    try (RawImage image = RawImage.open(path, false)) {
      image.discard(0, SIZE - 17);
    }
    assertThat(blocks()).isLessThanOrEqualTo(8);
  }

  @Test
  void aReadOnlyImageIsNotWritten() throws Exception {
    try (RawImage image = RawImage.open(path, true)) {
      assertThat(image.readOnly()).isTrue();
      assertThatThrownBy(() -> image.write(1, ByteBuffer.allocate(1)))
          .hasMessage(path + ": cannot write at 0x1: the image was opened for reading")
          .extracting("kind")
          .isEqualTo(Kind.READ_ONLY);
      assertThatThrownBy(() -> image.discard(0, 1)).isInstanceOf(DiskException.class);
      assertThatThrownBy(() -> image.writeZeroes(0, 1, true)).isInstanceOf(DiskException.class);
    }
  }

  @Test
  void nobodyAsksForWhatIsOutside() throws Exception {
    try (RawImage image = RawImage.open(path, false)) {
      assertThatThrownBy(() -> image.read(SIZE, ByteBuffer.allocate(1)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> image.write(-1, ByteBuffer.allocate(1)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> image.discard(1, Long.MAX_VALUE))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void theHostsRefusalsAreOneLine() throws Exception {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> RawImage.open(missing, true))
        .isInstanceOf(DiskException.class)
        .hasMessage(missing + ": cannot open: there is no such file");
    assertThatThrownBy(() -> RawImage.open(folder, true))
        .hasMessage(folder + ": cannot open: it is not a plain file");
    assertThatThrownBy(() -> RawImage.create(path, 1))
        .hasMessage(path + ": cannot create: there is such a file already");
  }

  @Test
  void theFormatIsSeenInTheFirstBytes() throws Exception {
    assertThat(ImageFormat.probe(path)).isEqualTo(ImageFormat.RAW);
    Files.write(path, new byte[] {'Q', 'F', 'I', (byte) 0xFB});
    assertThat(ImageFormat.probe(path)).isEqualTo(ImageFormat.QCOW2);
    Files.write(path, new byte[0]);
    assertThat(ImageFormat.probe(path)).isEqualTo(ImageFormat.RAW);
  }
}
