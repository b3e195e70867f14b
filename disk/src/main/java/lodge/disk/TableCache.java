package lodge.disk;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;

/** Tables of one cluster each, as many as a limit allows; those not used for longest go first. */
final class TableCache {
  /** Makes tables clean, by {@link TableCache#writeBack} and what has to come before. */
  interface Cleaner {
    void clean() throws DiskException;
  }

  private static final class Table {
    final ByteBuffer bytes;
    boolean dirty;

    Table(int size) {
      bytes = ByteBuffer.allocate(size);
    }
  }

  private final ImageFile file;
  private final String what;
  private final int tableSize;
  private final long capacity;
  private final Cleaner cleaner;
  private final LinkedHashMap<Long, Table> tables = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * @param what a table is, for people
   * @param limit in bytes; one table is always kept
   */
  TableCache(ImageFile file, String what, int tableSize, long limit, Cleaner cleaner) {
    this.file = file;
    this.what = what;
    this.tableSize = tableSize;
    capacity = Math.max(1, limit / tableSize);
    this.cleaner = cleaner;
  }

  /** What is at an offset of the file, valid until the next call. */
  ByteBuffer get(long offset) throws DiskException {
    return table(offset).bytes;
  }

  private Table table(long offset) throws DiskException {
    Table table = tables.get(offset);
    if (table == null) {
      table = new Table(tableSize);
      file.readAll(offset, table.bytes, what);
      insert(offset, table);
    }
    return table;
  }

  /** The same, to be changed. */
  ByteBuffer change(long offset) throws DiskException {
    Table table = table(offset);
    table.dirty = true;
    return table.bytes;
  }

  /** A table of zeroes, whatever the file has there. */
  ByteBuffer add(long offset) throws DiskException {
    Table table = new Table(tableSize);
    table.dirty = true;
    insert(offset, table);
    return table.bytes;
  }

  private void insert(long offset, Table table) throws DiskException {
    tables.remove(offset);
    while (tables.size() >= capacity) {
      if (tables.firstEntry().getValue().dirty) {
        cleaner.clean();
      }
      tables.pollFirstEntry();
    }
    tables.put(offset, table);
  }

  boolean isDirty() {
    return tables.values().stream().anyMatch(table -> table.dirty);
  }

  void writeBack() throws DiskException {
    for (var entry : tables.entrySet()) {
      Table table = entry.getValue();
      if (table.dirty) {
        file.write(entry.getKey(), table.bytes.duplicate().clear());
        table.dirty = false;
      }
    }
  }
}
