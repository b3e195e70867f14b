package lodge.disk;

/**
 * The bits of the entries of L2 tables; {@link #COPIED} and {@link #OFFSET} are the L1 table's as
 * well.
 */
final class L2Entry {
  /** The cluster or table has this reference only, so it may be written in place. */
  static final long COPIED = 1L << 63;

  static final long COMPRESSED = 1L << 62;

  /** The cluster reads as zeroes, whatever it has. */
  static final long ZERO = 1;

  /** What is said of subclusters that are allocated and zeroes at once; no entry is like this. */
  static final long CONTRADICTION = -1;

  static final long OFFSET = 0x00FF_FFFF_FFFF_FE00L;

  /** What is read where an entry points. */
  enum Content {
    BACKING,
    ZEROES,
    DATA,
    COMPRESSED
  }

  private L2Entry() {}

  static Content content(long entry) {
    if ((entry & COMPRESSED) != 0) {
      return Content.COMPRESSED;
    }
    if ((entry & ZERO) != 0) {
      return Content.ZEROES;
    }
    return (entry & (OFFSET | COPIED)) == 0 ? Content.BACKING : Content.DATA;
  }

  /**
   * What an extended entry says of one of its 32 subclusters, as an entry of a cluster would: qcow2
   * specification, "Extended L2 Entries".
   *
   * @param bitmap which subclusters are allocated, and above, which read as zeroes
   * @return {@link #CONTRADICTION} when it contradicts itself
   */
  static long ofSubcluster(long entry, long bitmap, int number) {
    if ((entry & COMPRESSED) != 0) {
      return entry;
    }
    boolean allocated = (bitmap >>> number & 1) != 0;
    boolean zeroes = (bitmap >>> Integer.SIZE + number & 1) != 0;
    if (allocated && (zeroes || content(entry) != Content.DATA)) {
      return CONTRADICTION;
    }
    return allocated ? entry : zeroes ? entry | ZERO : 0;
  }

  /** Whether a cluster may be written where it is. */
  static boolean isWritable(long entry) {
    return (entry & COPIED) != 0 && (entry & COMPRESSED) == 0;
  }

  /** Whether an entry has none of the bits that the format keeps for later. */
  static boolean isKnown(long entry, boolean zeroClusters) {
    return (entry & COMPRESSED) != 0
        ? (entry & COPIED) == 0
        : (entry & ~(COPIED | OFFSET | (zeroClusters ? ZERO : 0))) == 0;
  }
}
