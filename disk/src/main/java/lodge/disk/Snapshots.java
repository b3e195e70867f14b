package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lodge.disk.DiskException.Kind;

/**
 * Makes, applies and deletes the snapshots of an image. What is new is counted and written before
 * the header points to it, and what is old loses its references after the header has let it go, so
 * that a crash leaves at worst clusters that nobody uses.
 */
final class Snapshots {
  private static final int HEADER_FIELDS = 60;

  private final Qcow2Metadata metadata;
  private final ImageFile file;
  private final MetadataClusters clusters;
  private final TableReferences references;
  private final List<SnapshotTable.Entry> entries;
  private long tableOffset;
  private long tableBytes;

  Snapshots(Qcow2Metadata metadata) throws DiskException {
    this.metadata = metadata;
    file = metadata.file;
    clusters = metadata.clusters;
    references = new TableReferences(metadata);
    entries = SnapshotTable.read(file, metadata.header);
    tableOffset = metadata.header.snapshotsOffset();
    tableBytes = SnapshotTable.bytes(entries).capacity();
    clusters.add(MetadataClusters.Kind.SNAPSHOT_TABLE, tableOffset, tableBytes);
    for (SnapshotTable.Entry entry : entries) {
      addL1(entry);
    }
  }

  private void addL1(SnapshotTable.Entry entry) {
    clusters.add(MetadataClusters.Kind.SNAPSHOT_L1_TABLE, entry.l1Offset(), entry.l1Bytes());
  }

  List<SnapshotTable.Entry> entries() {
    return entries;
  }

  long tableOffset() {
    return tableOffset;
  }

  long tableBytes() {
    return tableBytes;
  }

  private SnapshotTable.Entry find(String operation, String nameOrId) throws DiskException {
    for (SnapshotTable.Entry entry : entries) {
      if (entry.isCalled(nameOrId)) {
        return entry;
      }
    }
    throw refused(operation, nameOrId, "there is no such snapshot");
  }

  private DiskException refused(String operation, String name, String reason) {
    return file.error(
        Kind.REFUSED, operation + " the snapshot '" + name + "'", DiskException.NOWHERE, reason);
  }

  Snapshot create(String name) throws DiskException {
    if (entries.stream().anyMatch(entry -> entry.isCalled(name))) {
      throw refused("create", name, "there is such a snapshot already");
    }
    if (name.isEmpty() || name.getBytes(StandardCharsets.UTF_8).length > 0xFFFF) {
      throw refused("create", name, "this is no name for it");
    }
    if (entries.size() == SnapshotTable.MAX_SNAPSHOTS) {
      throw refused("create", name, "there are too many");
    }
    metadata.commit();
    long[] l1 = notCopied(metadata.map.l1());
    references.raise(l1);
    for (int i = 0; i < l1.length; i++) {
      metadata.map.setL1(i, l1[i]);
    }
    long place = metadata.write(MetadataClusters.Kind.SNAPSHOT_L1_TABLE, ClusterMap.bytes(l1));
    metadata.commit();
    Snapshot snapshot =
        new Snapshot(newId(), name, Instant.now(), metadata.size(), 0, Duration.ZERO);
    List<SnapshotTable.Entry> more = new ArrayList<>(entries);
    more.add(
        new SnapshotTable.Entry(
            snapshot, place, l1.length, SnapshotTable.extra(snapshot.diskSize())));
    replaceTable(more);
    return snapshot;
  }

  private static long[] notCopied(long[] l1) {
    return Arrays.stream(l1).map(entry -> entry & ~L2Entry.COPIED).toArray();
  }

  private String newId() {
    long last = 0;
    for (SnapshotTable.Entry entry : entries) {
      if (entry.snapshot().id().matches("\\d{1,18}")) {
        last = Math.max(last, Long.parseLong(entry.snapshot().id()));
      }
    }
    return Long.toString(last + 1);
  }

  void apply(String nameOrId) throws DiskException {
    SnapshotTable.Entry entry = find("apply", nameOrId);
    metadata.commit();
    long[] l1 = notCopied(metadata.map.readL1(entry.l1Offset(), entry.l1Entries()));
    references.raise(l1);
    long[] before = metadata.map.l1();
    metadata.replaceL1(l1, entry.snapshot().diskSize());
    references.lower(before);
    references.markCopied();
    metadata.commit();
  }

  /** Shows the disk as it was, in memory alone; nothing may be written then. */
  void show(String nameOrId) throws DiskException {
    SnapshotTable.Entry entry = find("read", nameOrId);
    long[] l1 = metadata.map.readL1(entry.l1Offset(), entry.l1Entries());
    metadata.map.use(entry.l1Offset(), l1);
    metadata.pretendSize(entry.snapshot().diskSize());
  }

  void delete(String nameOrId) throws DiskException {
    SnapshotTable.Entry entry = find("delete", nameOrId);
    metadata.commit();
    long[] l1 = metadata.map.readL1(entry.l1Offset(), entry.l1Entries());
    List<SnapshotTable.Entry> fewer = new ArrayList<>(entries);
    fewer.remove(entry);
    replaceTable(fewer);
    references.lower(l1);
    metadata.free(entry.l1Offset(), entry.l1Bytes());
    references.markCopied();
    metadata.commit();
  }

  private void replaceTable(List<SnapshotTable.Entry> by) throws DiskException {
    ByteBuffer bytes = SnapshotTable.bytes(by);
    long place =
        by.isEmpty() ? 0 : metadata.write(MetadataClusters.Kind.SNAPSHOT_TABLE, bytes.duplicate());
    metadata.commit();
    ByteBuffer fields = ByteBuffer.allocate(Integer.BYTES + Long.BYTES);
    metadata.putHeader(HEADER_FIELDS, fields.putInt(by.size()).putLong(place));
    long oldOffset = tableOffset;
    long oldBytes = tableBytes;
    tableOffset = place;
    tableBytes = bytes.capacity();
    entries.clear();
    entries.addAll(by);
    metadata.free(oldOffset, oldBytes);
  }
}
