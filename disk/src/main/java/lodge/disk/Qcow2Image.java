package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A qcow2 image of version 2 or 3. It takes space as it is written, and shows another image, which
 * stays as it is, where it was not.
 *
 * <p>What is written reaches the file in an order that leaves at worst unused clusters when the
 * host stops at any moment.
 */
public final class Qcow2Image implements DiskImage {
  private final ImageFile file;
  private final Qcow2Metadata metadata;
  private final Qcow2Content content;
  private final DiskImage backing;

  Qcow2Image(ImageFile file, TableMemory memory, BackingChain chain) throws DiskException {
    this.file = file;
    Qcow2Header header = Qcow2Header.read(file);
    content = new Qcow2Content(file, header, memory);
    metadata = content.metadata();
    try {
      if (!file.readOnly()) {
        metadata.prepareForWriting();
      }
      backing = chain.open(file.path(), header);
    } catch (DiskException e) {
      content.release();
      throw e;
    }
    content.showBehind(backing);
  }

  public static Qcow2Image open(Path path, boolean readOnly) throws DiskException {
    return open(path, Access.of(readOnly));
  }

  public static Qcow2Image open(Path path, Access access) throws DiskException {
    return open(path, access, TableMemory.share(), BackingChain.EMPTY);
  }

  /**
   * @param cacheBytes for L2 tables; a quarter more is for refcounts, and each keeps at least one
   *     table
   */
  public static Qcow2Image open(Path path, boolean readOnly, long cacheBytes) throws DiskException {
    return open(path, Access.of(readOnly), TableMemory.of(cacheBytes), BackingChain.EMPTY);
  }

  /**
   * Opens what a snapshot has kept.
   *
   * @param access for reading
   */
  public static Qcow2Image openSnapshot(Path path, Access access, String nameOrId)
      throws IOException {
    if (!access.isReadOnly()) {
      throw new IllegalArgumentException("snapshots are only read");
    }
    Qcow2Image image = open(path, access);
    try {
      image.metadata.snapshots.show(nameOrId);
      return image;
    } catch (DiskException e) {
      image.close();
      throw e;
    }
  }

  static Qcow2Image open(Path path, Access access, TableMemory memory, BackingChain chain)
      throws DiskException {
    ImageFile file = null;
    try {
      file = ImageFile.open(path, access);
      return new Qcow2Image(file, memory, chain.with(access));
    } catch (DiskException e) {
      memory.close();
      if (file != null) {
        file.close();
      }
      throw e;
    }
  }

  /** Makes an image in a file that does not exist yet. */
  public static void create(Path path, Qcow2Options options) throws IOException {
    Qcow2Creator.create(path, options);
  }

  /** Compares the refcounts with the references, and makes them agree as far as that is wanted. */
  public static CheckReport check(Path path, Repair repair) throws IOException {
    try (ImageFile file = ImageFile.open(path, repair == Repair.NOTHING)) {
      return check(file, repair);
    }
  }

  /**
   * Compares the refcounts with the references, and changes nothing.
   *
   * @param access to the image, for reading
   */
  public static CheckReport check(Path path, Access access) throws IOException {
    try (ImageFile file = ImageFile.open(path, access)) {
      return check(file, Repair.NOTHING);
    }
  }

  static CheckReport check(ImageFile file, Repair repair) throws DiskException {
    Qcow2Metadata metadata =
        new Qcow2Metadata(file, Qcow2Header.read(file), () -> TableMemory.MOST, () -> {});
    if (repair != Repair.NOTHING) {
      metadata.checkLodgeWrites();
      metadata.settle();
    }
    return Qcow2Check.run(metadata, repair);
  }

  /**
   * Writes what an image has into what is behind it, which becomes larger when it is shorter.
   *
   * @param empties the image has nothing of its own afterwards
   */
  public static void commit(Path path, boolean empties) throws IOException {
    BackingChanges.commit(path, empties);
  }

  /**
   * Puts another image behind one that stays what it shows; a null name puts nothing there.
   *
   * @param name relative to the image
   */
  public static void rebase(Path path, String name, ImageFormat format) throws IOException {
    BackingChanges.rebase(path, name, format, true);
  }

  /** The same without a look at either: what is behind was renamed, or is known to be equal. */
  public static void nameBacking(Path path, String name, ImageFormat format) throws IOException {
    BackingChanges.rebase(path, name, format, false);
  }

  Qcow2Content content() {
    return content;
  }

  @Override
  public long size() {
    return metadata.size();
  }

  @Override
  public boolean answersAtOnce() {
    return !file.isDirect();
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
  public List<Path> bypassCache() {
    Stream<Path> own = file.bypassCache() ? Stream.empty() : Stream.of(path());
    Stream<Path> behind = backing().stream().flatMap(image -> image.bypassCache().stream());
    return Stream.concat(own, behind).toList();
  }

  @Override
  public Extent extent(long offset) throws IOException {
    return content.extent(offset);
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    content.read(offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws IOException {
    content.write(offset, from);
  }

  @Override
  public void flush() throws IOException {
    content.flush();
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    content.discard(offset, length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    content.writeZeroes(offset, length, mayUnmap);
  }

  /** In the order in which they were made. */
  public List<Snapshot> snapshots() {
    return content.lookAt(
        () -> metadata.snapshots.entries().stream().map(SnapshotTable.Entry::snapshot).toList());
  }

  /** Keeps the disk as it is now. */
  public void createSnapshot(String name) throws IOException {
    content.exclusively(() -> metadata.snapshots.create(name));
  }

  /** Makes the disk, its size too, what it was; what it is now is lost. */
  public void applySnapshot(String nameOrId) throws IOException {
    content.exclusively(() -> metadata.snapshots.apply(nameOrId));
  }

  public void deleteSnapshot(String nameOrId) throws IOException {
    content.exclusively(() -> metadata.snapshots.delete(nameOrId));
  }

  /**
   * Gives the disk another size. What is new reads as zeroes.
   *
   * @param size in bytes, a multiple of 512
   * @param mayShrink the end of the disk may be lost
   */
  public void resize(long size, boolean mayShrink) throws IOException {
    Requests.checkResize(file, metadata.size(), size, mayShrink);
    content.exclusively(() -> new Qcow2Resize(content).to(size));
  }

  @Override
  public void close() throws IOException {
    try (file;
        backing) {
      content.close();
    }
  }
}
