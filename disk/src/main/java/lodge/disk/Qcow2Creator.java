package lodge.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import lodge.disk.DiskException.Kind;

/** Makes an empty image: header, refcount table, refcount blocks, L1 table, in this order. */
final class Qcow2Creator {
  static final int REFCOUNT_ORDER = 4;

  private Qcow2Creator() {}

  static void create(Path path, Qcow2Options options) throws IOException {
    int clusterSize = options.clusterSize();
    long perL2 = (long) clusterSize * (clusterSize / Long.BYTES);
    long l1Entries = Math.ceilDiv(options.size(), perL2);
    if (l1Entries > Qcow2Header.MAX_L1_BYTES / Long.BYTES) {
      throw new DiskException(
          Kind.FULL, path, "create", DiskException.NOWHERE, "the size needs larger clusters", null);
    }
    ByteBuffer header = ByteBuffer.allocate(clusterSize);
    RefcountWidth width = new RefcountWidth(REFCOUNT_ORDER);
    int perBlock = width.perBlock(clusterSize);
    int l1Clusters = (int) Math.ceilDiv(l1Entries * Long.BYTES, clusterSize);
    int blocks = 0;
    int tableClusters;
    int clusters;
    do {
      blocks++;
      tableClusters = Math.ceilDiv(blocks * Long.BYTES, clusterSize);
      clusters = 1 + tableClusters + blocks + l1Clusters;
    } while (blocks < Math.ceilDiv(clusters, perBlock));

    long tableOffset = clusterSize;
    long blocksOffset = tableOffset + (long) tableClusters * clusterSize;
    long l1Offset = blocksOffset + (long) blocks * clusterSize;
    putHeader(path, header, options);
    header.putInt(36, (int) l1Entries);
    header.putLong(40, l1Offset);
    header.putLong(48, tableOffset);
    header.putInt(56, tableClusters);
    if (options.backingFile() != null) {
      checkBacking(path, options);
    }

    ImageFile file = ImageFile.create(path);
    try (file) {
      for (int i = 0; i < blocks; i++) {
        long[] block = new long[clusterSize / Long.BYTES];
        for (int count = 0; count < Math.min(perBlock, clusters - i * perBlock); count++) {
          width.set(block, count, 1);
        }
        file.write(blocksOffset + (long) i * clusterSize, ClusterMap.bytes(block));
      }
      ByteBuffer table = ByteBuffer.allocate(tableClusters * clusterSize);
      for (int i = 0; i < blocks; i++) {
        table.putLong(i * Long.BYTES, blocksOffset + (long) i * clusterSize);
      }
      file.write(tableOffset, table);
      file.writeZeroes(l1Offset, (long) l1Clusters * clusterSize);
      file.force();
      file.write(0, header);
      file.force();
    } catch (DiskException e) {
      Files.deleteIfExists(path);
      throw e;
    }
  }

  static void putHeader(Path path, ByteBuffer header, Qcow2Options options) throws DiskException {
    header.putInt(0, ImageFormat.QCOW_MAGIC);
    header.putInt(4, options.version());
    header.putInt(20, Integer.numberOfTrailingZeros(options.clusterSize()));
    header.putLong(24, options.size());
    int at = Qcow2Header.LENGTH_2;
    if (options.version() == 3) {
      header.putLong(80, options.lazyRefcounts() ? Qcow2Header.LAZY_REFCOUNTS : 0);
      header.putInt(96, REFCOUNT_ORDER);
      at = Qcow2Header.LENGTH_3;
      if (options.compression() != Compression.ZLIB) {
        header.putLong(Qcow2Header.INCOMPATIBLE_FIELD, Qcow2Header.COMPRESSION_TYPE);
        header.put(Qcow2Header.COMPRESSION_FIELD, (byte) options.compression().ordinal());
        at += Long.BYTES;
      }
      header.putInt(100, at);
    }
    if (options.backingFile() == null) {
      return;
    }
    byte[] name = options.backingFile().getBytes(StandardCharsets.UTF_8);
    byte[] format = options.backingFormat().label().getBytes(StandardCharsets.UTF_8);
    int nameAt = at + 8 + 8 + 8; // the format's extension, and the end of all
    if (name.length > Math.min(Qcow2Header.MAX_BACKING_NAME, header.capacity() - nameAt)) {
      throw new DiskException(
          Kind.BACKING,
          path,
          "create",
          DiskException.NOWHERE,
          "the backing file's name is too long",
          null);
    }
    header.putInt(at, Qcow2Header.BACKING_FORMAT_EXTENSION);
    header.putInt(at + 4, format.length);
    header.put(at + 8, format);
    header.put(nameAt, name);
    header.putLong(8, nameAt);
    header.putInt(16, name.length);
  }

  /** A backing file that is missing or wrong is better told now than when the image is opened. */
  private static void checkBacking(Path path, Qcow2Options options) throws IOException {
    Path backing = BackingChain.resolve(path, options.backingFile());
    options.backingFormat().open(backing, true).close();
  }
}
