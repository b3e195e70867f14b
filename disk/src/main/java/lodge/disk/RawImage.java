package lodge.disk;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lodge.disk.DiskException.Kind;

/** A file that holds the disk byte by byte, sparse where the file system can do that. */
public final class RawImage implements DiskImage {
  private final ImageFile file;
  private volatile long size;

  /** Made when it is first needed; null before. */
  private FileSpace holes;

  RawImage(ImageFile file) {
    this.file = file;
    size = file.end();
  }

  public static RawImage open(Path path, boolean readOnly) throws DiskException {
    return open(path, Access.of(readOnly));
  }

  public static RawImage open(Path path, Access access) throws DiskException {
    return new RawImage(ImageFile.open(path, access));
  }

  /** Makes a file of zeroes that takes no space. */
  public static void create(Path path, long size) throws DiskException {
    ImageFile.create(path).close();
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(size);
    } catch (IOException e) {
      throw new DiskException(Kind.HOST, path, "create", DiskException.NOWHERE, e.getMessage(), e);
    }
  }

  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public Optional<DiskImage> backing() {
    return Optional.empty();
  }

  @Override
  public List<Path> bypassCache() {
    return file.bypassCache() ? List.of() : List.of(path());
  }

  @Override
  public synchronized Extent extent(long offset) {
    Requests.checkInside(offset, 1, size);
    if (holes == null) {
      holes = new FileSpace(file.path(), size);
    }
    long data = holes.data(offset);
    return data > offset
        ? new Extent(offset, data - offset, Extent.Content.ZERO, 0, offset)
        : new Extent(offset, holes.hole(offset) - offset, Extent.Content.DATA, 0, offset);
  }

  @Override
  public long size() {
    return size;
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
  public void read(long offset, ByteBuffer into) throws DiskException {
    Requests.checkInside(offset, into.remaining(), size);
    file.read(offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws DiskException {
    Requests.checkInside(offset, from.remaining(), size);
    Requests.checkWritable(file, offset);
    file.write(offset, from);
  }

  @Override
  public void flush() throws DiskException {
    file.force();
  }

  /** Leaves the content as it is where space cannot be given back: zeroes would only take time. */
  @Override
  public void discard(long offset, long length) throws DiskException {
    Requests.checkInside(offset, length, size);
    Requests.checkWritable(file, offset);
    file.punch(offset, length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws DiskException {
    Requests.checkInside(offset, length, size);
    Requests.checkWritable(file, offset);
    if (!mayUnmap || !file.punch(offset, length)) {
      file.writeZeroes(offset, length);
    }
  }

  /**
   * Gives the disk another size. What is new reads as zeroes.
   *
   * @param size in bytes, a multiple of 512
   * @param mayShrink the end of the disk may be lost
   */
  public synchronized void resize(long size, boolean mayShrink) throws DiskException {
    Requests.checkResize(file, this.size, size, mayShrink);
    forgetHoles();
    file.setEnd(size);
    this.size = size;
  }

  @Override
  public synchronized void close() throws DiskException {
    forgetHoles();
    file.close();
  }

  private void forgetHoles() {
    if (holes != null) {
      holes.close();
      holes = null;
    }
  }
}
