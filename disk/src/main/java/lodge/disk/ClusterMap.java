package lodge.disk;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import lodge.disk.DiskException.Kind;

/**
 * Where the guest's clusters are: the active L1 table, and the L2 tables it points to. {@link
 * #peek} may be called by several threads at once, and beside the other methods.
 */
final class ClusterMap {
  /** What {@link #peek} says when a table has to be read first; no entry is like this. */
  static final long UNKNOWN = -1;

  private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);

  private final ImageFile file;
  private final Qcow2Header header;
  private final Refcounts refcounts;
  private final MetadataClusters metadata;
  private final LongConsumer release;
  private final TableCache tables;
  private volatile long[] l1 = {};
  private long l1Offset;

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
      MetadataClusters metadata,
      LongSupplier cacheBytes,
      TableCache.Cleaner cleaner,
      LongConsumer release)
      throws DiskException {
    this.file = file;
    this.header = header;
    this.refcounts = refcounts;
    this.metadata = metadata;
    this.release = release;
    tables = new TableCache(file, "an L2 table", header.clusterSize(), cacheBytes, cleaner);
    use(header.l1Offset(), readL1(header.l1Offset(), header.l1Entries()));
  }

  /** An L1 table, the active one or a snapshot's. */
  long[] readL1(long offset, int entries) throws DiskException {
    long[] words = new long[entries];
    if (entries > 0) {
      ByteBuffer bytes = ByteBuffer.allocate(entries * Long.BYTES);
      file.readAll(offset, bytes, "the L1 table");
      bytes.flip().asLongBuffer().get(words);
    }
    return words;
  }

  /** Another L1 table, that the file has, takes the place of the one before. */
  void use(long offset, long[] words) {
    for (long entry : l1) {
      if (metadata.at(entry & L2Entry.OFFSET) == MetadataClusters.Kind.L2_TABLE) {
        metadata.remove(entry & L2Entry.OFFSET, header.clusterSize());
      }
    }
    l1Offset = offset;
    l1 = words;
    firstDirty = Integer.MAX_VALUE;
    lastDirty = -1;
    for (long entry : words) {
      long table = entry & L2Entry.OFFSET;
      if (isPlace(table) && metadata.at(table) == null) {
        metadata.add(MetadataClusters.Kind.L2_TABLE, table, header.clusterSize());
      }
    }
  }

  private boolean isPlace(long offset) {
    return offset != 0 && (offset & header.clusterSize() - 1) == 0;
  }

  private int l1Index(long guestOffset) {
    return (int) (guestOffset >>> header.l2CoverageBits());
  }

  private int l2Index(long guestOffset) {
    return (int) (guestOffset >>> header.clusterBits() & header.l2Entries() - 1)
        * header.l2EntryWords();
  }

  long l1Offset() {
    return l1Offset;
  }

  /** The active L1 table as it is now. */
  long[] l1() {
    return l1;
  }

  /** Whether an L1 entry that is not 0 can point to a table. */
  boolean isSound(long l1Entry) {
    long offset = l1Entry & L2Entry.OFFSET;
    if ((l1Entry & ~(L2Entry.COPIED | L2Entry.OFFSET)) != 0 || !isPlace(offset)) {
      return false;
    }
    MetadataClusters.Kind kind = metadata.at(offset);
    return kind == null || kind == MetadataClusters.Kind.L2_TABLE;
  }

  private long tableOffset(long l1Entry) throws DiskException {
    if (!isSound(l1Entry)) {
      throw file.error(
          Kind.CORRUPT, "use an L2 table", l1Entry & L2Entry.OFFSET, "it is no place for one");
    }
    return l1Entry & L2Entry.OFFSET;
  }

  /** The L2 table of an L1 entry that is not 0, of the active table or of a snapshot's. */
  long[] table(long l1Entry) throws DiskException {
    return tables.get(tableOffset(l1Entry));
  }

  /** The same, to be changed before the next call. */
  long[] changeTable(long l1Entry) throws DiskException {
    return tables.change(tableOffset(l1Entry));
  }

  /** A table of zeroes, to be changed before the next call, that is no active one yet. */
  long[] addTable(long offset) throws DiskException {
    return tables.add(offset);
  }

  /** A table that never became an active one is not written. */
  void forgetTable(long offset) {
    tables.forget(offset);
  }

  /** The entry of a guest's cluster, or for its subcluster; 0 where there is none. */
  long entry(long guestOffset) throws DiskException {
    long l1Entry = l1[l1Index(guestOffset)];
    return l1Entry == 0 ? 0 : known(table(l1Entry), l1Entry, guestOffset);
  }

  /** The same as far as it is in memory, else {@link #UNKNOWN}. */
  long peek(long guestOffset) throws DiskException {
    long l1Entry = (long) WORDS.getAcquire(l1, l1Index(guestOffset));
    if (l1Entry == 0) {
      return 0;
    }
    long[] table = tables.peek(l1Entry & L2Entry.OFFSET);
    return table == null ? UNKNOWN : known(table, l1Entry, guestOffset);
  }

  private long known(long[] table, long l1Entry, long guestOffset) throws DiskException {
    int index = l2Index(guestOffset);
    long entry = (long) WORDS.getAcquire(table, index);
    if (!L2Entry.isKnown(entry, header.hasZeroClusters())) {
      throw corruptEntry(l1Entry, index, "an entry has reserved bits");
    }
    if (header.hasSubclusters()) {
      long within = guestOffset & header.clusterSize() - 1;
      int number = (int) (within / header.subclusterSize());
      entry = L2Entry.ofSubcluster(entry, table[index + 1], number);
      if (entry == L2Entry.CONTRADICTION) {
        throw corruptEntry(l1Entry, index, "an entry contradicts itself");
      }
    }
    // Data at offset 0 can only be in a file of its own.
    return entry == L2Entry.COPIED && !header.hasDataFile() ? 0 : entry;
  }

  private DiskException corruptEntry(long l1Entry, int index, String reason) {
    long offset = (l1Entry & L2Entry.OFFSET) + (long) index * Long.BYTES;
    return file.error(Kind.CORRUPT, "use an L2 table", offset, reason);
  }

  void set(long guestOffset, long entry) throws DiskException {
    int index = l1Index(guestOffset);
    long old = l1[index];
    if ((old & L2Entry.COPIED) == 0) {
      long[] content = old == 0 ? new long[0] : table(old).clone();
      long place = refcounts.allocate();
      System.arraycopy(content, 0, tables.add(place), 0, content.length);
      metadata.add(MetadataClusters.Kind.L2_TABLE, place, header.clusterSize());
      setL1(index, place | L2Entry.COPIED);
      if (old != 0) {
        releaseTable(old);
      }
    }
    WORDS.setRelease(changeTable(l1[index]), l2Index(guestOffset), entry);
  }

  private void releaseTable(long l1Entry) {
    metadata.remove(l1Entry & L2Entry.OFFSET, header.clusterSize());
    release.accept(l1Entry & L2Entry.OFFSET);
  }

  void setL1(int index, long entry) {
    WORDS.setRelease(l1, index, entry);
    firstDirty = Math.min(firstDirty, index);
    lastDirty = Math.max(lastDirty, index);
  }

  boolean hasTable(long guestOffset) {
    return l1[l1Index(guestOffset)] != 0;
  }

  /** Gives up the tables for a part of the disk alone; they must not have entries any more. */
  void dropTables(long from, long to) {
    long first = Math.ceilDiv(from, 1L << header.l2CoverageBits());
    for (long i = first; i < header.l1EntriesFor(to); i++) {
      if (l1[(int) i] != 0) {
        releaseTable(l1[(int) i]);
        setL1((int) i, 0);
      }
    }
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
    if (isL1Dirty()) {
      file.write(
          l1Offset + firstDirty * 8L, bytes(Arrays.copyOfRange(l1, firstDirty, lastDirty + 1)));
      firstDirty = Integer.MAX_VALUE;
      lastDirty = -1;
    }
  }

  /** An L1 table as the file has it. */
  static ByteBuffer bytes(long[] words) {
    ByteBuffer bytes = ByteBuffer.allocate(words.length * Long.BYTES);
    bytes.asLongBuffer().put(words);
    return bytes;
  }
}
