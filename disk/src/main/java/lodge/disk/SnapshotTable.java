package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lodge.disk.DiskException.Kind;

/** The table of an image's snapshots: qcow2 specification, "Snapshots". */
final class SnapshotTable {
  /**
   * A snapshot, and where its L1 table is.
   *
   * @param stored as the table has it, which is kept whatever its text and times are
   */
  record Entry(Snapshot snapshot, long l1Offset, int l1Entries, byte[] stored) {
    long l1Bytes() {
      return l1Entries * 8L;
    }

    boolean isCalled(String nameOrId) {
      return snapshot.id().equals(nameOrId) || snapshot.name().equals(nameOrId);
    }
  }

  /** The same limits as QEMU's. */
  static final int MAX_SNAPSHOTS = 65536;

  private static final int MAX_BYTES = 64 << 20;
  private static final int MAX_EXTRA = 1024;
  private static final int FIXED = 40;

  /** The state's size with 64 bits, the disk's size, and QEMU's instruction count, unknown. */
  private static final int EXTRA = 24;

  private SnapshotTable() {}

  static List<Entry> read(ImageFile file, Qcow2Header header) throws DiskException {
    int count = header.snapshots();
    require(
        file, count >= 0 && count <= MAX_SNAPSHOTS, Integer.toUnsignedString(count) + " snapshots");
    List<Entry> entries = new ArrayList<>();
    long at = header.snapshotsOffset();
    require(
        file,
        count == 0 || (at > 0 && (at & header.clusterSize() - 1) == 0),
        "the snapshot table is not at a cluster");
    for (int i = 0; i < count; i++) {
      ByteBuffer fixed = ByteBuffer.allocate(FIXED);
      file.readAll(at, fixed, "the snapshot table");
      int extraBytes = fixed.getInt(36);
      require(
          file, extraBytes >= 0 && extraBytes <= MAX_EXTRA, "a snapshot with too much beside it");
      int idBytes = fixed.getShort(12) & 0xFFFF;
      int nameBytes = fixed.getShort(14) & 0xFFFF;
      ByteBuffer stored = ByteBuffer.allocate(FIXED + extraBytes + idBytes + nameBytes);
      file.readAll(at, stored, "the snapshot table");
      Entry entry = entry(header, stored.clear(), extraBytes, idBytes);
      checkL1(file, header, entry);
      entries.add(entry);
      at += stored.capacity() + 7 & ~7;
      require(file, at - header.snapshotsOffset() <= MAX_BYTES, "the snapshot table is too long");
    }
    return entries;
  }

  private static Entry entry(Qcow2Header header, ByteBuffer stored, int extraBytes, int idBytes) {
    long stateSize = extraBytes >= 8 ? stored.getLong(FIXED) : stored.getInt(32) & 0xFFFF_FFFFL;
    long diskSize = extraBytes >= 16 ? stored.getLong(FIXED + 8) : header.size();
    int name = FIXED + extraBytes + idBytes;
    Snapshot snapshot =
        new Snapshot(
            new String(stored.array(), FIXED + extraBytes, idBytes, StandardCharsets.UTF_8),
            new String(stored.array(), name, stored.capacity() - name, StandardCharsets.UTF_8),
            Instant.ofEpochSecond(
                stored.getInt(16) & 0xFFFF_FFFFL, stored.getInt(20) & 0xFFFF_FFFFL),
            diskSize,
            stateSize,
            Duration.ofNanos(stored.getLong(24)));
    return new Entry(snapshot, stored.getLong(0), stored.getInt(8), stored.array());
  }

  private static void checkL1(ImageFile file, Qcow2Header header, Entry entry)
      throws DiskException {
    require(
        file,
        entry.l1Entries >= 0
            && entry.l1Bytes() <= Qcow2Header.MAX_L1_BYTES
            && (entry.l1Offset & header.clusterSize() - 1) == 0
            && entry.l1Offset >= 0
            && entry.l1Offset <= file.end() - entry.l1Bytes()
            && (entry.l1Entries == 0 || entry.l1Offset != 0),
        "the L1 table of a snapshot has no place");
    require(
        file,
        entry.snapshot.diskSize() >= 0
            && header.l1EntriesFor(entry.snapshot.diskSize()) <= entry.l1Entries,
        "the L1 table of a snapshot is too small");
  }

  private static void require(ImageFile file, boolean condition, String otherwise)
      throws DiskException {
    if (!condition) {
      throw file.error(Kind.CORRUPT, "open", DiskException.NOWHERE, otherwise);
    }
  }

  /** Of a new snapshot without a state, with what QEMU keeps beside it. */
  static Entry entry(Snapshot snapshot, long l1Offset, int l1Entries) {
    byte[] id = snapshot.id().getBytes(StandardCharsets.UTF_8);
    byte[] name = snapshot.name().getBytes(StandardCharsets.UTF_8);
    ByteBuffer stored = ByteBuffer.allocate(FIXED + EXTRA + id.length + name.length);
    stored.putLong(l1Offset).putInt(l1Entries);
    stored.putShort((short) id.length).putShort((short) name.length);
    stored.putInt((int) snapshot.created().getEpochSecond()).putInt(snapshot.created().getNano());
    stored.putLong(snapshot.vmClock().toNanos()).putInt(0).putInt(EXTRA);
    stored.putLong(0).putLong(snapshot.diskSize()).putLong(-1).put(id).put(name);
    return new Entry(snapshot, l1Offset, l1Entries, stored.array());
  }

  /** By the place of their L1 tables, the one with the longest of several at one place. */
  static Map<Long, Entry> byPlace(List<Entry> entries) {
    Map<Long, Entry> places = new TreeMap<>();
    for (Entry entry : entries) {
      places.merge(entry.l1Offset, entry, (a, b) -> a.l1Entries < b.l1Entries ? b : a);
    }
    return places;
  }

  static ByteBuffer bytes(List<Entry> entries) {
    ByteBuffer bytes = ByteBuffer.allocate(entries.stream().mapToInt(SnapshotTable::length).sum());
    for (Entry entry : entries) {
      int next = bytes.position() + length(entry);
      bytes.put(entry.stored).position(next);
    }
    return bytes.flip();
  }

  private static int length(Entry entry) {
    return entry.stored.length + 7 & ~7;
  }
}
