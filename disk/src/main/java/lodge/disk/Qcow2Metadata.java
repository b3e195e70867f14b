package lodge.disk;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;
import lodge.disk.DiskException.Kind;
import lodge.disk.L2Entry.Content;

/**
 * All that a qcow2 file has beside the guest's data, and the order in which it reaches the file:
 * data and refcounts, then the L2 tables, then the L1 table. Clusters are free only after the
 * tables that do not have them any more are durable. Whoever uses this makes sure that one thread
 * does at a time.
 */
final class Qcow2Metadata {
  /** Refcounts are used one after the other. */
  private static final int REFCOUNT_CACHE_SHARE = 4;

  /** How many clusters wait for being free, at most. */
  private static final int MAX_RELEASED = 4096;

  /** Called before clusters are freed: returns when nobody uses them any more. */
  interface Quiescence {
    void await();
  }

  final ImageFile file;
  final Qcow2Header header;
  final MetadataClusters clusters;
  final Refcounts refcounts;
  final ClusterMap map;
  final Snapshots snapshots;
  private final Quiescence quiescence;

  /** References that will be gone when the tables are written. */
  private final ArrayDeque<Long> released = new ArrayDeque<>();

  private volatile long size;
  private volatile boolean corrupt;

  Qcow2Metadata(ImageFile file, Qcow2Header header, LongSupplier cacheBytes, Quiescence quiescence)
      throws DiskException {
    this.file = file;
    this.header = header;
    this.quiescence = quiescence;
    clusters = new MetadataClusters(header.clusterBits());
    clusters.add(MetadataClusters.Kind.HEADER, 0, header.clusterSize());
    clusters.add(MetadataClusters.Kind.L1_TABLE, header.l1Offset(), header.l1Entries() * 8L);
    clusters.add(
        MetadataClusters.Kind.REFCOUNT_TABLE,
        header.refcountTableOffset(),
        header.refcountTableBytes());
    refcounts =
        new Refcounts(file, header, clusters, () -> cacheBytes.getAsLong() / REFCOUNT_CACHE_SHARE);
    map =
        new ClusterMap(file, header, refcounts, clusters, cacheBytes, this::commit, this::release);
    snapshots = new Snapshots(this);
    size = header.size();
    corrupt = (header.incompatible() & Qcow2Header.CORRUPT) != 0;
  }

  /** Makes the refcounts right where others have left them behind. */
  void settle() throws DiskException {
    if ((header.incompatible() & Qcow2Header.DIRTY) != 0) {
      new Qcow2Check(this).rebuildRefcounts();
      putHeader(
          Qcow2Header.INCOMPATIBLE_FIELD, longBytes(header.incompatible() & ~Qcow2Header.DIRTY));
    }
  }

  /** Before the first write: what Lodge does not keep up to date is not valid any more. */
  private void clearAutoclear() throws DiskException {
    if (header.autoclear() != 0) {
      putHeader(Qcow2Header.AUTOCLEAR_FIELD, longBytes(0));
    }
  }

  void prepareForWriting() throws DiskException {
    checkLodgeWrites();
    checkNotCorrupt("open", DiskException.NOWHERE);
    settle();
    clearAutoclear();
  }

  private static ByteBuffer longBytes(long value) {
    return ByteBuffer.allocate(Long.BYTES).putLong(value);
  }

  /** Fields of the header change together, durably: they are in one sector. */
  void putHeader(int field, ByteBuffer bytes) throws DiskException {
    file.commit(field, bytes.flip());
  }

  void checkLodgeWrites() throws DiskException {
    if (header.onlyRead() != null) {
      throw file.error(
          Kind.UNSUPPORTED,
          "open for writing",
          DiskException.NOWHERE,
          "Lodge only reads images with " + header.onlyRead());
    }
  }

  void checkNotCorrupt(String operation, long offset) throws DiskException {
    if (corrupt) {
      throw file.error(Kind.CORRUPT, operation, offset, "it is marked as corrupt: not for writing");
    }
  }

  /** Nothing is written any more, so that what is wrong does not become worse; as QEMU does it. */
  void markCorrupt() throws DiskException {
    if (!corrupt) {
      corrupt = true;
      if (header.version() >= 3) {
        long bits = header.incompatible() & ~Qcow2Header.DIRTY | Qcow2Header.CORRUPT;
        putHeader(Qcow2Header.INCOMPATIBLE_FIELD, longBytes(bits));
      }
    }
  }

