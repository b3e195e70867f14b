package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import lodge.disk.DiskException.Kind;

/** An image of another program's format. It is only read. */
final class BlockImage implements DiskImage {
  private final ImageFile file;
  private final BlockLayout layout;

  private BlockImage(ImageFile file, BlockLayout layout) {
    this.file = file;
    this.layout = layout;
  }

  /** Makes sense of a file. */
  interface Reader {
    BlockLayout read(ImageFile file) throws DiskException;
  }

  static BlockImage open(Path path, Access access, Reader reader) throws DiskException {
    if (!access.isReadOnly()) {
      throw new DiskException(
          Kind.UNSUPPORTED,
          path,
          "open",
          DiskException.NOWHERE,
          "images of this format are only read; convert it to qcow2",
          null);
    }
    ImageFile file = ImageFile.open(path, access);
    try {
      return new BlockImage(file, reader.read(file));
    } catch (DiskException e) {
      file.close();
      throw e;
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
  public long size() {
    return layout.size();
  }

  @Override
  public boolean readOnly() {
    return true;
  }

  /** Of what is allocated at once, unless the file has all. */
  OptionalInt blockSize() {
    return layout instanceof LinearLayout
        ? OptionalInt.empty()
        : OptionalInt.of(layout.blockSize());
  }

  private int within(long offset) {
    return (int) (offset & layout.blockSize() - 1);
  }

  private long place(long offset) throws DiskException {
    long block = offset / layout.blockSize();
    long place = layout.place(block);
    if (place >= 0 && layout.isPlain()) {
      long length = Math.min(layout.blockSize(), size() - block * layout.blockSize());
      if (place > file.end() - length) {
        throw file.error(Kind.CORRUPT, "read", place, "a block goes past the end of the file");
      }
    }
    return place;
  }

  @Override
  public Extent extent(long offset) throws DiskException {
    Requests.checkInside(offset, 1, size());
    long place = place(offset);
    int within = within(offset);
    long length = Math.min(layout.blockSize() - within, size() - offset);
    Extent.Content content =
        place == BlockLayout.UNALLOCATED
            ? Extent.Content.UNALLOCATED
            : place == BlockLayout.ZERO ? Extent.Content.ZERO : Extent.Content.DATA;
    boolean hasPlace = place >= 0 && layout.isPlain();
    return new Extent(offset, length, content, 0, hasPlace ? place + within : Extent.NOWHERE);
  }

  @Override
  public void read(long offset, ByteBuffer into) throws DiskException {
    Requests.checkInside(offset, into.remaining(), size());
    for (long at = offset; into.hasRemaining(); ) {
      int within = within(at);
      int count = Math.min(layout.blockSize() - within, into.remaining());
      long place = place(at);
      ByteBuffer part = Buffers.take(into, count);
      if (place < 0) {
        Buffers.zero(part, count);
      } else if (layout.isPlain()) {
        file.read(place + within, part);
      } else {
        layout.read(place, within, part);
      }
      at += count;
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws DiskException {
    Requests.checkWritable(file, offset);
  }

  @Override
  public void discard(long offset, long length) throws DiskException {
    Requests.checkWritable(file, offset);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws DiskException {
    Requests.checkWritable(file, offset);
  }

  @Override
  public void flush() {}

  @Override
  public void close() throws DiskException {
    layout.close();
    file.close();
  }
}
