package lodge.disk;

/** How a qcow2 image keeps the clusters that are compressed, by the format's numbers. */
public enum Compression {
  /** Deflate: RFC 1951. */
  ZLIB,
  /** Zstandard: RFC 8878; only in version 3 of the format. */
  ZSTD
}
