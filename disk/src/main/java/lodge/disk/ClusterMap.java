package lodge.disk;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import lodge.disk.DiskException.Kind;

/** Where the guest's clusters are: the L1 table, and the L2 tables it points to. */
final class ClusterMap {
  private final ImageFile file;
  private final Qcow2Header header;
  private final Refcounts refcounts;
  private final Consumer<Long> release;
  private final TableCache tables;
  private final long[] l1;

  /** The entries of the L1 table that the file does not have yet. */
  private int firstDirty = Integer.MAX_VALUE;

  private int lastDirty = -1;

  /**
   * @param release told of clusters to which the table's reference is gone once it is written
   */
  ClusterMap(
      ImageFile file,
      Qcow2Header header,
      Refcounts refcounts,
      long cacheBytes,
      TableCache.Cleaner cleaner,
      Consumer<Long> release)
      throws DiskException {
    this.file = file;
    this.header = header;
    this.refcounts = refcounts;
    this.release = release;
    tables = new TableCache(file, "an L2 table", header.clusterSize(), cacheBytes, cleaner);
    l1 = new long[header.l1Entries()];
    ByteBuffer bytes = ByteBuffer.allocate(l1.length * Long.BYTES);
    if (l1.length > 0) {
      file.readAll(header.l1Offset(), bytes, "the L1 table");
    }
    bytes.flip().asLongBuffer().get(l1);
  }

  private int l1Index(long guestOffset) {
    return (int) (guestOffset >>> 2 * header.clusterBits() - 3);
  }

  private int l2Position(long guestOffset) {
    return (int) (guestOffset >>> header.clusterBits() & header.clusterSize() / 8 - 1) * Long.BYTES;
  }

  int l1Entries() {
    return l1.length;
  }

  long l1Entry(int index) {
    return l1[index];
  }

  /** Whether an L1 entry that is not 0 can point to a table. */
  boolean isSound(long l1Entry) {
    long offset = l1Entry & L2Entry.OFFSET;
    return (l1Entry & ~(L2Entry.COPIED | L2Entry.OFFSET)) == 0
        && (offset & header.clusterSize() - 1) == 0
        && !refcounts.isFixed(offset);
  }

  /** The L2 table of an L1 entry that is not 0, valid until the next call. */
  ByteBuffer table(long l1Entry) throws DiskException {
    if (!isSound(l1Entry)) {
      throw file.error(
          Kind.CORRUPT, "use an L2 table", l1Entry & L2Entry.OFFSET, "it is no place for one");
    }
    return tables.get(l1Entry & L2Entry.OFFSET);
  }

  /** The entry of a guest's cluster; 0 where there is none. */
  long entry(long guestOffset) throws DiskException {
    long l1Entry = l1[l1Index(guestOffset)];
    if (l1Entry == 0) {
      return 0;
    }
    long entry = table(l1Entry).getLong(l2Position(guestOffset));
    if (!L2Entry.isKnown(entry, header.hasZeroClusters())) {
      throw file.error(
          Kind.CORRUPT,
          "use an L2 table",
          (l1Entry & L2Entry.OFFSET) + l2Position(guestOffset),
          "an entry has reserved bits");
    }
    return entry;
  }

  void set(long guestOffset, long entry) throws DiskException {
    int index = l1Index(guestOffset);
    long old = l1[index];
    if ((old & L2Entry.COPIED) == 0) {
      byte[] content = old == 0 ? new byte[0] : table(old).array().clone();
      long place = refcounts.allocate();
      tables.add(place).put(0, content);
      l1[index] = place | L2Entry.COPIED;
      firstDirty = Math.min(firstDirty, index);
      lastDirty = Math.max(lastDirty, index);
      if (old != 0) {
        release.accept(old & L2Entry.OFFSET);
      }
    }
    table(l1[index]);
    tables.change(l1[index] & L2Entry.OFFSET).putLong(l2Position(guestOffset), entry);
  }

  boolean isDirty() {
    return isL1Dirty() || tables.isDirty();
  }

  boolean isL1Dirty() {
    return lastDirty >= 0;
  }

  void writeBackTables() throws DiskException {
    tables.writeBack();
  }

  /** After the tables it points to are durable. */
  void writeBackL1() throws DiskException {
    int count = lastDirty - firstDirty + 1;
    ByteBuffer bytes = ByteBuffer.allocate(count * Long.BYTES);
    bytes.asLongBuffer().put(l1, firstDirty, count);
    file.write(header.l1Offset() + firstDirty * 8L, bytes);
    firstDirty = Integer.MAX_VALUE;
    lastDirty = -1;
  }
}
