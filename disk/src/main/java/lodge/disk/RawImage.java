package lodge.disk;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import lodge.core.BlockBackend;
import lodge.disk.DiskException.Kind;

/** A file that holds the disk byte by byte, sparse where the file system can do that. */
public final class RawImage implements BlockBackend {
  private final ImageFile file;
  private volatile long size;

  private RawImage(ImageFile file) {
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
  public long size() {
    return size;
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
  public void resize(long size, boolean mayShrink) throws DiskException {
    Requests.checkResize(file, this.size, size, mayShrink);
    file.setEnd(size);
    this.size = size;
  }

  @Override
  public void close() throws DiskException {
    file.close();
  }
}
