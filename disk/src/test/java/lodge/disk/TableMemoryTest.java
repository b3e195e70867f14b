package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that are open at once share the memory for their tables. */
class TableMemoryTest {
  @TempDir Path folder;

  @Test
  void oneImageHasAtMost32MebibytesAndAllTogetherAtMost64() {
    TableMemory first = TableMemory.share();
    assertThat(first.getAsLong()).isEqualTo(32 << 20);
    TableMemory[] others = new TableMemory[7];
    for (int i = 0; i < others.length; i++) {
      others[i] = TableMemory.share();
      long withRefcounts = first.getAsLong() + first.getAsLong() / 4;
      assertThat((i + 2) * withRefcounts).isBetween(63L << 20, 64L << 20);
    }
    for (TableMemory other : others) {
      other.close();
      other.close();
    }
    assertThat(first.getAsLong()).isEqualTo(32 << 20);
    first.close();
  }

  @Test
  void imagesGiveTheirShareBack() throws Exception {
    Path path = folder.resolve("image");
    Qcow2Image.create(path, Qcow2Options.ofSize(1 << 20));
    for (int i = 0; i < 20; i++) {
      try (Qcow2Image image = Qcow2Image.open(path, false)) {
        image.write(0, ByteBuffer.allocate(1));
      }
    }
    Files.write(path, new byte[] {1});
    for (int i = 0; i < 20; i++) {
      assertThatThrownBy(() -> Qcow2Image.open(path, false)).isInstanceOf(DiskException.class);
    }
    try (TableMemory memory = TableMemory.share()) {
      assertThat(memory.getAsLong()).isEqualTo(32 << 20);
    }
  }
}
