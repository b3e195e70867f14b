package lodge.disk;

/**
 * A part of an image.
 *
 * @param offset of the first byte in the image
 * @param length in bytes, more than 0
 * @param content what is there
 * @param depth who has it: 0 the image itself, 1 the one behind it, and so on
 * @param fileOffset where that one's file has the first byte, as it is read by the guest, or {@link
 *     #NOWHERE}
 */
public record Extent(long offset, long length, Content content, int depth, long fileOffset) {
  /** The file offset of what is in no file, or not as the guest reads it. */
  public static final long NOWHERE = -1;

  /** What is read in an extent. */
  public enum Content {
    DATA,
    /** Zeroes, because somebody says so. */
    ZERO,
    /** Zeroes, because nobody has anything. */
    UNALLOCATED
  }

  /** The first offset behind. */
  public long end() {
    return offset + length;
  }

  /** Whether zeroes are read, for all that the tables tell. */
  public boolean isZero() {
    return content != Content.DATA;
  }

  /** The part that is before an offset. */
  Extent before(long end) {
    return new Extent(offset, Math.min(length, end - offset), content, depth, fileOffset);
  }

  /** The same, seen by the image in front. */
  Extent behind() {
    return new Extent(offset, length, content, depth + 1, fileOffset);
  }

  /** Whether another extent goes on where this one ends. */
  boolean isContinuedBy(Extent next) {
    return next.offset == end()
        && next.content == content
        && next.depth == depth
        && next.fileOffset == (fileOffset == NOWHERE ? NOWHERE : fileOffset + length);
  }

  Extent joined(Extent next) {
    return new Extent(offset, length + next.length, content, depth, fileOffset);
  }
}
