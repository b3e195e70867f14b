package lodge.disk;

import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import lodge.disk.DiskException.Kind;

/**
 * How often each cluster of the file is referenced, and from that, which are free.
 *
 * <p>Counts that grow may reach the file at any time: the worst is a cluster that nobody uses. So
 * may those that shrink, because callers lower them only when the reference is durably gone. What
 * has to be in order is only inside: a block before the table's entry that points to it.
 */
final class Refcounts {
  private final ImageFile file;
  private final RefcountWidth width;
  private final int clusterBits;
  private final int perBlock;
  private final TableCache blocks;
  private final MetadataClusters metadata;

  private long tableOffset;
  private int tableBytes;
  private long[] table;

  /** What the header has as long as a {@link #fork} is used instead; null at other times. */
  private Table forked;

  /** The refcount table and, by its entries, its blocks. */
  private record Table(long offset, int bytes, long[] blocks) {}

  /** No cluster before is free. */
  private long firstFree = 1;

  Refcounts(ImageFile file, Qcow2Header header, MetadataClusters metadata, LongSupplier cacheBytes)
      throws DiskException {
    this.file = file;
    this.metadata = metadata;
    width = new RefcountWidth(header.refcountOrder());
    clusterBits = header.clusterBits();
    perBlock = width.perBlock(header.clusterSize());
    blocks =
        new TableCache(file, "a refcount block", header.clusterSize(), cacheBytes, this::writeBack);
    tableOffset = header.refcountTableOffset();
    tableBytes = header.refcountTableBytes();
    ByteBuffer bytes = ByteBuffer.allocate(tableBytes);
    file.readAll(tableOffset, bytes, "the refcount table");
    table = new long[tableBytes / Long.BYTES];
    bytes.flip().asLongBuffer().get(table);
    for (long block : table) {
      if (block != 0 && isPlace(block) && metadata.at(block) == null) {
        metadata.add(MetadataClusters.Kind.REFCOUNT_BLOCK, block, header.clusterSize());
      }
    }
  }

  RefcountWidth width() {
    return width;
  }

  int perBlock() {
    return perBlock;
  }

  long tableOffset() {
    return tableOffset;
  }

  int tableBytes() {
    return tableBytes;
  }

  int tableClusters() {
    return tableBytes >>> clusterBits;
  }

  int tableEntries() {
    return table.length;
  }

  /** Where the file keeps the counts of some clusters, 0 when none of them is used. */
  long block(int index) {
    return table[index];
  }

  /** Whether something is where a table entry says. */
  boolean isBlockSound(int index) {
    return isPlace(table[index])
        && metadata.at(table[index]) == MetadataClusters.Kind.REFCOUNT_BLOCK;
  }

  private boolean isPlace(long offset) {
    return (offset & (1L << clusterBits) - 1) == 0
        && offset > 0
        && offset <= file.end() - (1L << clusterBits);
  }

  private long soundBlock(int index) throws DiskException {
    if (!isBlockSound(index)) {
      throw file.error(
          Kind.CORRUPT, "use a refcount block", table[index], "it is no place for one");
    }
    return table[index];
  }

  /** Whether a count of a cluster can be read at all. */
  boolean isCounted(long cluster) {
    long index = cluster / perBlock;
    return index < table.length && table[(int) index] != 0 && isBlockSound((int) index);
  }

  /** Forgets blocks that cannot be where the table says; their counts are to be set anew. */
  void dropUnsoundBlocks() throws DiskException {
    for (int i = 0; i < table.length; i++) {
      if (table[i] != 0 && !isBlockSound(i)) {
        table[i] = 0;
        file.write(tableOffset + i * 8L, ByteBuffer.allocate(Long.BYTES));
      }
    }
  }

  long get(long cluster) throws DiskException {
    long index = cluster / perBlock;
    if (index >= table.length || table[(int) index] == 0) {
      return 0;
    }
    return width.get(blocks.get(soundBlock((int) index)), (int) (cluster % perBlock));
  }

  void set(long cluster, long value) throws DiskException {
    if (Long.compareUnsigned(value, width.max()) > 0) {
      throw file.error(
          Kind.FULL, "count references to a cluster", cluster << clusterBits, "there are too many");
    }
    while (cluster / perBlock >= table.length) {
      growTable();
    }
    int index = (int) (cluster / perBlock);
    if (table[index] == 0) {
      long place = allocate();
      if (table[index] == 0) {
        addBlock(index, place);
      } else {
        free(place);
      }
    }
    width.set(blocks.change(soundBlock(index)), (int) (cluster % perBlock), value);
  }

