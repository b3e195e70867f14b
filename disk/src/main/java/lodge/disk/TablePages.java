package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import lodge.disk.DiskException.Kind;

/**
 * Reads entries of tables in a file, with the pages used last in memory. Tables are as large as the
 * file says; what is kept of them is not.
 */
final class TablePages {
  private static final int PAGE = 4096;
  private static final int MAX_PAGES = 512;

  private final ImageFile file;
  private final ByteOrder order;
  private final LinkedHashMap<Long, ByteBuffer> pages = new LinkedHashMap<>(16, 0.75f, true);

  TablePages(ImageFile file, ByteOrder order) {
    this.file = file;
    this.order = order;
  }

  /**
   * The number that is at an offset, a multiple of 4.
   *
   * @param table that it belongs to, for people
   */
  synchronized long u32(long offset, String table) throws DiskException {
    return page(offset, Integer.BYTES, table).getInt((int) (offset % PAGE)) & 0xFFFF_FFFFL;
  }

  /** The same for 8 bytes. */
  synchronized long u64(long offset, String table) throws DiskException {
    return page(offset, Long.BYTES, table).getLong((int) (offset % PAGE));
  }

  private ByteBuffer page(long offset, int length, String table) throws DiskException {
    if (offset < 0 || offset > file.end() - length) {
      throw file.error(Kind.CORRUPT, "read", offset, table + " goes past the end of the file");
    }
    ByteBuffer page = pages.get(offset / PAGE);
    if (page == null) {
      page = ByteBuffer.allocate(PAGE).order(order);
      file.read(offset - offset % PAGE, page);
      if (pages.size() == MAX_PAGES) {
        pages.pollFirstEntry();
      }
      pages.put(offset / PAGE, page);
    }
    return page;
  }
}
