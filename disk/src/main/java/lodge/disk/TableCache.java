package lodge.disk;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Tables of one cluster each, as many as a limit allows, as words in the host's order. Those that
 * were not used since they were last considered go first. Only {@link #peek} may be called by
 * several threads at once, and beside the others.
 */
final class TableCache {
  /** Makes tables clean, by {@link TableCache#writeBack} and what has to come before. */
  interface Cleaner {
    void clean() throws DiskException;
  }

  private static final class Table {
    final long offset;
    final long[] words;
    boolean dirty;
    volatile boolean used = true;

    Table(long offset, int size) {
      this.offset = offset;
      words = new long[size / Long.BYTES];
    }
  }

  private final ImageFile file;
  private final String what;
  private final int tableSize;
  private final LongSupplier limit;
  private final Cleaner cleaner;
  private final ConcurrentHashMap<Long, Table> tables = new ConcurrentHashMap<>();
  private final ArrayDeque<Table> candidates = new ArrayDeque<>();
  private final List<Table> dirty = new ArrayList<>();

  /**
   * @param what a table is, for people
   * @param limit in bytes, as it is now; one table is always kept
   */
  TableCache(ImageFile file, String what, int tableSize, LongSupplier limit, Cleaner cleaner) {
    this.file = file;
    this.what = what;
    this.tableSize = tableSize;
    this.limit = limit;
    this.cleaner = cleaner;
  }

  /** What is at an offset of the file, null when it has to be read first. */
  long[] peek(long offset) {
    Table table = tables.get(offset);
    if (table == null) {
      return null;
    }
    if (!table.used) {
      table.used = true;
    }
    return table.words;
  }

  /** What is at an offset of the file, not to be changed. */
  long[] get(long offset) throws DiskException {
    return table(offset).words;
  }

  private Table table(long offset) throws DiskException {
    Table table = tables.get(offset);
    if (table == null) {
      table = new Table(offset, tableSize);
      ByteBuffer bytes = ByteBuffer.allocate(tableSize);
      file.readAll(offset, bytes, what);
      bytes.flip().asLongBuffer().get(table.words);
      insert(table);
    }
    table.used = true;
    return table;
  }

  /** The same, to be changed before the next call. */
  long[] change(long offset) throws DiskException {
    Table table = table(offset);
    soil(table);
    return table.words;
  }

  /** A table of zeroes to be changed before the next call, whatever the file has there. */
  long[] add(long offset) throws DiskException {
    Table table = new Table(offset, tableSize);
    insert(table);
    soil(table);
    return table.words;
  }

  private void soil(Table table) {
    if (!table.dirty) {
      table.dirty = true;
      dirty.add(table);
    }
  }

  private void insert(Table table) throws DiskException {
    forget(table.offset);
    long capacity = Math.max(1, limit.getAsLong() / tableSize);
    while (tables.size() >= capacity) {
      Table candidate = candidates.remove();
      if (candidate.used && tables.size() > 1) {
        candidate.used = false;
        candidates.add(candidate);
        continue;
      }
      if (candidate.dirty) {
        cleaner.clean();
      }
      tables.remove(candidate.offset);
    }
    tables.put(table.offset, table);
    candidates.add(table);
  }

  /** The file has something else at an offset, or will have. */
  void forget(long offset) {
    Table table = tables.remove(offset);
    if (table != null) {
      candidates.remove(table);
      dirty.remove(table);
    }
  }

  boolean isDirty() {
    return !dirty.isEmpty();
  }

  void writeBack() throws DiskException {
    ByteBuffer bytes = ByteBuffer.allocate(dirty.isEmpty() ? 0 : tableSize);
    for (Table table : dirty) {
      bytes.clear().asLongBuffer().put(table.words);
      file.write(table.offset, bytes);
      table.dirty = false;
    }
    dirty.clear();
  }
}
