package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import lodge.disk.DiskException.Kind;
import lodge.disk.L2Entry.Content;

/**
 * The guest's data in a qcow2 image.
 *
 * <p>Requests overlap: reads, and writes to clusters that are there, share {@link #use} and look
 * their clusters up without waiting. Other writes hold {@link #changes} while they allocate their
 * cluster and while they link it, and neither lock while they fill it; {@link #inFlight} keeps
 * others from the same cluster of the guest. Clusters become free when {@link #use} was exclusive
 * for a moment, so nobody is still at them. {@link #changes} is taken before {@link #use}.
 */
final class Qcow2Content implements AutoCloseable {
  private final ImageFile file;
  private final Qcow2Header header;
  private final TableMemory memory;
  private final Qcow2Metadata metadata;
  private final ClusterMap map;
  private final ClusterReader reader;
  private final int clusterSize;

  private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
  private final ReentrantLock changes = new ReentrantLock();
  private final Condition landed = changes.newCondition();

  /** Numbers of the guest's clusters that get another place just now. */
  private final Set<Long> inFlight = new HashSet<>();

  private boolean closed;

  Qcow2Content(ImageFile file, Qcow2Header header, TableMemory memory) throws DiskException {
    this.file = file;
    this.header = header;
    this.memory = memory;
    clusterSize = header.clusterSize();
    metadata = new Qcow2Metadata(file, header, memory, this::quiesce);
    map = metadata.map;
    reader = new ClusterReader(metadata);
  }

  int clusterSize() {
    return clusterSize;
  }

  Qcow2Metadata metadata() {
    return metadata;
  }

  /** Before the first request. */
  void showBehind(DiskImage image) {
    reader.showBehind(image);
  }

  /** How large what is behind is, 0 when nothing is. */
  long sizeBehind() {
    return reader.sizeBehind();
  }

  /** Returns when nobody is at clusters that the tables do not have any more. */
  private void quiesce() {
    use.writeLock().lock();
    try {
      reader.forget();
    } finally {
      use.writeLock().unlock();
    }
  }

  void read(long offset, ByteBuffer into) throws IOException {
    Requests.checkInside(offset, into.remaining(), metadata.size());
    for (long at = offset; into.hasRemaining(); ) {
      at += readMapped(at, into);
    }
  }

  /** Reads as much as one entry, and those after it that go on with it, say; how much that is. */
  private int readMapped(long at, ByteBuffer into) throws IOException {
    use.readLock().lock();
    try {
      long entry = map.peek(at);
      if (entry != ClusterMap.UNKNOWN) {
        int count = reader.together(entry, at, into.remaining());
        reader.read(entry, at, Buffers.takeOrAll(into, count));
        return count;
      }
    } finally {
      use.readLock().unlock();
    }
    entry(at); // reads its table
    return 0;
  }

  Extent extent(long offset) throws IOException {
    Requests.checkInside(offset, 1, metadata.size());
    return reader.extent(entry(offset), offset);
  }

  private int within(long offset) {
    return (int) (offset & clusterSize - 1);
  }

  /** Something that changes the image. */
  interface Change {
    void make() throws IOException;
  }

