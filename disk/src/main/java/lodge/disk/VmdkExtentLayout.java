package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import lodge.disk.DiskException.Kind;

/**
 * A hosted sparse extent (VMware Virtual Disk Format 5.0): a grain directory, grain tables and
 * grains, which may be compressed. All is little-endian and counted in sectors.
 */
final class VmdkExtentLayout implements BlockLayout {
  static final int MAGIC = 'K' | 'D' << 8 | 'M' << 16 | 'V' << 24;

  private static final int SECTOR = 512;
  private static final int HEADER = 512;

  /** Behind a footer is one more marker, of the end of the stream. */
  private static final int FOOTER_BEFORE_END = 1024;

  private static final int NEW_LINE_TEST = 1;
  private static final int HAS_ZERO_GRAINS = 1 << 2;
  private static final int COMPRESSED = 1 << 16;
  private static final int NEW_LINES = '\n' | ' ' << 8 | '\r' << 16 | '\n' << 24;
  private static final int DEFLATE = 1;
  private static final long AT_END = -1;
  private static final int GRAIN_MARKER = 12;
  private static final int MAX_GRAIN = 16 << 20;

  private final ImageFile file;
  private final TablePages pages;
  private final long size;
  private final int grainSize;
  private final int perTable;
  private final long directory;
  private final boolean zeroGrains;

  /** Of compressed grains; null for others. */
  private final Inflater inflater;

  /** The grain that was read last, since guests read less than one at once. */
  private byte[] content;

  private long placeOfContent;

  private VmdkExtentLayout(
      ImageFile file, ByteBuffer header, long size, int grainSize, int perTable) {
    this.file = file;
    this.size = size;
    this.grainSize = grainSize;
    this.perTable = perTable;
    pages = new TablePages(file, ByteOrder.LITTLE_ENDIAN);
    directory = header.getLong(56) * SECTOR;
    int flags = header.getInt(8);
    zeroGrains = (flags & HAS_ZERO_GRAINS) != 0;
    inflater = (flags & COMPRESSED) != 0 ? new Inflater() : null;
  }

  static VmdkExtentLayout read(ImageFile file) throws DiskException {
    HeaderChecks checks = new HeaderChecks(file);
    ByteBuffer magic = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.read(0, magic);
    checks.isFormat(magic.getInt(0) == MAGIC, "VMDK image");
    ByteBuffer header = header(checks, 0);
    readDescriptor(file, checks, header);
    if (header.getLong(56) == AT_END) {
      header = header(checks, file.end() - FOOTER_BEFORE_END);
    }
    long capacity = header.getLong(12);
    long grain = header.getLong(20);
    int perTable = header.getInt(44);
    long directory = header.getLong(56);
    checks.isSound(
        HeaderChecks.isBlockSize(grain, 1, MAX_GRAIN / SECTOR),
        "grains of " + Long.toUnsignedString(grain) + " sectors");
    checks.isSound(
        HeaderChecks.isBlockSize(perTable, 1, 1 << 16),
        "grain tables of " + Integer.toUnsignedString(perTable) + " entries");
    checks.isSound(
        capacity >= 0 && capacity <= 1L << 53,
        "a size of " + Long.toUnsignedString(capacity) + " sectors");
    long entries = Math.ceilDiv(capacity, grain * perTable);
    checks.isSound(
        directory >= 0
            && directory <= file.end() / SECTOR
            && directory * SECTOR <= file.end() - entries * Integer.BYTES,
        "the grain directory goes past the end of the file");
    return new VmdkExtentLayout(file, header, capacity * SECTOR, (int) grain * SECTOR, perTable);
  }

  private static ByteBuffer header(HeaderChecks checks, long offset) throws DiskException {
    ByteBuffer header = checks.read(offset, HEADER, ByteOrder.LITTLE_ENDIAN, "the header");
    checks.isSound(header.getInt(0) == MAGIC, "there is no footer");
    int version = header.getInt(4);
    checks.isKnown(version >= 1 && version <= 3, "version " + Integer.toUnsignedString(version));
    int flags = header.getInt(8);
    checks.isSound(
        (flags & NEW_LINE_TEST) == 0 || header.getInt(73) == NEW_LINES,
        "it was copied as text, which has changed it");
    int algorithm = header.getShort(77) & 0xFFFF;
    checks.isKnown((flags & COMPRESSED) == 0 || algorithm == DEFLATE, "compression " + algorithm);
    return header;
  }

  /** Extents of a disk with several have none. */
  private static void readDescriptor(ImageFile file, HeaderChecks checks, ByteBuffer header)
      throws DiskException {
    long offset = header.getLong(28);
    long sectors = header.getLong(36);
    if (offset == 0) {
      return;
    }
    checks.isSound(
        offset > 0
            && offset <= file.end() / SECTOR
            && sectors > 0
            && sectors <= file.end() / SECTOR - offset,
        "the descriptor goes past the end of the file");
    int length = (int) Math.min(sectors * SECTOR, VmdkDescriptor.MAX_LENGTH);
    VmdkDescriptor.read(file, offset * SECTOR, length);
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int blockSize() {
    return grainSize;
  }

  @Override
  public boolean isPlain() {
    return inflater == null;
  }

  @Override
  public long place(long block) throws DiskException {
    long table = pages.u32(directory + block / perTable * Integer.BYTES, "the grain directory");
    if (table == 0) {
      return UNALLOCATED;
    }
    long entry = pages.u32(table * SECTOR + block % perTable * Integer.BYTES, "a grain table");
    if (entry == 0) {
      return UNALLOCATED;
    }
    return entry == 1 && zeroGrains ? ZERO : entry * SECTOR;
  }

  @Override
  public synchronized void read(long place, int within, ByteBuffer into) throws DiskException {
    if (content == null || placeOfContent != place) {
      content = null;
      content = inflate(place);
      placeOfContent = place;
    }
    into.put(content, within, into.remaining());
  }

  private byte[] inflate(long place) throws DiskException {
    ByteBuffer marker = ByteBuffer.allocate(GRAIN_MARKER).order(ByteOrder.LITTLE_ENDIAN);
    file.readAll(place, marker, "a grain");
    int length = marker.getInt(8);
    if (length <= 0 || length > 2 * grainSize + SECTOR) {
      throw file.error(
          Kind.CORRUPT, "read", place, "a grain of " + Integer.toUnsignedString(length) + " bytes");
    }
    ByteBuffer data = ByteBuffer.allocate(length);
    file.readAll(place + GRAIN_MARKER, data, "a grain");
    byte[] grain = new byte[grainSize];
    inflater.reset();
    inflater.setInput(data.flip());
    try {
      int done = 0;
      while (done < grainSize) {
        int count = inflater.inflate(grain, done, grainSize - done);
        if (count == 0) {
          throw file.error(Kind.CORRUPT, "decompress", place, "the data is too short");
        }
        done += count;
      }
    } catch (DataFormatException e) {
      throw file.error(Kind.CORRUPT, "decompress", place, "the data is damaged");
    }
    return grain;
  }

  @Override
  public void close() {
    if (inflater != null) {
      inflater.end();
    }
  }
}