  void clearCorrupt() throws DiskException {
    if (corrupt) {
      long bits = header.incompatible() & ~(Qcow2Header.DIRTY | Qcow2Header.CORRUPT);
      putHeader(Qcow2Header.INCOMPATIBLE_FIELD, longBytes(bits));
      corrupt = false;
    }
  }

  boolean isCorrupt() {
    return corrupt;
  }

  /** Of the disk, in bytes. */
  long size() {
    return size;
  }

  /** The disk has another size from now on, in memory; what is written there is not yet durable. */
  void pretendSize(long bytes) {
    size = bytes;
  }

  void putSize() throws DiskException {
    putHeader(Qcow2Header.SIZE_FIELD, longBytes(size));
  }

  /** Writes metadata to clusters of its own. */
  long write(MetadataClusters.Kind kind, ByteBuffer bytes) throws DiskException {
    int count = Math.ceilDiv(bytes.remaining(), header.clusterSize());
    if (count == 0) {
      return 0;
    }
    long place = refcounts.allocate(count);
    clusters.add(kind, place, bytes.remaining());
    ByteBuffer whole = ByteBuffer.allocate(count * header.clusterSize());
    file.write(place, whole.put(bytes).clear());
    return place;
  }

  /** Metadata that the file does not point to any more. */
  void free(long offset, long bytes) throws DiskException {
    clusters.remove(offset, bytes);
    for (long at = offset; at < offset + bytes; at += header.clusterSize()) {
      refcounts.free(at);
    }
  }

  /** Another active L1 table and size, in one step. */
  void replaceL1(long[] words, long newSize) throws DiskException {
    long place = write(MetadataClusters.Kind.L1_TABLE, ClusterMap.bytes(words));
    commit();
    putHeader(
        Qcow2Header.SIZE_FIELD,
        ByteBuffer.allocate(24).putLong(newSize).putInt(0).putInt(words.length).putLong(place));
    useL1(place, words, newSize);
  }

  /** The header has another active L1 table and size. */
  void useL1(long offset, long[] words, long newSize) throws DiskException {
    long oldOffset = map.l1Offset();
    long oldBytes = map.l1().length * 8L;
    map.use(offset, words);
    size = newSize;
    free(oldOffset, oldBytes);
  }

  /** Where the data of an entry is. */
  long dataOffset(long entry) throws DiskException {
    long offset = entry & L2Entry.OFFSET;
    if (offset >= file.end() && !header.hasDataFile()) {
      throw file.error(Kind.CORRUPT, "use a cluster", offset, "it is past the end of the file");
    }
    if ((offset & header.clusterSize() - 1) != 0) {
      throw file.error(Kind.CORRUPT, "use a cluster", offset, "it is no place for one");
    }
    return offset;
  }

  /** The same for data to be written, which must not go over anything else. */
  long writableOffset(long entry) throws DiskException {
    long offset = dataOffset(entry);
    MetadataClusters.Kind kind = clusters.at(offset);
    if (kind != null) {
      throw file.error(Kind.CORRUPT, "write", offset, kind.label + " is there");
    }
    return offset;
  }

  /** One reference to a cluster is gone, once the tables are durable. */
  private void release(long offset) {
    released.add(offset);
  }

  /** The same for the clusters of an entry that was replaced. */
  void releaseEntry(long entry) throws DiskException {
    forEachCluster(entry, this::release);
    if (released.size() > MAX_RELEASED) {
      commit();
    }
  }

  /** Visits the clusters that an L2 entry references. */
  <E extends Exception> void forEachCluster(long entry, ClusterVisitor<E> visitor) throws E {
    if (L2Entry.content(entry) == Content.COMPRESSED) {
      long last = CompressedClusters.last(entry, header.clusterBits());
      long first = CompressedClusters.offset(entry, header.clusterBits());
      for (long at = first & -header.clusterSize(); at <= last; at += header.clusterSize()) {
        visitor.visit(at);
      }
    } else if ((entry & L2Entry.OFFSET) != 0) {
      visitor.visit(entry & L2Entry.OFFSET);
    }
  }

  /** Called with the offset of a cluster. */
  interface ClusterVisitor<E extends Exception> {
    void visit(long offset) throws E;
  }

  /** Makes everything durable. */
  void commit() throws DiskException {
    refcounts.writeBack();
    file.force();
    if (!map.isDirty()) {
      return;
    }
    map.writeBackTables();
    if (map.isL1Dirty()) {
      file.force();
      map.writeBackL1();
    }
    file.force();
    if (!released.isEmpty()) {
      quiescence.await();
      while (!released.isEmpty()) {
        refcounts.free(released.remove());
      }
    }
  }
}