  /** Free clusters are looked for from here on. */
  void searchFrom(long cluster) {
    firstFree = cluster;
  }

  /** A free cluster, which has one reference from now on. */
  long allocate() throws DiskException {
    long cluster = firstFree;
    while (!isFree(cluster) || ensureBlock(cluster)) {
      cluster++;
    }
    set(cluster, 1);
    firstFree = cluster + 1;
    return cluster << clusterBits;
  }

  /** The first of some free clusters in a row, which have one reference each from now on. */
  long allocate(int count) throws DiskException {
    long from = firstFree;
    long start = from;
    for (long cluster = start; cluster < start + count; cluster++) {
      if (!isFree(cluster)) {
        start = cluster + 1;
      }
    }
    if ((start + count - 1) / perBlock >= table.length) {
      growTable();
      return allocate(count);
    }
    firstFree = start + count; // blocks for the row are put behind it
    for (long cluster = start; cluster < start + count; cluster++) {
      set(cluster, 1);
    }
    if (start != from) {
      firstFree = from;
    }
    return start << clusterBits;
  }

  private boolean isFree(long cluster) throws DiskException {
    boolean free = get(cluster) == 0;
    if (free) {
      checkFree(cluster << clusterBits);
    }
    return free;
  }

  private void checkFree(long offset) throws DiskException {
    MetadataClusters.Kind kind = metadata.at(offset);
    if (kind != null) {
      throw file.error(Kind.CORRUPT, "allocate", offset, kind.label + " counts as free");
    }
    if (offset >>> 56 != 0) {
      throw file.error(Kind.FULL, "allocate", offset, "the format ends here");
    }
  }

  /**
   * Where nothing counts a cluster yet, that cluster itself becomes the block that does.
   *
   * @return whether it did
   */
  private boolean ensureBlock(long cluster) throws DiskException {
    while (cluster / perBlock >= table.length) {
      growTable();
    }
    int index = (int) (cluster / perBlock);
    if (table[index] != 0) {
      return get(cluster) != 0;
    }
    addBlock(index, cluster << clusterBits);
    return true;
  }

  /** One reference more to a cluster that has some. */
  void raise(long offset) throws DiskException {
    long count = get(offset >>> clusterBits);
    if (count == 0) {
      throw file.error(Kind.CORRUPT, "share", offset, "the cluster is not in use");
    }
    if (count == width.max()) {
      throw file.error(Kind.FULL, "share", offset, "its refcount cannot be larger");
    }
    set(offset >>> clusterBits, count + 1);
  }

  /**
   * Gives one reference back; the last makes the cluster free. While a {@link #fork} is used, it
   * has its content still.
   */
  void free(long offset) throws DiskException {
    long cluster = offset >>> clusterBits;
    long count = get(cluster);
    if (count == 0 || (count == 1 && metadata.at(offset) != null)) {
      throw file.error(Kind.CORRUPT, "free", offset, "the cluster is not in use");
    }
    set(cluster, count - 1);
    if (count == 1) {
      firstFree = Math.min(firstFree, cluster);
      if (forked == null) {
        file.punch(cluster << clusterBits, 1L << clusterBits);
      }
    }
  }

  /** Gives the file's space back where a cluster is free. */
  void punchUnused(long offset) throws DiskException {
    if (get(offset >>> clusterBits) == 0) {
      file.punch(offset, 1L << clusterBits);
    }
  }

  /**
   * From now on a copy of all counts is changed, which the header does not point to yet. Nothing is
   * to be allocated until it does, {@link #keepFork}, or will not, {@link #dropFork}.
   */
  void fork() throws DiskException {
    Table copy = allocateCopy();
    blocks.writeBack();
    forked = new Table(tableOffset, tableBytes, table);
    use(copy);
    metadata.add(MetadataClusters.Kind.REFCOUNT_TABLE, tableOffset, tableBytes);
    for (int i = 0; i < table.length; i++) {
      if (table[i] != 0) {
        long[] counts = blocks.get(forked.blocks[i]);
        System.arraycopy(counts, 0, blocks.add(table[i]), 0, counts.length);
        metadata.add(MetadataClusters.Kind.REFCOUNT_BLOCK, table[i], 1L << clusterBits);
      }
    }
    blocks.writeBack();
    file.write(tableOffset, ClusterMap.bytes(table));
  }

