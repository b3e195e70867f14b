package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Optional;
import lodge.disk.DiskException.Kind;
import lodge.disk.L2Entry.Content;

/**
 * A qcow2 image of version 2 or 3. It takes space as it is written, and shows another image, which
 * stays as it is, where it was not.
 *
 * <p>What is written reaches the file in an order that leaves at worst unused clusters when the
 * host stops at any moment: data and refcounts, then the L2 tables, then the L1 table. Clusters are
 * free only after the tables that do not have them any more are durable.
 */
public final class Qcow2Image implements DiskImage {
  /** For the L2 tables; those of an image of 32 GiB with clusters of 64 KiB. */
  static final long CACHE_BYTES = 4 << 20;

  /** Refcounts are used one after the other. */
  private static final int REFCOUNT_CACHE_SHARE = 4;

  /** How many clusters wait for being free, at most. */
  private static final int MAX_RELEASED = 4096;

  private final ImageFile file;
  private final Qcow2Header header;
  private final Refcounts refcounts;
  private final ClusterMap map;
  private final CompressedClusters compressed;
  private final DiskImage backing;
  private final int clusterSize;

  /** Clusters whose references will be gone when the tables are written. */
  private final ArrayDeque<Long> released = new ArrayDeque<>();

  private boolean closed;

  Qcow2Image(ImageFile file, long cacheBytes, BackingChain chain) throws DiskException {
    this.file = file;
    header = Qcow2Header.read(file);
    clusterSize = header.clusterSize();
    refcounts = new Refcounts(file, header, cacheBytes / REFCOUNT_CACHE_SHARE);
    map = new ClusterMap(file, header, refcounts, cacheBytes, this::commit, released::add);
    compressed = new CompressedClusters(file, header.clusterBits());
    if (!file.readOnly()) {
      prepareForWriting();
    }
    backing = chain.open(file.path(), header);
  }

  public static Qcow2Image open(Path path, boolean readOnly) throws DiskException {
    return open(path, readOnly, CACHE_BYTES);
  }

  /**
   * @param cacheBytes for L2 tables; a quarter more is for refcounts, and each keeps at least one
   *     table
   */
  public static Qcow2Image open(Path path, boolean readOnly, long cacheBytes) throws DiskException {
    return open(path, readOnly, cacheBytes, BackingChain.EMPTY);
  }

  static Qcow2Image open(Path path, boolean readOnly, long cacheBytes, BackingChain chain)
      throws DiskException {
    ImageFile file = ImageFile.open(path, readOnly);
    try {
      return new Qcow2Image(file, cacheBytes, chain);
    } catch (DiskException e) {
      file.close();
      throw e;
    }
  }

  /** Makes an image in a file that does not exist yet. */
  public static void create(Path path, Qcow2Options options) throws IOException {
    Qcow2Creator.create(path, options);
  }

  /**
   * Compares the refcounts with the references, which takes nothing but reading without a repair.
   *
   * @param repairLeaks clusters that nobody uses become free, unless the image is damaged
   */
  public static CheckReport check(Path path, boolean repairLeaks) throws IOException {
    if (repairLeaks) {
      open(path, false, CACHE_BYTES).close(); // settles what a crash has left
    }
    try (ImageFile file = ImageFile.open(path, !repairLeaks)) {
      Qcow2Header header = Qcow2Header.read(file);
      Refcounts refcounts = new Refcounts(file, header, CACHE_BYTES);
      ClusterMap map = new ClusterMap(file, header, refcounts, CACHE_BYTES, () -> {}, _ -> {});
      CheckReport report = new Qcow2Check(file, header, refcounts, map).run(repairLeaks);
      refcounts.writeBack();
      return report;
    }
  }