  /** What contradicts itself is not written any more. */
  private void change(long offset, long length, Change change) throws IOException {
    Requests.checkInside(offset, length, metadata.size());
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

  void write(long offset, ByteBuffer from) throws IOException {
    change(
        offset,
        from.remaining(),
        () -> {
          for (long at = offset; from.hasRemaining(); ) {
            int count = writeInPlace(at, from);
            if (count == 0) {
              count = Math.min(clusterSize - within(at), from.remaining());
              writeCluster(at, Buffers.take(from, count));
            }
            at += count;
          }
        });
  }

  /** Stores a buffer in a part of one cluster. */
  private void writeCluster(long at, ByteBuffer from) throws IOException {
    do {
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
    } while (writeInPlace(at, from) == 0);
  }

  /** Writes as much as is where it can stay, one cluster after the other; how much that is. */
  private int writeInPlace(long at, ByteBuffer from) throws DiskException {
    use.readLock().lock();
    try {
      long entry = map.peek(at);
      if (!isInPlace(entry)) {
        return 0;
      }
      long place = metadata.writableOffset(entry) + within(at);
      int most = from.remaining();
      int count = clusterSize - within(at);
      while (count < most) {
        long next = map.peek(at + count);
        if (!isInPlace(next) || metadata.writableOffset(next) != place + count) {
          break;
        }
        count += clusterSize;
      }
      count = Math.min(count, most);
      file.write(place, Buffers.takeOrAll(from, count));
      return count;
    } finally {
      use.readLock().unlock();
    }
  }

  private static boolean isInPlace(long entry) {
    return entry != ClusterMap.UNKNOWN
        && L2Entry.isWritable(entry)
        && L2Entry.content(entry) == Content.DATA;
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
      int inside = (int) Math.min(clusterSize, metadata.size() - landing.guest);
      reader.read(landing.before, landing.guest, cluster.slice(0, inside));
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

  void flush() throws IOException {
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
  void discard(long offset, long length) throws IOException {
    change(
        offset,
        length,
        () -> {
          if (!reader.hasBehind() || header.hasZeroClusters()) {
            forEachCluster(offset, length, this::discardCluster);
          }
        });
  }

  /** Called with a part of one cluster. */
  interface Piece {
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
    return within(at) == 0 && (end == at + clusterSize || end == metadata.size());
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
        replace(at, entry, reader.hasBehind() ? L2Entry.ZERO : 0);
      }
    } finally {
      changes.unlock();
    }
  }

  void replace(long at, long entry, long by) throws DiskException {
    map.set(at, by);
    metadata.releaseEntry(entry);
  }

  void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
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
      if (reader.readsAsZeroes(entry, at)
          && !(whole && mayUnmap && (entry & L2Entry.OFFSET) != 0)) {
        return true;
      }
      if (!whole || !(header.hasZeroClusters() || (mayUnmap && reader.isAfterBehind(at)))) {
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

  <T> T lookAt(Supplier<T> what) {
    changes.lock();
    try {
      return what.get();
    } finally {
      changes.unlock();
    }
  }

  /** Changes the whole image, while nobody else uses it. */
  void exclusively(Change change) throws IOException {
    changes.lock();
    try {
      awaitLandings();
      use.writeLock().lock();
      try {
        change(0, 0, change);
      } finally {
        reader.forget();
        use.writeLock().unlock();
      }
    } finally {
      changes.unlock();
    }
  }

  private void awaitLandings() {
    while (!inFlight.isEmpty()) {
      landed.awaitUninterruptibly();
    }
  }

  /** Called with a cluster of the guest and its entry. */
  interface EntryVisitor {
    void visit(long at, long end, long entry) throws IOException;
  }

  /** Visits the clusters, or subclusters, that have a table. */
  void forEachEntry(long from, EntryVisitor visitor) throws IOException {
    int unit = header.subclusterSize();
    long coverage = 1L << header.l2CoverageBits();
    for (long at = from; at < metadata.size(); ) {
      if (map.hasTable(at)) {
        long end = Math.min(at + unit, metadata.size());
        visitor.visit(at, end, entry(at));
        at += unit;
      } else {
        at = (at & -coverage) + coverage;
      }
    }
  }

  /** Called with a cluster of the image's own. */
  interface OwnCluster {
    void use(long at, long end, boolean zeroes) throws IOException;
  }

  void forEachOwn(OwnCluster own) throws IOException {
    forEachEntry(
        0,
        (at, end, entry) -> {
          Content kind = L2Entry.content(entry);
          if (kind != Content.BACKING) {
            own.use(at, end, kind == Content.ZEROES);
          }
        });
  }

  void forEachShownThrough(Piece piece) throws IOException {
    int unit = header.subclusterSize();
    for (long at = 0; at < metadata.size(); at += unit) {
      if (L2Entry.content(entry(at)) == Content.BACKING) {
        piece.use(at, Math.min(at + unit, metadata.size()));
      }
    }
  }

  private long entry(long at) throws DiskException {
    changes.lock();
    try {
      return map.entry(at);
    } finally {
      changes.unlock();
    }
  }

  /** Lets go of what it uses beside the file. */
  void release() throws DiskException {
    memory.close();
    reader.close();
  }

  @Override
  public void close() throws IOException {
    changes.lock();
    try {
      awaitLandings();
      if (!closed && !file.readOnly() && !metadata.isCorrupt()) {
        metadata.commit();
        metadata.refcounts.writeBack();
      }
    } finally {
      closed = true;
      changes.unlock();
      release();
    }
  }
}
