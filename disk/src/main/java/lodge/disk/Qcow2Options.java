package lodge.disk;

import java.util.Objects;

/**
 * What a new qcow2 image shall be like.
 *
 * @param size in bytes, a multiple of 512
 * @param clusterSize in bytes, a power of two from 512 to 2 MiB
 * @param version 2 or 3
 * @param lazyRefcounts whether others may leave the refcounts behind; only in version 3
 * @param backingFile what the image shows where it was not written, by a name that is relative to
 *     the image; null for nothing
 * @param backingFormat of the backing file, null without one
 * @param compression of what is written compressed
 */
public record Qcow2Options(
    long size,
    int clusterSize,
    int version,
    boolean lazyRefcounts,
    String backingFile,
    ImageFormat backingFormat,
    Compression compression) {
  public Qcow2Options {
    require(size >= 0 && size % 512 == 0, "a size that is no multiple of 512");
    require(
        Integer.bitCount(clusterSize) == 1
            && clusterSize >= 1 << Qcow2Header.MIN_CLUSTER_BITS
            && clusterSize <= 1 << Qcow2Header.MAX_CLUSTER_BITS,
        "a cluster size that is no power of two from 512 to 2 MiB");
    require(version == 2 || version == 3, "a version other than 2 and 3");
    require(version == 3 || !lazyRefcounts, "lazy refcounts in version 2");
    require(version == 3 || compression == Compression.ZLIB, "zstd compression in version 2");
    require((backingFile == null) == (backingFormat == null), "a backing file without its format");
  }

  /** Whose clusters are compressed as the format has always done it. */
  public Qcow2Options(
      long size,
      int clusterSize,
      int version,
      boolean lazyRefcounts,
      String backingFile,
      ImageFormat backingFormat) {
    this(size, clusterSize, version, lazyRefcounts, backingFile, backingFormat, Compression.ZLIB);
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  /** An image of version 3 with clusters of 64 KiB and nothing behind it. */
  public static Qcow2Options ofSize(long size) {
    return new Qcow2Options(size, 1 << 16, 3, false, null, null);
  }

  /** The same image in front of another. */
  public Qcow2Options withBacking(String name, ImageFormat format) {
    return new Qcow2Options(
        size,
        clusterSize,
        version,
        lazyRefcounts,
        Objects.requireNonNull(name),
        Objects.requireNonNull(format),
        compression);
  }

  /** The same image with another kind of compression. */
  public Qcow2Options withCompression(Compression other) {
    return new Qcow2Options(
        size, clusterSize, version, lazyRefcounts, backingFile, backingFormat, other);
  }
}
