package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import lodge.disk.DiskException.Kind;

/** The table of an image's snapshots: qcow2 specification, "Snapshots". */
final class SnapshotTable {
  /** A snapshot, and where its L1 table is. */
  record Entry(Snapshot snapshot, long l1Offset, int l1Entries, byte[] extra) {
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
      ByteBuffer rest = ByteBuffer.allocate(extraBytes + idBytes + nameBytes);
      file.readAll(at + FIXED, rest, "the snapshot table");
      Entry entry = entry(header, fixed, rest.flip(), extraBytes, idBytes);
      checkL1(file, header, entry);
      entries.add(entry);
      at += FIXED + rest.capacity() + 7 & ~7;
      require(file, at - header.snapshotsOffset() <= MAX_BYTES, "the snapshot table is too long");
    }
    return entries;
  }

  private static Entry entry(
      Qcow2Header header, ByteBuffer fixed, ByteBuffer rest, int extraBytes, int idBytes) {
    byte[] extra = new byte[extraBytes];
    rest.get(extra);
    byte[] id = new byte[idBytes];
    rest.get(id);
    byte[] name = new byte[rest.remaining()];
    rest.get(name);
    ByteBuffer numbers = ByteBuffer.wrap(extra);
    long stateSize = extraBytes >= 8 ? numbers.getLong(0) : fixed.getInt(32) & 0xFFFF_FFFFL;
    long diskSize = extraBytes >= 16 ? numbers.getLong(8) : header.size();
    Snapshot snapshot =
        new Snapshot(
            new String(id, StandardCharsets.UTF_8),
            new String(name, StandardCharsets.UTF_8),
            Instant.ofEpochSecond(fixed.getInt(16) & 0xFFFF_FFFFL, fixed.getInt(20) & 0xFFFF_FFFFL),
            diskSize,
            stateSize,
            Duration.ofNanos(fixed.getLong(24)));
    return new Entry(snapshot, fixed.getLong(0), fixed.getInt(8), extra);
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

  /** What QEMU keeps beside a new snapshot. */
  static byte[] extra(long diskSize) {
    return ByteBuffer.allocate(EXTRA).putLong(0).putLong(diskSize).putLong(-1).array();
  }

  static ByteBuffer bytes(List<Entry> entries) {
    int size = 0;
    for (Entry entry : entries) {
      size += length(entry);
    }
    ByteBuffer bytes = ByteBuffer.allocate(size);
    int at = 0;
    for (Entry entry : entries) {
      Snapshot snapshot = entry.snapshot;
      byte[] id = snapshot.id().getBytes(StandardCharsets.UTF_8);
      byte[] name = snapshot.name().getBytes(StandardCharsets.UTF_8);
      bytes
          .position(at)
          .putLong(entry.l1Offset)
          .putInt(entry.l1Entries)
          .putShort((short) id.length)
          .putShort((short) name.length)
          .putInt((int) snapshot.created().getEpochSecond())
          .putInt(snapshot.created().getNano())
          .putLong(snapshot.vmClock().toNanos())
          .putInt((int) Math.min(snapshot.vmStateSize(), 0xFFFF_FFFFL))
          .putInt(entry.extra.length)
          .put(entry.extra)
          .put(id)
          .put(name);
      at += length(entry);
    }
    return bytes.clear();
  }

  private static int length(Entry entry) {
    int id = entry.snapshot.id().getBytes(StandardCharsets.UTF_8).length;
    int name = entry.snapshot.name().getBytes(StandardCharsets.UTF_8).length;
    return FIXED + entry.extra.length + id + name + 7 & ~7;
  }
}
