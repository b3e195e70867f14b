package lodge.disk;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lodge.disk.DiskException.Kind;

/**
 * Makes, applies and deletes the snapshots of an image, each by one {@link HeaderChange}, so that a
 * crash leaves at worst clusters that nobody uses.
 */
final class Snapshots {
  /** Of all snapshots' L1 tables together; 64 MiB of memory are for those. */
  private static final int MAX_L1_CLUSTERS = 1 << 22;

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
    long added = 0;
    for (SnapshotTable.Entry entry : SnapshotTable.byPlace(entries).values()) {
      added += Math.ceilDiv(entry.l1Bytes(), metadata.header.clusterSize());
      if (added > MAX_L1_CLUSTERS) {
        throw file.error(
            Kind.UNSUPPORTED, "open", DiskException.NOWHERE, "the snapshots have too many tables");
      }
      clusters.add(MetadataClusters.Kind.SNAPSHOT_L1_TABLE, entry.l1Offset(), entry.l1Bytes());
    }
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
    try (HeaderChange change = new HeaderChange(metadata)) {
      long[] l1 = notCopied(sharable(change));
      long place = change.write(MetadataClusters.Kind.SNAPSHOT_L1_TABLE, ClusterMap.bytes(l1));
      Snapshot snapshot =
          new Snapshot(newId(), name, Instant.now(), metadata.size(), 0, Duration.ZERO);
      List<SnapshotTable.Entry> more = new ArrayList<>(entries);
      more.add(SnapshotTable.entry(snapshot, place, l1.length));
      long table = write(change, more);
      change.count(l1);
      references.raise(l1);
      change.make(metadata.size(), more.size(), table);
      use(table, more);
      return snapshot;
    }
  }

  /** The active L1 table, with copies of the L2 tables that have clusters of their own. */
  private long[] sharable(HeaderChange change) throws DiskException {
    long[] l1 = metadata.map.l1().clone();
    for (int i = 0; i < l1.length; i++) {
      if ((l1[i] & L2Entry.COPIED) != 0 && references.hasMark(l1[i], true)) {
        l1[i] = change.copyTable(l1[i]);
      }
    }
    return l1;
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
    long[] before = metadata.map.l1();
    long[] l1 = notCopied(metadata.map.readL1(entry.l1Offset(), entry.l1Entries()));
    try (HeaderChange change = new HeaderChange(metadata)) {
      change.count(l1);
      references.raise(l1);
      change.make(entry.snapshot().diskSize(), entries.size(), tableOffset);
    }
    references.lower(before);
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
    long[] gone = metadata.map.readL1(entry.l1Offset(), entry.l1Entries());
    List<SnapshotTable.Entry> fewer = new ArrayList<>(entries);
    fewer.remove(entry);
    try (HeaderChange change = new HeaderChange(metadata)) {
      long[] before = metadata.map.l1();
      long[] l1 = before.clone();
      for (int i = 0; i < l1.length; i++) {
        l1[i] = without(gone, i, l1[i], change);
      }
      long table = write(change, fewer);
      change.count(l1);
      references.lower(gone);
      for (int i = 0; i < l1.length; i++) {
        if ((l1[i] & L2Entry.OFFSET) != (before[i] & L2Entry.OFFSET)) {
          references.markCopied(l1[i]);
        }
      }
      change.make(metadata.size(), fewer.size(), table);
      use(table, fewer);
    }
    metadata.free(entry.l1Offset(), entry.l1Bytes());
    references.punchUnused(gone);
    metadata.commit();
  }

  /** An entry of the active L1 table when another table is gone; some clusters may be its own. */
  private long without(long[] gone, int index, long l1Entry, HeaderChange change)
      throws DiskException {
    long table = l1Entry & L2Entry.OFFSET;
    int shared = index < gone.length && (gone[index] & L2Entry.OFFSET) == table ? 1 : 0;
    if (table == 0
        || metadata.refcounts.get(table >>> metadata.header.clusterBits()) - shared != 1) {
      return l1Entry;
    }
    boolean changes = references.hasMark(l1Entry, false);
    return L2Entry.COPIED | (changes ? change.copyTable(l1Entry) : table);
  }

  /** Writes a table of snapshots; tells where. */
  private static long write(HeaderChange change, List<SnapshotTable.Entry> table)
      throws DiskException {
    return change.write(MetadataClusters.Kind.SNAPSHOT_TABLE, SnapshotTable.bytes(table));
  }

  /** The header points to another table of snapshots. */
  private void use(long offset, List<SnapshotTable.Entry> by) throws DiskException {
    long oldOffset = tableOffset;
    long oldBytes = tableBytes;
    tableOffset = offset;
    tableBytes = SnapshotTable.bytes(by).capacity();
    entries.clear();
    entries.addAll(by);
    metadata.free(oldOffset, oldBytes);
  }
}
