package lodge.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Another active L1 table, snapshot table and refcounts, made beside those there are, which one
 * write of the header replaces all at once. So no moment is seen at which marks of clusters that
 * have one reference only, {@link L2Entry#COPIED}, contradict the refcounts.
 *
 * <p>Places are taken first, then references are counted, and then the change is made; when that
 * does not come to pass, everything is as before.
 */
final class HeaderChange implements AutoCloseable {
  private final Qcow2Metadata metadata;
  private final ClusterMap map;
  private final Refcounts refcounts;

  /** What is new, without what is in another's place. */
  private record Part(MetadataClusters.Kind kind, long offset, long bytes) {}

  private final List<Part> added = new ArrayList<>();

  /** Offsets of L2 tables that others replace. */
  private final List<Long> replaced = new ArrayList<>();

  private long[] l1;
  private long l1Offset;
  private boolean made;

  HeaderChange(Qcow2Metadata metadata) throws DiskException {
    this.metadata = metadata;
    map = metadata.map;
    refcounts = metadata.refcounts;
    metadata.commit();
  }

  /** An L2 table like one of the active ones, which it replaces; where it is. */
  long copyTable(long l1Entry) throws DiskException {
    long[] words = map.table(l1Entry);
    long place = refcounts.allocate();
    added.add(new Part(MetadataClusters.Kind.L2_TABLE, place, metadata.header.clusterSize()));
    System.arraycopy(words, 0, map.addTable(place), 0, words.length);
    replaced.add(l1Entry & L2Entry.OFFSET);
    return place;
  }

  long write(MetadataClusters.Kind kind, ByteBuffer bytes) throws DiskException {
    int count = bytes.remaining();
    long place = metadata.write(kind, bytes);
    added.add(new Part(kind, place, count));
    return place;
  }

  /** Takes a place for the active L1 table; from now on references are counted. */
  void count(long[] l1) throws DiskException {
    this.l1 = l1;
    l1Offset = write(MetadataClusters.Kind.L1_TABLE, ClusterMap.bytes(l1));
    refcounts.fork();
  }

  /** Makes the change, durably. */
  void make(long size, int snapshots, long snapshotsOffset) throws DiskException {
    metadata.commit();
    ByteBuffer fields = ByteBuffer.allocate(48).putLong(size).putInt(0);
    fields.putInt(l1.length).putLong(l1Offset);
    fields.putLong(refcounts.tableOffset()).putInt(refcounts.tableClusters());
    metadata.putHeader(Qcow2Header.SIZE_FIELD, fields.putInt(snapshots).putLong(snapshotsOffset));
    made = true;
    refcounts.keepFork();
    metadata.useL1(l1Offset, l1, size);
    for (long table : replaced) {
      refcounts.free(table);
    }
  }

  @Override
  public void close() throws DiskException {
    if (!made) {
      refcounts.dropFork();
      for (Part part : added) {
        if (part.kind == MetadataClusters.Kind.L2_TABLE) {
          map.forgetTable(part.offset);
        }
        metadata.free(part.offset, part.bytes);
      }
    }
  }
}