  private void prepareForWriting() throws DiskException {
    if ((header.incompatible() & Qcow2Header.CORRUPT) != 0) {
      throw file.error(
          Kind.CORRUPT, "open", DiskException.NOWHERE, "it is marked as corrupt: not for writing");
    }
    if (header.snapshots() != 0) {
      throw file.error(
          Kind.UNSUPPORTED,
          "open",
          DiskException.NOWHERE,
          "it has internal snapshots: not for writing");
    }
    if ((header.incompatible() & Qcow2Header.DIRTY) != 0) {
      new Qcow2Check(file, header, refcounts, map).rebuildRefcounts();
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

  @Override
  public long size() {
    return header.size();
  }

  @Override
  public boolean readOnly() {
    return file.readOnly();
  }

  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public Optional<DiskImage> backing() {
    return Optional.ofNullable(backing);
  }

  @Override
  public synchronized Extent extent(long offset) throws IOException {
    Requests.checkInside(offset, 1, size());
    long entry = map.entry(offset);
    Content content = L2Entry.content(entry);
    long length = Math.min(size(), nextCluster(offset)) - offset;
    if (content == Content.BACKING && backing != null && backing.size() > offset) {
      return backing.extent(offset).before(offset + length).behind();
    }
    boolean hasPlace = content != Content.COMPRESSED && (entry & L2Entry.OFFSET) != 0;
    long host = hasPlace ? hostOffset(entry) + within(offset) : Extent.NOWHERE;
    return switch (content) {
      case BACKING -> new Extent(offset, length, Extent.Content.UNALLOCATED, 0, Extent.NOWHERE);
      case ZEROES -> new Extent(offset, length, Extent.Content.ZERO, 0, host);
      case DATA, COMPRESSED -> new Extent(offset, length, Extent.Content.DATA, 0, host);
    };
  }

  @Override
  public synchronized void read(long offset, ByteBuffer into) throws IOException {
    Requests.checkInside(offset, into.remaining(), size());
    for (long at = offset; into.hasRemaining(); ) {
      int within = within(at);
      int count = Math.min(clusterSize - within, into.remaining());
      readCluster(map.entry(at), at, Buffers.take(into, count));
      at += count;
    }
  }

  private int within(long offset) {
    return (int) (offset & clusterSize - 1);
  }

  /** Fills a buffer with a part of one cluster. */
  private void readCluster(long entry, long at, ByteBuffer into) throws IOException {
    switch (L2Entry.content(entry)) {
      case BACKING -> readBacking(at, into);
      case ZEROES -> Buffers.zero(into, into.remaining());
      case DATA -> file.read(hostOffset(entry) + within(at), into);
      case COMPRESSED -> compressed.read(entry, within(at), into);
    }
  }

  private void readBacking(long at, ByteBuffer into) throws IOException {
    long there = backing == null ? 0 : Math.max(0, backing.size() - at);
    int count = (int) Math.min(there, into.remaining());
    if (count > 0) {
      backing.read(at, Buffers.take(into, count));
    }
    Buffers.zero(into, into.remaining());
  }

  /** Where the data of an entry is. */
  private long hostOffset(long entry) throws DiskException {
    long offset = entry & L2Entry.OFFSET;
    if (offset >= file.end()) {
      throw file.error(Kind.CORRUPT, "use a cluster", offset, "it is past the end of the file");
    }
    if (within(offset) != 0 || refcounts.isFixed(offset)) {
      throw file.error(Kind.CORRUPT, "use a cluster", offset, "it is no place for one");
    }
    return offset;
  }

  @Override
  public synchronized void write(long offset, ByteBuffer from) throws IOException {
    Requests.checkInside(offset, from.remaining(), size());
    Requests.checkWritable(file, offset);
    for (long at = offset; from.hasRemaining(); ) {
      int count = Math.min(clusterSize - within(at), from.remaining());
      writeCluster(at, Buffers.take(from, count));
      at += count;
    }
  }

  /** Stores a buffer in a part of one cluster. */
  private void writeCluster(long at, ByteBuffer from) throws IOException {
    long entry = map.entry(at);
    boolean inPlace = L2Entry.isWritable(entry) && (entry & L2Entry.OFFSET) != 0;
    if (inPlace && L2Entry.content(entry) == Content.DATA) {
      file.write(hostOffset(entry) + within(at), from);
      return;
    }
    ByteBuffer cluster = from;
    if (from.remaining() < clusterSize) {
      cluster = ByteBuffer.allocate(clusterSize);
      long start = at - within(at);
      int inside = (int) Math.min(clusterSize, size() - start);
      readCluster(entry, start, cluster.slice(0, inside));
      cluster.put(within(at), from, from.position(), from.remaining());
    }
    long host = inPlace ? hostOffset(entry) : refcounts.allocate();
    file.write(host, cluster);
    map.set(at, host | L2Entry.COPIED);
    if (!inPlace) {
      releaseEntry(entry);
    }
  }

  /** The clusters of an entry that was replaced have one reference less, once that is durable. */
  private void releaseEntry(long entry) throws DiskException {
    if (L2Entry.content(entry) == Content.COMPRESSED) {
      long last = CompressedClusters.last(entry, header.clusterBits());
      long first = CompressedClusters.offset(entry, header.clusterBits());
      for (long host = first - within(first); host <= last; host += clusterSize) {
        released.add(host);
      }
    } else if ((entry & L2Entry.OFFSET) != 0) {
      released.add(entry & L2Entry.OFFSET);
    }
    if (released.size() > MAX_RELEASED) {
      commit();
    }
  }

  @Override
  public synchronized void flush() throws IOException {
    if (!file.readOnly()) {
      commit();
    }
  }

  private void commit() throws DiskException {
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
    while (!released.isEmpty()) {
      refcounts.free(released.remove());
    }
    compressed.forget();
  }

  /**
   * Frees whole clusters; they read as zeroes then. Version 2 has no such clusters, and what is
   * behind the image must not come back, so there nothing is done when there is a backing file.
   */
  @Override
  public synchronized void discard(long offset, long length) throws IOException {
    Requests.checkInside(offset, length, size());
    Requests.checkWritable(file, offset);
    if (backing != null && !header.hasZeroClusters()) {
      return;
    }
    long end = offset + length;
    for (long at = offset; at < end; at = nextCluster(at)) {
      if (isWhole(at, end)) {
        long entry = map.entry(at);
        if (entry != 0) {
          replace(at, entry, backing == null ? 0 : L2Entry.ZERO);
        }
      }
    }
  }

  private long nextCluster(long at) {
    return at - within(at) + clusterSize;
  }

  /** Whether what is from a place on to an end has all that its cluster has. */
  private boolean isWhole(long at, long end) {
    return within(at) == 0 && (end >= at + clusterSize || end == size());
  }

  private void replace(long at, long entry, long by) throws DiskException {
    map.set(at, by);
    releaseEntry(entry);
  }

  @Override
  public synchronized void writeZeroes(long offset, long length, boolean mayUnmap)
      throws IOException {
    Requests.checkInside(offset, length, size());
    Requests.checkWritable(file, offset);
    long end = offset + length;
    for (long at = offset; at < end; at = nextCluster(at)) {
      long entry = map.entry(at);
      boolean whole = isWhole(at, end);
      if (readsAsZeroes(at, entry) && !(whole && mayUnmap && (entry & L2Entry.OFFSET) != 0)) {
        continue;
      }
      if (!whole || !(header.hasZeroClusters() || (mayUnmap && isBehindBacking(at)))) {
        int count = (int) (Math.min(end, nextCluster(at)) - at);
        writeCluster(at, ByteBuffer.allocate(count));
      } else if (!mayUnmap && L2Entry.isWritable(entry)) {
        map.set(at, entry | L2Entry.ZERO);
      } else {
        replace(at, entry, header.hasZeroClusters() ? L2Entry.ZERO : 0);
      }
    }
  }

  /** Whether the backing file has nothing at a cluster and after. */
  private boolean isBehindBacking(long at) {
    return backing == null || backing.size() <= at - within(at);
  }

  private boolean readsAsZeroes(long at, long entry) {
    return switch (L2Entry.content(entry)) {
      case ZEROES -> true;
      case BACKING -> isBehindBacking(at);
      default -> false;
    };
  }

  @Override
  public synchronized void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    try (file;
        compressed;
        backing) {
      if (!file.readOnly()) {
        commit();
        refcounts.writeBack();
      }
    }
  }
}
