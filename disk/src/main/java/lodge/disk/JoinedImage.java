package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lodge.disk.DiskException.Kind;

/** Several images one after the other, to be read as one. */
final class JoinedImage implements DiskImage {
  private final Path path;
  private final List<DiskImage> images;

  /** Those that are not empty, by the offset at which they begin. */
  private final TreeMap<Long, DiskImage> parts = new TreeMap<>();

  private final long size;

  /**
   * @param path of the file that names them
   */
  JoinedImage(Path path, List<DiskImage> images) {
    this.path = path;
    this.images = images;
    long at = 0;
    for (DiskImage image : images) {
      if (image.size() > 0) {
        parts.put(at, image);
        at += image.size();
      }
    }
    size = at;
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Optional<DiskImage> backing() {
    return Optional.empty();
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public boolean readOnly() {
    return true;
  }

  /** Its place is nowhere, since there are several files. */
  @Override
  public Extent extent(long offset) throws IOException {
    Requests.checkInside(offset, 1, size);
    Map.Entry<Long, DiskImage> part = parts.floorEntry(offset);
    Extent extent = part.getValue().extent(offset - part.getKey());
    return new Extent(offset, extent.length(), extent.content(), 0, Extent.NOWHERE);
  }

  @Override
  public void read(long offset, ByteBuffer into) throws IOException {
    Requests.checkInside(offset, into.remaining(), size);
    for (long at = offset; into.hasRemaining(); ) {
      Map.Entry<Long, DiskImage> part = parts.floorEntry(at);
      long within = at - part.getKey();
      int count = (int) Math.min(part.getValue().size() - within, into.remaining());
      part.getValue().read(within, Buffers.take(into, count));
      at += count;
    }
  }

  private DiskException refusal(long offset) {
    return new DiskException(
        Kind.READ_ONLY, path, "write", offset, "the image was opened for reading", null);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws DiskException {
    throw refusal(offset);
  }

  @Override
  public void discard(long offset, long length) throws DiskException {
    throw refusal(offset);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws DiskException {
    throw refusal(offset);
  }

  @Override
  public void flush() {}

  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (DiskImage image : images) {
      try {
        image.close();
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
