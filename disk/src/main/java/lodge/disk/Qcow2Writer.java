package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import lodge.disk.DiskException.Kind;

/**
 * Writes a qcow2 image from front to back: data and L2 tables in the order of the guest's offsets,
 * then the L1 table and the refcounts, then the header. So each table is written once.
 */
final class Qcow2Writer implements ConversionTarget {
  private final Qcow2Options options;
  private final boolean compressing;
  private final ZeroRuns runs;
  private final long backingSize;
  private final int clusterSize;
  private final int clusterBits;
  private final ImageFile file;
  private final ClusterAppender clusters;
  private final long[] l1;

  /** The L2 table that is being filled. */
  private final ByteBuffer l2;

  private int l1Index;
  private boolean l2Used;

  /**
   * @param sparse whether clusters of zeroes take no space
   * @param backingSize of the image behind, 0 for none
   */
  Qcow2Writer(
      NewFile made, Qcow2Options options, boolean compressing, boolean sparse, long backingSize)
      throws DiskException {
    this.options = options;
    this.compressing = compressing;
    this.backingSize = backingSize;
    clusterSize = options.clusterSize();
    clusterBits = Integer.numberOfTrailingZeros(clusterSize);
    runs = new ZeroRuns(clusterSize, sparse);
    long l1Entries = Math.ceilDiv(options.size(), 1L << 2 * clusterBits - 3);
    if (l1Entries > Qcow2Header.MAX_L1_BYTES / Long.BYTES) {
      throw new DiskException(
          Kind.FULL,
          made.target(),
          "create",
          DiskException.NOWHERE,
          "the size needs larger clusters",
          null);
    }
    l1 = new long[(int) l1Entries];
    l2 = ByteBuffer.allocate(clusterSize);
    file = made.open(0);
    clusters = new ClusterAppender(file, clusterSize);
    clusters.allocate(1); // the header
  }

  @Override
  public int grain() {
    return clusterSize;
  }

  @Override
  public void data(long offset, ByteBuffer bytes) throws IOException {
    if (compressing) {
      dataCompressed(offset, bytes);
      return;
    }
    runs.split(
        bytes,
        bytes.limit(),
        (from, to) -> write(offset + from, bytes.slice(from, to - from)),
        (from, to) -> zeroes(offset + from, to - from));
  }

  private boolean isHole(ByteBuffer bytes, int at) {
    return runs.sparse() && Buffers.isZero(bytes, at, clusterSize);
  }

  private void write(long offset, ByteBuffer bytes) throws DiskException {
    int count = bytes.remaining();
    long place = clusters.allocate(count / clusterSize);
    file.write(place, bytes);
    for (int at = 0; at < count; at += clusterSize) {
      set(offset + at, place + at | L2Entry.COPIED);
    }
  }

  private void dataCompressed(long offset, ByteBuffer bytes) throws DiskException {
    List<byte[]> compressed =
        IntStream.range(0, bytes.limit() / clusterSize)
            .parallel()
            .mapToObj(i -> compress(bytes, i * clusterSize))
            .toList();
    for (int i = 0; i < compressed.size(); i++) {
      byte[] data = compressed.get(i);
      int at = i * clusterSize;
      if (data.length == 0) {
        zeroes(offset + at, clusterSize);
      } else if (data.length == clusterSize) {
        write(offset + at, bytes.slice(at, clusterSize));
      } else {
        long place = clusters.allocateBytes(data.length);
        file.write(place, ByteBuffer.wrap(data));
        set(offset + at, CompressedClusters.entry(place, data.length, clusterBits));
      }
    }
  }

  /** Nothing for zeroes; as much as there was for what cannot be made smaller. */
  private byte[] compress(ByteBuffer bytes, int at) {
    if (isHole(bytes, at)) {
      return new byte[0];
    }
    byte[] smaller = new byte[clusterSize];
    if (options.compression() == Compression.ZSTD) {
      bytes.get(at, smaller);
      byte[] frame = Zstd.compress(smaller);
      return frame.length < clusterSize ? frame : smaller;
    }
    try (Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true)) {
      deflater.setInput(bytes.slice(at, clusterSize));
      deflater.finish();
      int count = deflater.deflate(smaller);
      return deflater.finished() ? Arrays.copyOf(smaller, count) : smaller;
    }
  }

  /** What the image behind has must not be seen. */
  @Override
  public void zeroes(long offset, long length) throws DiskException {
    long end = Math.min(offset + length, backingSize);
    for (long at = offset; at < end; at += clusterSize) {
      if (options.version() == 2) {
        write(at, ByteBuffer.allocate(clusterSize));
      } else {
        set(at, L2Entry.ZERO);
      }
    }
  }

  private void set(long offset, long entry) throws DiskException {
    int index = (int) (offset >>> 2 * clusterBits - 3);
    if (index != l1Index) {
      writeL2();
      l1Index = index;
    }
    l2.putLong((int) (offset >>> clusterBits & clusterSize / Long.BYTES - 1) * Long.BYTES, entry);
    l2Used = true;
  }

  private void writeL2() throws DiskException {
    if (l2Used) {
      long place = clusters.allocate(1);
      file.write(place, l2.clear());
      Buffers.zero(l2.clear(), clusterSize);
      l1[l1Index] = place | L2Entry.COPIED;
      l2Used = false;
    }
  }

  @Override
  public void finish() throws DiskException {
    writeL2();
    int l1Clusters = (int) Math.ceilDiv((long) l1.length * Long.BYTES, clusterSize);
    long l1Offset = clusters.allocate(l1Clusters);
    ByteBuffer bytes = ByteBuffer.allocate(l1Clusters * clusterSize);
    bytes.asLongBuffer().put(l1);
    file.write(l1Offset, bytes);
    ClusterAppender.Table refcounts = clusters.finish();
    ByteBuffer header = ByteBuffer.allocate(clusterSize);
    Qcow2Creator.putHeader(file.path(), header, options);
    header.putInt(36, l1.length);
    header.putLong(40, l1Offset);
    header.putLong(48, refcounts.offset());
    header.putInt(56, refcounts.clusters());
    file.write(0, header);
  }

  @Override
  public void force() throws DiskException {
    file.force();
  }

  @Override
  public void close() throws DiskException {
    file.close();
  }

  /** How large the image is that shall be behind a new one. */
  static long backingSize(Path target, Qcow2Options options) throws IOException {
    if (options.backingFile() == null) {
      return 0;
    }
    Path backing = BackingChain.resolve(target, options.backingFile());
    try (DiskImage image = options.backingFormat().open(backing, true)) {
      return image.size();
    }
  }
}
