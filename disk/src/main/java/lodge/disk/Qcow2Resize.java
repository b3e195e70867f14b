package lodge.disk;

import java.io.IOException;
import java.util.Arrays;
import lodge.disk.DiskException.Kind;

/** Changes the size of a disk in a qcow2 image that nobody else uses meanwhile. */
final class Qcow2Resize {
  private final Qcow2Content content;
  private final Qcow2Metadata metadata;
  private final Qcow2Header header;
  private final ClusterMap map;

  Qcow2Resize(Qcow2Content content) {
    this.content = content;
    metadata = content.metadata();
    header = metadata.header;
    map = metadata.map;
  }

  void to(long size) throws IOException {
    if (size == metadata.size()) {
      return;
    }
    checkSizesOfSnapshots();
    if (size < metadata.size()) {
      shrink(size);
    } else {
      grow(size);
    }
  }

  private void checkSizesOfSnapshots() throws DiskException {
    if (header.version() == 2 && !metadata.snapshots.entries().isEmpty()) {
      throw refused(Kind.REFUSED, "version 2 keeps no sizes of its snapshots");
    }
  }

  private DiskException refused(Kind kind, String reason) {
    return metadata.file.error(kind, "resize", DiskException.NOWHERE, reason);
  }

  /** What a longer image behind this one has in the new space does not show. */
  private void grow(long size) throws IOException {
    long before = metadata.size();
    long entries = header.l1EntriesFor(size);
    if (entries > Qcow2Header.MAX_L1_BYTES / Long.BYTES) {
      throw refused(Kind.FULL, "the size needs larger clusters");
    }
    if (entries > map.l1().length) {
      metadata.commit();
      metadata.replaceL1(Arrays.copyOf(map.l1(), (int) entries), before);
    }
    long hidden = Math.max(roundUp(before), content.sizeBehind());
    metadata.pretendSize(size);
    boolean grown = false;
    try {
      long length = Math.min(size, hidden) - before;
      if (length > 0) {
        content.writeZeroes(before, length, true);
      }
      metadata.commit();
      metadata.putSize();
      grown = true;
    } finally {
      if (!grown) {
        metadata.pretendSize(before);
      }
    }
  }

  private long roundUp(long offset) {
    return Math.ceilDiv(offset, header.clusterSize()) * header.clusterSize();
  }

  /** The end is gone before the disk is smaller. */
  private void shrink(long size) throws IOException {
    removeFrom(size);
    metadata.pretendSize(size);
    metadata.putSize();
  }

  /** Gives up all that the image has itself; what is behind it shows. */
  void empty() throws IOException {
    removeFrom(0);
  }

  private void removeFrom(long offset) throws IOException {
    long from = roundUp(offset);
    content.forEachEntry(
        from,
        (at, _, entry) -> {
          if (entry != 0) {
            content.replace(at, entry, 0);
          }
        });
    map.dropTables(from, metadata.size());
    metadata.commit();
  }
}
