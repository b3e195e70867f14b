package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import lodge.disk.DiskException.Kind;
import lodge.disk.L2Entry.Content;

/**
 * A qcow2 image of version 2 or 3. It takes space as it is written, and shows another image, which
 * stays as it is, where it was not.
 *
 * <p>What is written reaches the file in an order that leaves at worst unused clusters when the
 * host stops at any moment.
 *
 * <p>Requests overlap: reads, and writes to clusters that are there, share {@link #use} and look
 * their clusters up without waiting. Other writes hold {@link #changes} while they allocate their
 * cluster and while they link it, and neither lock while they fill it; {@link #inFlight} keeps
 * others from the same cluster of the guest. Clusters become free when {@link #use} was exclusive
 * for a moment, so nobody is still at them. {@link #changes} is taken before {@link #use}.
 */
public final class Qcow2Image implements DiskImage {
  /** For the L2 tables; those of an image of 256 GiB with clusters of 64 KiB. */
  static final long CACHE_BYTES = 32 << 20;

  private final ImageFile file;
  private final Qcow2Header header;
  private final Qcow2Metadata metadata;
  private final ClusterMap map;
  private final CompressedClusters compressed;
  private final DiskImage backing;
  private final int clusterSize;

  private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
  private final ReentrantLock changes = new ReentrantLock();
  private final Condition landed = changes.newCondition();

  /** Numbers of the guest's clusters that get another place just now. */
  private final Set<Long> inFlight = new HashSet<>();

  private boolean closed;

  Qcow2Image(ImageFile file, long cacheBytes, BackingChain chain) throws DiskException {
    this.file = file;
    header = Qcow2Header.read(file);
    clusterSize = header.clusterSize();
    metadata = new Qcow2Metadata(file, header, cacheBytes, this::quiesce);
    map = metadata.map;
    compressed = new CompressedClusters(file, header.clusterBits());
    if (!file.readOnly()) {
      metadata.prepareForWriting();
    }
    backing = chain.open(file.path(), header);
  }

  /** Returns when nobody is at clusters that the tables do not have any more. */
  private void quiesce() {
    use.writeLock().lock();
    try {
      compressed.forget();
    } finally {
      use.writeLock().unlock();
    }
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
    try (ImageFile file = ImageFile.open(path, !repairLeaks)) {
      return check(file, repairLeaks);
    }
  }

