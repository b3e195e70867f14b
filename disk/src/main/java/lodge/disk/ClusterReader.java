package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import lodge.disk.L2Entry.Content;

/** Finds what an entry of the cluster map stands for: in the file, behind it, or zeroes. */
final class ClusterReader implements AutoCloseable {
  /** Where the guest's data is. */
  private final ImageFile data;

  private final ImageFile file;
  private final Qcow2Metadata metadata;
  private final ClusterMap map;
  private final CompressedClusters compressed;
  private final int clusterSize;

  /** Of what is alike for sure: a cluster or a subcluster. */
  private final int unit;

  /** Null for nothing. */
  private DiskImage behind;

  ClusterReader(Qcow2Metadata metadata) throws DiskException {
    this.metadata = metadata;
    file = metadata.file;
    map = metadata.map;
    clusterSize = metadata.header.clusterSize();
    unit = metadata.header.subclusterSize();
    compressed = new CompressedClusters(file, metadata.header);
    String name = metadata.header.dataFile();
    data =
        name == null ? file : ImageFile.open(BackingChain.resolve(file.path(), name), Access.READ);
  }

  void showBehind(DiskImage image) {
    behind = image;
  }

  boolean hasBehind() {
    return behind != null;
  }

  long sizeBehind() {
    return behind == null ? 0 : behind.size();
  }

  /** The file's content may have changed. */
  void forget() {
    compressed.forget();
  }

  private int within(long offset) {
    return (int) (offset & clusterSize - 1);
  }

  /** How much there is from an offset to the end of its unit. */
  private int rest(long offset) {
    return unit - (int) (offset & unit - 1);
  }

  /** How much from an offset on is one request for whoever has it, at most a number of bytes. */
  int together(long entry, long at, int most) throws DiskException {
    Content content = L2Entry.content(entry);
    int count = rest(at);
    if (content != Content.COMPRESSED) {
      while (count < most && goesOn(content, entry, at, map.peek(at + count), count)) {
        count += unit;
      }
    }
    return Math.min(count, most);
  }

  /** Whether the next entry goes on at a distance from an offset that is in an entry before. */
  private boolean goesOn(Content content, long entry, long at, long next, int distance)
      throws DiskException {
    return next != ClusterMap.UNKNOWN
        && L2Entry.content(next) == content
        && (content != Content.DATA || place(next, at + distance) == place(entry, at) + distance);
  }

  private long place(long entry, long at) throws DiskException {
    return metadata.dataOffset(entry) + within(at);
  }

  /** Fills a buffer with what is in a cluster, and in those that go on with it. */
  void read(long entry, long at, ByteBuffer into) throws IOException {
    switch (L2Entry.content(entry)) {
      case BACKING -> readBehind(at, into);
      case ZEROES -> Buffers.zero(into, into.remaining());
      case DATA -> data.read(place(entry, at), into);
      case COMPRESSED -> compressed.read(entry, within(at), into);
    }
  }

  private void readBehind(long at, ByteBuffer into) throws IOException {
    int count = Math.clamp(sizeBehind() - at, 0, into.remaining());
    if (count > 0) {
      behind.read(at, Buffers.takeOrAll(into, count));
    }
    Buffers.zero(into, into.remaining());
  }

  /** What is at an offset, up to the end of its cluster or subcluster. */
  Extent extent(long entry, long offset) throws IOException {
    Content content = L2Entry.content(entry);
    long length = Math.min(metadata.size() - offset, rest(offset));
    if (content == Content.BACKING && sizeBehind() > offset) {
      return behind.extent(offset).before(offset + length).behind();
    }
    boolean hasPlace =
        content == Content.DATA || (content == Content.ZEROES && (entry & L2Entry.OFFSET) != 0);
    long host = hasPlace ? place(entry, offset) : Extent.NOWHERE;
    return switch (content) {
      case BACKING -> new Extent(offset, length, Extent.Content.UNALLOCATED, 0, Extent.NOWHERE);
      case ZEROES -> new Extent(offset, length, Extent.Content.ZERO, 0, host);
      case DATA, COMPRESSED -> new Extent(offset, length, Extent.Content.DATA, 0, host);
    };
  }

  /** Whether what is behind has nothing at a cluster and after. */
  boolean isAfterBehind(long at) {
    return sizeBehind() <= at - within(at);
  }

  /** Whether a cluster reads as zeroes, for all that the tables tell. */
  boolean readsAsZeroes(long entry, long at) {
    return switch (L2Entry.content(entry)) {
      case ZEROES -> true;
      case BACKING -> isAfterBehind(at);
      default -> false;
    };
  }

  @Override
  public void close() throws DiskException {
    compressed.close();
    if (data != file) {
      data.close();
    }
  }
}
