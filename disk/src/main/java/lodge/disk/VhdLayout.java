package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Microsoft's Virtual Hard Disk (Image Format Specification 1.0), which QEMU calls vpc: a dynamic
 * one, with a table of blocks that begin with a bitmap each. All is big-endian.
 *
 * @param tableOffset of the Block Allocation Table
 * @param bitmapSize in bytes, of whole sectors
 */
record VhdLayout(TablePages pages, long size, int blockSize, long tableOffset, int bitmapSize)
    implements BlockLayout {
  static final long COOKIE = 0x636F_6E65_6374_6978L; // conectix
  private static final long DYNAMIC_COOKIE = 0x6378_7370_6172_7365L; // cxsparse

  private static final int FOOTER = 512;
  private static final int DYNAMIC_HEADER = 1024;
  private static final int VERSION = 0x0001_0000;
  private static final int FIXED = 2;
  private static final int DYNAMIC = 3;
  private static final int DIFFERENCING = 4;
  private static final long UNUSED = 0xFFFF_FFFFL;

  /** Programs whose disks have as many sectors as their geometry says, whatever their size is. */
  private static final Set<String> GEOMETRY_CREATORS = Set.of("vpc ", "vs  ", "qemu");

  /** The largest geometry: disks that have it may be larger. */
  private static final long MAX_GEOMETRY = 65535L * 16 * 255;

  static BlockLayout read(ImageFile file) throws DiskException {
    HeaderChecks checks = new HeaderChecks(file);
    ByteBuffer footer = ByteBuffer.allocate(FOOTER);
    file.read(0, footer);
    if (footer.getLong(0) != COOKIE && file.end() >= FOOTER) {
      file.read(file.end() - FOOTER, footer.clear());
    }
    checks.isFormat(footer.getLong(0) == COOKIE, "VHD image");
    checks.isSound(file.end() >= FOOTER, "the footer is truncated");
    checks.isSound(isIntact(footer, 64), "the footer's checksum is wrong");
    checks.isKnown(footer.getInt(12) == VERSION, "another version of the format");
    int type = footer.getInt(60);
    checks.isKnown(type != DIFFERENCING, "a parent image");
    checks.isSound(
        type == FIXED || type == DYNAMIC, "an image of type " + Integer.toUnsignedString(type));
    long size = size(footer);
    checks.isSound(size >= 0, "a size of " + Long.toUnsignedString(size) + " bytes");
    if (type == FIXED) {
      checks.isSound(size <= file.end() - FOOTER, "the disk goes past the end of the file");
      return new LinearLayout(size, 0);
    }
    return dynamic(file, checks, size, footer.getLong(16));
  }

  private static long size(ByteBuffer footer) {
    byte[] creator = new byte[4];
    footer.get(28, creator);
    long sectors =
        (footer.getShort(56) & 0xFFFFL) * (footer.get(58) & 0xFF) * (footer.get(59) & 0xFF);
    boolean byGeometry =
        GEOMETRY_CREATORS.contains(new String(creator, StandardCharsets.ISO_8859_1))
            && sectors != MAX_GEOMETRY;
    return byGeometry ? sectors * 512 : footer.getLong(48) & -512;
  }

  /** The one's complement of the sum of all bytes but the checksum's own. */
  private static boolean isIntact(ByteBuffer header, int checksumAt) {
    int sum = 0;
    for (int i = 0; i < header.capacity(); i++) {
      if (i < checksumAt || i >= checksumAt + Integer.BYTES) {
        sum += header.get(i) & 0xFF;
      }
    }
    return header.getInt(checksumAt) == ~sum;
  }

  private static VhdLayout dynamic(ImageFile file, HeaderChecks checks, long size, long offset)
      throws DiskException {
    ByteBuffer header =
        checks.read(offset, DYNAMIC_HEADER, ByteOrder.BIG_ENDIAN, "the dynamic header");
    checks.isSound(header.getLong(0) == DYNAMIC_COOKIE, "there is no dynamic header");
    checks.isSound(isIntact(header, 36), "the dynamic header's checksum is wrong");
    long table = header.getLong(16);
    long entries = header.getInt(28) & 0xFFFF_FFFFL;
    int blockSize = header.getInt(32);
    checks.isSound(
        HeaderChecks.isBlockSize(blockSize, 512, 1 << 28),
        "blocks of " + Integer.toUnsignedString(blockSize) + " bytes");
    checks.isSound(size <= entries * blockSize, "the table is too small for the size");
    checks.isSound(table >= 0 && table % 512 == 0, "the table is in the midst of a sector");
    checks.isSound(
        table <= file.end() - entries * Integer.BYTES, "the table goes past the end of the file");
    int bitmapSize = Math.ceilDiv(blockSize / 512, 512 * Byte.SIZE) * 512;
    TablePages pages = new TablePages(file, ByteOrder.BIG_ENDIAN);
    return new VhdLayout(pages, size, blockSize, table, bitmapSize);
  }

  @Override
  public long place(long block) throws DiskException {
    long sector = pages.u32(tableOffset + block * Integer.BYTES, "the table");
    return sector == UNUSED ? UNALLOCATED : sector * 512 + bitmapSize;
  }
}
