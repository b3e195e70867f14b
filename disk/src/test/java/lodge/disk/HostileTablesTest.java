package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images whose tables are made so that a reader that trusts them works for hours. */
class HostileTablesTest {
  private static final int CLUSTER = 4096;

  @TempDir(factory = MemoryFolder.class)
  Path folder;

  private void write(Path path, long offset, ByteBuffer bytes) throws Exception {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.write(bytes.clear(), offset);
    }
  }

  /** 32 MiB each, of 65536 snapshots. */
  @Test
  void snapshotsWithOneL1TableAreCheckedOnce() throws Exception {
    Path path = folder.resolve("image");
    Qcow2Image.create(path, new Qcow2Options(1 << 20, CLUSTER, 3, false, null, null));
    long l1 = 16 << 20;
    long snapshots = 64 << 20;
    ByteBuffer table = ByteBuffer.allocate(SnapshotTable.MAX_SNAPSHOTS * 56);
    for (int i = 0; i < SnapshotTable.MAX_SNAPSHOTS; i++) {
      int entries = Qcow2Header.MAX_L1_BYTES / Long.BYTES - i % 2;
      table.putLong(i * 56, l1).putInt(i * 56 + 8, entries).putInt(i * 56 + 36, 16);
      table.putLong(i * 56 + 48, 1 << 20);
    }
    write(path, snapshots, table);
    write(path, l1 + Qcow2Header.MAX_L1_BYTES, ByteBuffer.allocate(CLUSTER));
    ByteBuffer fields = ByteBuffer.allocate(12).putInt(SnapshotTable.MAX_SNAPSHOTS);
    write(path, 60, fields.putLong(snapshots));
    long start = HostileImage.processorTime();
    CheckReport report = Qcow2Image.check(path, Repair.NOTHING);
    assertThat(HostileImage.processorTime() - start).isLessThan(HostileImage.MAX_NANOSECONDS);
    assertThat(report.problems()).contains("ERROR cluster 4096 refcount=0 reference=65536");
  }

  /** Multiples of a number that a known hash turns into neighbours. */
  @Test
  void offsetsThatCollideInOneHashDoNotInAnother() throws Exception {
    MetadataClusters clusters = new MetadataClusters(12);
    long step = neighbours();
    long start = HostileImage.processorTime();
    for (long i = 1; i <= 1 << 18; i++) {
      clusters.add(MetadataClusters.Kind.REFCOUNT_BLOCK, i * step << 12, CLUSTER);
    }
    assertThat(HostileImage.processorTime() - start).isLessThan(HostileImage.MAX_NANOSECONDS);
    assertThat(clusters.at(step << 12)).isEqualTo(MetadataClusters.Kind.REFCOUNT_BLOCK);
    assertThat(clusters.at((step << 12) + CLUSTER)).isNull();
  }

  /** The number below 2^24 whose product with 2^64 by the golden ratio is the least. */
  private static long neighbours() {
    long best = 1;
    for (long i = 1; i < 1 << 24; i++) {
      if (Long.compareUnsigned(i * 0x9E37_79B9_7F4A_7C15L, best * 0x9E37_79B9_7F4A_7C15L) < 0) {
        best = i;
      }
    }
    return best;
  }
}
