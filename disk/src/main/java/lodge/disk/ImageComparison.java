package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Finds the first place where two images differ. Where one is shorter the other has to have zeroes.
 *
 * @param strict whether they differ as well in what they say is allocated; sizes are the caller's
 * @param progress is told how far it is
 */
public record ImageComparison(boolean strict, Conversion.Progress progress) {
  private static final int PIECE = 1 << 20;

  /**
   * A place where two images differ.
   *
   * @param allocated whether it is only that one has something there and the other has not
   */
  public record Difference(long offset, boolean allocated) {}

  /** The first difference, or nothing when there is none. */
  public Optional<Difference> compare(DiskImage one, DiskImage other) throws IOException {
    long size = Math.max(one.size(), other.size());
    ByteBuffer ones = ByteBuffer.allocateDirect(PIECE);
    ByteBuffer others = ByteBuffer.allocateDirect(PIECE);
    long at = 0;
    while (at < size) {
      Extent a = extent(one, at, size);
      Extent b = extent(other, at, size);
      long end = Math.min(a.end(), b.end());
      if (strict
          && Math.max(a.offset(), b.offset()) < Math.min(one.size(), other.size())
          && isAllocated(a) != isAllocated(b)) {
        return Optional.of(new Difference(at, true));
      }
      if (!a.isZero() || !b.isZero()) {
        end = Math.min(end, at + PIECE);
        int mismatch =
            read(one, at, ones, (int) (end - at))
                .mismatch(read(other, at, others, (int) (end - at)));
        if (mismatch >= 0) {
          return Optional.of(new Difference(at + mismatch, false));
        }
      }
      at = end;
      progress.at(at, size);
    }
    return Optional.empty();
  }

  private static boolean isAllocated(Extent extent) {
    return extent.content() != Extent.Content.UNALLOCATED;
  }

  /** As long as the next ones are like it, whatever their place in the file is. */
  private static Extent extent(DiskImage image, long at, long size) throws IOException {
    if (at >= image.size()) {
      return new Extent(at, size - at, Extent.Content.UNALLOCATED, 0, Extent.NOWHERE);
    }
    Extent extent = image.extent(at);
    while (extent.length() < PIECE && extent.end() < image.size()) {
      Extent next = image.extent(extent.end());
      if (next.content() != extent.content()) {
        break;
      }
      extent = extent.joined(next);
    }
    return extent;
  }

  private static ByteBuffer read(DiskImage image, long at, ByteBuffer into, int count)
      throws IOException {
    into.clear().limit(Math.clamp(image.size() - at, 0, count));
    if (into.hasRemaining()) {
      image.read(at, into);
    }
    into.limit(count);
    Buffers.zero(into, into.remaining());
    return into.flip();
  }
}
