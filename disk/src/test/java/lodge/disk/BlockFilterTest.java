package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import lodge.core.BlockBackend;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What reaches a disk of the requests that its options let through. */
class BlockFilterTest {
  private final List<String> requests = new ArrayList<>();

  private final BlockBackend disk =
      new BlockBackend() {
        @Override
        public long size() {
          return 1 << 20;
        }

        @Override
        public boolean readOnly() {
          return false;
        }

        @Override
        public void read(long offset, ByteBuffer into) {
          requests.add("read");
        }

        @Override
        public void write(long offset, ByteBuffer from) {
          requests.add("write");
        }

        @Override
        public void flush() {
          requests.add("flush");
        }

        @Override
        public void discard(long offset, long length) {
          requests.add("discard");
        }

        @Override
        public void writeZeroes(long offset, long length, boolean mayUnmap) {
          requests.add(mayUnmap ? "unmap" : "zeroes");
        }

        @Override
        public void close() {
          requests.add("close");
        }
      };

  private List<String> all(BlockBackend filtered) throws IOException {
    requests.clear();
    assertThat(filtered.size()).isEqualTo(1 << 20);
    assertThat(filtered.readOnly()).isFalse();
    filtered.read(0, ByteBuffer.allocate(512));
    filtered.write(0, ByteBuffer.allocate(512));
    filtered.discard(0, 512);
    filtered.writeZeroes(0, 512, true);
    filtered.flush();
    filtered.close();
    return requests;
  }

  @ParameterizedTest
  @EnumSource(names = {"WRITEBACK", "NONE"})
  void withAWriteCacheOnlyFlushesMakeDurable(CacheMode mode) throws IOException {
    assertThat(all(mode.over(disk)))
        .containsExactly("read", "write", "discard", "unmap", "flush", "close");
    assertThat(mode.over(disk).writeCache()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"WRITETHROUGH", "DIRECTSYNC"})
  void withoutAWriteCacheEveryWriteIsDurable(CacheMode mode) throws IOException {
    assertThat(all(mode.over(disk)))
        .containsExactly("read", "write", "flush", "discard", "flush", "unmap", "flush", "close");
    assertThat(mode.over(disk).writeCache()).as("as the guest sees it").isFalse();
  }

  @Test
  void anUnsafeDiskIsNeverFlushed() throws IOException {
    assertThat(all(CacheMode.UNSAFE.over(disk)))
        .containsExactly("read", "write", "discard", "unmap", "close");
  }

  @Test
  void spaceIsKeptWhereDiscardsAreIgnored() throws IOException {
    assertThat(all(new KeptSpace(disk)))
        .containsExactly("read", "write", "zeroes", "flush", "close");
  }
}