  static CheckReport check(ImageFile file, boolean repairLeaks) throws DiskException {
    Qcow2Metadata metadata = new Qcow2Metadata(file, Qcow2Header.read(file), CACHE_BYTES, () -> {});
    if (repairLeaks) {
      metadata.prepareForWriting(); // settles what a crash has left
    }
    CheckReport report = new Qcow2Check(metadata).run(repairLeaks);
    metadata.refcounts.writeBack();
    if (repairLeaks) {
      file.force();
    }
    return report;
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
  public Extent extent(long offset) throws IOException {
    Requests.checkInside(offset, 1, size());
    long entry = entry(offset);
    Content content = L2Entry.content(entry);
    long length = Math.min(size(), offset - within(offset) + clusterSize) - offset;
    if (content == Content.BACKING && backing != null && backing.size() > offset) {
      return backing.extent(offset).before(offset + length).behind();
    }
    boolean hasPlace = content != Content.COMPRESSED && (entry & L2Entry.OFFSET) != 0;
    long host = hasPlace ? metadata.dataOffset(entry) + within(offset) : Extent.NOWHERE;
    return switch (content) {
      case BACKING -> new Extent(offset, length, Extent.Content.UNALLOCATED, 0, Extent.NOWHERE);
      case ZEROES -> new Extent(offset, length, Extent.Content.ZERO, 0, host);
      case DATA, COMPRESSED -> new Extent(offset, length, Extent.Content.DATA, 0, host);
    };
  }

  private long entry(long offset) throws DiskException {
    long entry = map.peek(offset);
    if (entry != ClusterMap.UNKNOWN) {
      return entry;
    }
    changes.lock();
    try {
      return map.entry(offset);
    } finally {
      changes.unlock();
    }
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    Requests.checkInside(offset, into.remaining(), size());
    for (long at = offset; into.hasRemaining(); ) {
      int count = Math.min(clusterSize - within(at), into.remaining());
      readMapped(at, Buffers.take(into, count));
      at += count;
    }
  }

  private void readMapped(long at, ByteBuffer into) throws IOException {
    while (true) {
      use.readLock().lock();
      try {
        long entry = map.peek(at);
        if (entry != ClusterMap.UNKNOWN) {
          readCluster(entry, at, into);
          return;
        }
      } finally {
        use.readLock().unlock();
      }
      load(at);
    }
  }

  private void load(long at) throws DiskException {
    changes.lock();
    try {
      map.entry(at);
    } finally {
      changes.unlock();
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
      case DATA -> file.read(metadata.dataOffset(entry) + within(at), into);
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

  /** Something that changes the image. */
  private interface Change {
    void make() throws IOException;
  }

  /** What contradicts itself is not written any more. */
  private void change(long offset, long length, Change change) throws IOException {
    Requests.checkInside(offset, length, size());
    Requests.checkWritable(file, offset);
    metadata.checkNotCorrupt("write", offset);
    try {
      change.make();
    } catch (DiskException e) {
      if (e.kind() == Kind.CORRUPT && e.path().equals(file.path())) {
        metadata.markCorrupt();
      }
      throw e;
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    change(
        offset,
        from.remaining(),
        () -> {
          for (long at = offset; from.hasRemaining(); ) {
            int count = Math.min(clusterSize - within(at), from.remaining());
            writeCluster(at, Buffers.take(from, count));
            at += count;
          }
        });
  }

  /** Stores a buffer in a part of one cluster. */
  private void writeCluster(long at, ByteBuffer from) throws IOException {
    while (!writeInPlace(at, from)) {
      Landing landing = takeOff(at);
      if (landing != null) {
        boolean filled = false;
        try {
          fill(landing, at, from);
          filled = true;
        } finally {
          land(landing, filled);
        }
        return;
      }
    }
  }

  private boolean writeInPlace(long at, ByteBuffer from) throws DiskException {
    use.readLock().lock();
    try {
      long entry = map.peek(at);
      boolean inPlace =
          entry != ClusterMap.UNKNOWN
              && L2Entry.isWritable(entry)
              && L2Entry.content(entry) == Content.DATA;
      if (inPlace) {
        file.write(metadata.writableOffset(entry) + within(at), from);
      }
      return inPlace;
    } finally {
      use.readLock().unlock();
    }
  }

  /**
   * A cluster on its way into the file.
   *
   * @param guest where it begins for the guest
   * @param before its entry until then
   * @param place where its data will be
   * @param allocated whether the place is a new one
   */
  private record Landing(long guest, long before, long place, boolean allocated) {}

  /** Null when the cluster can be written in place now. */
  private Landing takeOff(long at) throws DiskException {
    changes.lock();
    try {
      awaitLanding(at);
      long entry = map.entry(at);
      boolean hasPlace = L2Entry.isWritable(entry) && (entry & L2Entry.OFFSET) != 0;
      if (hasPlace && L2Entry.content(entry) == Content.DATA) {
        return null;
      }
      long place = hasPlace ? metadata.writableOffset(entry) : metadata.refcounts.allocate();
      inFlight.add(at >>> header.clusterBits());
      return new Landing(at - within(at), entry, place, !hasPlace);
    } finally {
      changes.unlock();
    }
  }

  private void awaitLanding(long at) {
    while (inFlight.contains(at >>> header.clusterBits())) {
      landed.awaitUninterruptibly();
    }
  }

  private void fill(Landing landing, long at, ByteBuffer from) throws IOException {
    ByteBuffer cluster = from;
    if (from.remaining() < clusterSize) {
      cluster = ByteBuffer.allocate(clusterSize);
      int inside = (int) Math.min(clusterSize, size() - landing.guest);
      readCluster(landing.before, landing.guest, cluster.slice(0, inside));
      cluster.put(within(at), from, from.position(), from.remaining());
    }
    file.write(landing.place, cluster);
  }

  private void land(Landing landing, boolean filled) throws DiskException {
    changes.lock();
    try {
      if (filled) {
        map.set(landing.guest, landing.place | L2Entry.COPIED);
        if (landing.allocated) {
          metadata.releaseEntry(landing.before);
        }
      } else if (landing.allocated) {
        metadata.refcounts.free(landing.place);
      }
    } finally {
      inFlight.remove(landing.guest >>> header.clusterBits());
      landed.signalAll();
      changes.unlock();
    }
  }

  @Override
  public void flush() throws IOException {
    if (!file.readOnly()) {
      change(0, 0, this::commit);
    }
  }

  private void commit() throws DiskException {
    changes.lock();
    try {
      metadata.commit();
    } finally {
      changes.unlock();
    }
  }

  /**
   * Frees whole clusters; they read as zeroes then. Version 2 has no such clusters, and what is
   * behind the image must not come back, so there nothing is done when there is a backing file.
   */
  @Override
  public void discard(long offset, long length) throws IOException {
    change(
        offset,
        length,
        () -> {
          if (backing == null || header.hasZeroClusters()) {
            forEachCluster(offset, length, this::discardCluster);
          }
        });
  }

  /** Called with a part of one cluster. */
  private interface Piece {
    void use(long at, long end) throws IOException;
  }

  private void forEachCluster(long offset, long length, Piece piece) throws IOException {
    long end = offset + length;
    for (long at = offset; at < end; ) {
      long next = Math.min(end, at - within(at) + clusterSize);
      piece.use(at, next);
      at = next;
    }
  }

  /** Whether a part of a cluster is all that the disk has of it. */
  private boolean isWhole(long at, long end) {
    return within(at) == 0 && (end == at + clusterSize || end == size());
  }

  private void discardCluster(long at, long end) throws DiskException {
    if (!isWhole(at, end)) {
      return;
    }
    changes.lock();
    try {
      awaitLanding(at);
      long entry = map.entry(at);
      if (entry != 0) {
        replace(at, entry, backing == null ? 0 : L2Entry.ZERO);
      }
    } finally {
      changes.unlock();
    }
  }

  private void replace(long at, long entry, long by) throws DiskException {
    map.set(at, by);
    metadata.releaseEntry(entry);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    change(
        offset,
        length,
        () ->
            forEachCluster(
                offset,
                length,
                (at, end) -> {
                  if (!zeroByEntry(at, end, mayUnmap)) {
                    writeCluster(at, ByteBuffer.allocate((int) (end - at)));
                  }
                }));
  }

  /** False when zeroes have to be written. */
  private boolean zeroByEntry(long at, long end, boolean mayUnmap) throws DiskException {
    changes.lock();
    try {
      awaitLanding(at);
      long entry = map.entry(at);
      boolean whole = isWhole(at, end);
      if (readsAsZeroes(at, entry) && !(whole && mayUnmap && (entry & L2Entry.OFFSET) != 0)) {
        return true;
      }
      if (!whole || !(header.hasZeroClusters() || (mayUnmap && isBehindBacking(at)))) {
        return false;
      }
      if (!mayUnmap && L2Entry.isWritable(entry)) {
        map.set(at, entry | L2Entry.ZERO);
      } else {
        replace(at, entry, header.hasZeroClusters() ? L2Entry.ZERO : 0);
      }
      return true;
    } finally {
      changes.unlock();
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
  public void close() throws IOException {
    changes.lock();
    try (file;
        compressed;
        backing) {
      while (!inFlight.isEmpty()) {
        landed.awaitUninterruptibly();
      }
      if (!closed && !file.readOnly() && !metadata.isCorrupt()) {
        metadata.commit();
        metadata.refcounts.writeBack();
      }
    } finally {
      closed = true;
      changes.unlock();
    }
  }
}
