package lodge.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import lodge.disk.DiskException.Kind;

/**
 * Where an image keeps its dirty bitmaps: qcow2 specification, "Bitmaps extension". Lodge only
 * counts their clusters; whoever changes the image without them clears the bit that makes them
 * valid.
 */
record BitmapDirectory(int count, long bytes, long offset) {
  static final int EXTENSION = 0x23852875;
  static final int EXTENSION_BYTES = 24;

  private static final int FIXED = 24;
  private static final int MAX_BYTES = 16 << 20;
  private static final int MAX_TABLE_ENTRIES = 1 << 22;

  static BitmapDirectory read(ByteBuffer header, int at) {
    return new BitmapDirectory(header.getInt(at), header.getLong(at + 8), header.getLong(at + 16));
  }

  /** A part of the file. */
  record Extent(long offset, long bytes) {}

  /** The directory, the tables and the bitmaps themselves. */
  List<Extent> extents(ImageFile file, int clusterSize) throws DiskException {
    require(file, bytes > 0 && bytes <= MAX_BYTES, "its size");
    ByteBuffer directory = ByteBuffer.allocate((int) bytes);
    file.readAll(offset, directory, "the directory of bitmaps");
    List<Extent> extents = new ArrayList<>(List.of(new Extent(offset, bytes)));
    long entries = 0;
    for (int at = 0; at + FIXED <= bytes; ) {
      long table = directory.getLong(at);
      int size = directory.getInt(at + 8);
      entries += Integer.toUnsignedLong(size);
      require(file, entries <= MAX_TABLE_ENTRIES, "the size of its tables");
      ByteBuffer words = ByteBuffer.allocate(size * Long.BYTES);
      file.readAll(table, words, "a table of a bitmap");
      extents.add(new Extent(table, words.capacity()));
      for (int i = 0; i < size; i++) {
        long cluster = words.getLong(i * Long.BYTES) & L2Entry.OFFSET;
        if (cluster != 0) {
          extents.add(new Extent(cluster, clusterSize));
        }
      }
      long length =
          FIXED
              + (directory.getShort(at + 18) & 0xFFFFL)
              + Integer.toUnsignedLong(directory.getInt(at + 20));
      require(file, length <= bytes - at, "the length of an entry");
      at += (int) length + 7 & ~7;
    }
    return extents;
  }

  private static void require(ImageFile file, boolean condition, String what) throws DiskException {
    if (!condition) {
      throw file.error(
          Kind.CORRUPT, "read the directory of bitmaps", DiskException.NOWHERE, what + " is wrong");
    }
  }
}
