package lodge.disk;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
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
  private final Quiescence quiescence;

  /** References that will be gone when the tables are written. */
  private final ArrayDeque<Long> released = new ArrayDeque<>();

  private volatile boolean corrupt;

  Qcow2Metadata(ImageFile file, Qcow2Header header, long cacheBytes, Quiescence quiescence)
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
    refcounts = new Refcounts(file, header, clusters, cacheBytes / REFCOUNT_CACHE_SHARE);
    map =
        new ClusterMap(file, header, refcounts, clusters, cacheBytes, this::commit, this::release);
    corrupt = (header.incompatible() & Qcow2Header.CORRUPT) != 0;
  }

  /** Settles what others have left, before the first write. */
  void prepareForWriting() throws DiskException {
    checkNotCorrupt("open", DiskException.NOWHERE);
    if (header.snapshots() != 0) {
      throw file.error(
          Kind.UNSUPPORTED,
          "open",
          DiskException.NOWHERE,
          "it has internal snapshots: not for writing");
    }
    if ((header.incompatible() & Qcow2Header.DIRTY) != 0) {
      new Qcow2Check(this).rebuildRefcounts();
      refcounts.writeBack();
      file.force();
      putHeader(Qcow2Header.INCOMPATIBLE_FIELD, header.incompatible() & ~Qcow2Header.DIRTY);
    }
    if (header.autoclear() != 0) {
      putHeader(Qcow2Header.AUTOCLEAR_FIELD, 0);
    }
  }

  private void putHeader(int field, long value) throws DiskException {
    file.write(field, ByteBuffer.allocate(Long.BYTES).putLong(0, value));
    file.force();
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
        putHeader(Qcow2Header.INCOMPATIBLE_FIELD, bits);
      }
    }
  }

  boolean isCorrupt() {
    return corrupt;
  }

  /** Where the data of an entry is. */
  long dataOffset(long entry) throws DiskException {
    long offset = entry & L2Entry.OFFSET;
    if (offset >= file.end()) {
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