  /** Places for a table, and for as many blocks as there are then. */
  private Table allocateCopy() throws DiskException {
    Table copy = new Table(allocate(tableClusters()), tableBytes, new long[table.length]);
    try {
      boolean complete;
      do {
        complete = true;
        for (int i = 0; i < copy.blocks.length; i++) {
          if (table[i] != 0 && copy.blocks[i] == 0) {
            soundBlock(i);
            copy.blocks[i] = allocate();
            complete = false;
          }
        }
      } while (!complete);
    } catch (DiskException e) {
      free(copy);
      throw e;
    }
    if (copy.bytes == tableBytes) {
      return copy;
    }
    free(copy); // the table had to become larger
    return allocateCopy();
  }

  private void use(Table other) {
    tableOffset = other.offset;
    tableBytes = other.bytes;
    table = other.blocks;
  }

  /** The header points to the copy. */
  void keepFork() throws DiskException {
    Table old = forked;
    forked = null;
    free(old);
  }

  /** The header will not point to the copy. */
  void dropFork() throws DiskException {
    if (forked != null) {
      Table copy = new Table(tableOffset, tableBytes, table);
      use(forked);
      forked = null;
      free(copy);
    }
  }

  private void free(Table unused) throws DiskException {
    metadata.remove(unused.offset, unused.bytes);
    for (int i = 0; i < unused.bytes >>> clusterBits; i++) {
      free(unused.offset + ((long) i << clusterBits));
    }
    for (long block : unused.blocks) {
      if (block != 0) {
        metadata.remove(block, 1L << clusterBits);
        blocks.forget(block);
        free(block);
      }
    }
  }

  /** Lets a cluster be a block, which counts itself when it is among those it counts. */
  private void addBlock(int index, long offset) throws DiskException {
    long cluster = offset >>> clusterBits;
    long[] block = blocks.add(offset);
    metadata.add(MetadataClusters.Kind.REFCOUNT_BLOCK, offset, 1L << clusterBits);
    if (cluster / perBlock == index) {
      width.set(block, (int) (cluster % perBlock), 1);
    }
    writeBack();
    file.force();
    ByteBuffer entry = ByteBuffer.allocate(Long.BYTES).putLong(0, offset);
    file.write(tableOffset + index * 8L, entry);
    table[index] = offset;
  }

  /**
   * Makes the table larger. The new one, and the blocks that count it, are put where the old one
   * ended to count, so all of that is free. The header's change is what makes it valid.
   */
  private void growTable() throws DiskException {
    int clusterSize = 1 << clusterBits;
    long start = (long) table.length * perBlock;
    int tableClusters = 2 * (tableBytes >>> clusterBits);
    int newBlocks = (tableClusters + perBlock) / perBlock;
    while ((tableClusters + newBlocks + perBlock - 1) / perBlock > newBlocks) {
      newBlocks++;
    }
    int newBytes = tableClusters << clusterBits;
    if (newBytes > Qcow2Header.MAX_REFCOUNT_TABLE_BYTES
        || newBytes / Long.BYTES < table.length + newBlocks) {
      throw file.error(Kind.FULL, "allocate", start << clusterBits, "the refcount table is full");
    }
    ByteBuffer bytes = ByteBuffer.allocate(newBytes);
    bytes.asLongBuffer().put(table);
    long used = tableClusters + newBlocks;
    for (int i = 0; i < newBlocks; i++) {
      long offset = start + tableClusters + i << clusterBits;
      long[] block = new long[clusterSize / Long.BYTES];
      for (int count = 0; count < Math.min(perBlock, used - (long) i * perBlock); count++) {
        width.set(block, count, 1);
      }
      file.write(offset, ClusterMap.bytes(block));
      metadata.add(MetadataClusters.Kind.REFCOUNT_BLOCK, offset, clusterSize);
      bytes.putLong((table.length + i) * Long.BYTES, offset);
    }
    file.write(start << clusterBits, bytes.duplicate());
    file.force();
    ByteBuffer fields = ByteBuffer.allocate(Long.BYTES + Integer.BYTES);
    fields.putLong(start << clusterBits).putInt(tableClusters).flip();
    file.commit(Qcow2Header.REFCOUNT_TABLE_FIELDS, fields);

    long oldOffset = tableOffset;
    int oldClusters = tableBytes >>> clusterBits;
    metadata.remove(oldOffset, tableBytes);
    tableOffset = start << clusterBits;
    tableBytes = newBytes;
    table = new long[newBytes / Long.BYTES];
    bytes.clear().asLongBuffer().get(table);
    metadata.add(MetadataClusters.Kind.REFCOUNT_TABLE, tableOffset, tableBytes);
    for (int i = 0; i < oldClusters; i++) {
      free(oldOffset + (long) i * clusterSize);
    }
  }

  boolean isDirty() {
    return blocks.isDirty();
  }

  void writeBack() throws DiskException {
    blocks.writeBack();
  }
}
