package lodge.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lodge.disk.DiskException.Kind;

/**
 * Takes the clusters of a new file one after the other and counts their references. A refcount
 * block is written when the clusters that it counts are all taken, so there are never many in
 * memory.
 */
final class ClusterAppender {
  private static final RefcountWidth WIDTH = new RefcountWidth(Qcow2Creator.REFCOUNT_ORDER);

  private final ImageFile file;
  private final int clusterSize;
  private final int perBlock;

  /** Those that may still change. */
  private final Map<Long, ByteBuffer> openBlocks = new HashMap<>();

  /** Where the others are. */
  private final List<Long> blocks = new ArrayList<>();

  private long next;

  /** The end of the compressed data that was written last, where that is inside of a cluster. */
  private long partial;

  ClusterAppender(ImageFile file, int clusterSize) {
    this.file = file;
    this.clusterSize = clusterSize;
    perBlock = WIDTH.perBlock(clusterSize);
  }

  /** Clusters side by side; tells where the first is. */
  long allocate(int count) throws DiskException {
    long first = next;
    for (int i = 0; i < count; i++) {
      count(next++);
    }
    writeBlocks();
    return first * clusterSize;
  }

  /** Room for compressed data, which shares clusters; tells where. */
  long allocateBytes(int count) throws DiskException {
    long rest = Math.ceilDiv(partial, clusterSize) * clusterSize - partial;
    boolean goesOn = partial + rest == next * clusterSize;
    long offset = rest > 0 && (goesOn || rest >= count) ? partial : next * clusterSize;
    long end = offset + count;
    next = Math.max(next, Math.ceilDiv(end, clusterSize));
    for (long cluster = offset / clusterSize; cluster * clusterSize < end; cluster++) {
      count(cluster);
    }
    partial = end;
    writeBlocks();
    return offset;
  }

  private void count(long cluster) {
    ByteBuffer block =
        openBlocks.computeIfAbsent(cluster / perBlock, _ -> ByteBuffer.allocate(clusterSize));
    int index = (int) (cluster % perBlock);
    WIDTH.set(block, index, WIDTH.get(block, index) + 1);
  }

  private void writeBlocks() throws DiskException {
    while (firstThatMayChange() / perBlock > blocks.size()) {
      ByteBuffer block = openBlocks.remove((long) blocks.size());
      file.write(next * clusterSize, block);
      blocks.add(next * clusterSize);
      count(next++);
    }
  }

  private long firstThatMayChange() {
    return partial % clusterSize == 0 ? next : partial / clusterSize;
  }

  /** Where the refcount table is, and how many clusters it has. */
  record Table(long offset, int clusters) {}

  /** Writes the rest. */
  Table finish() throws DiskException {
    partial = 0;
    int tableClusters = 0;
    long counted;
    do {
      tableClusters++;
      long used = next + tableClusters;
      counted = Math.ceilDiv(used + Math.ceilDiv(used, perBlock) + 1, perBlock);
    } while (counted * Long.BYTES > (long) tableClusters * clusterSize);
    if ((long) tableClusters * clusterSize > Qcow2Header.MAX_REFCOUNT_TABLE_BYTES) {
      throw file.error(Kind.FULL, "write", DiskException.NOWHERE, "its size needs larger clusters");
    }
    long offset = allocate(tableClusters);
    int firstOpen = blocks.size();
    while (blocks.size() * (long) perBlock < next) {
      blocks.add(next * clusterSize);
      count(next++);
    }
    for (int i = firstOpen; i < blocks.size(); i++) {
      file.write(blocks.get(i), openBlocks.remove((long) i));
    }
    ByteBuffer table = ByteBuffer.allocate(tableClusters * clusterSize);
    for (int i = 0; i < blocks.size(); i++) {
      table.putLong(i * Long.BYTES, blocks.get(i));
    }
    file.write(offset, table);
    return new Table(offset, tableClusters);
  }
}
