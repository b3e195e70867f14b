package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * VirtualBox's Virtual Disk Image of version 1.1, dynamic or fixed: a header, a table with a number
 * for each block, and the blocks in the order of these numbers. All is little-endian.
 *
 * @param mapOffset of the table
 * @param dataOffset of the block with number 0
 */
record VdiLayout(TablePages pages, long size, int blockSize, long mapOffset, long dataOffset)
    implements BlockLayout {
  static final int SIGNATURE = 0xBEDA_107F;
  static final int SIGNATURE_AT = 0x40;

  private static final int HEADER = 0x200;
  private static final int VERSION = 0x0001_0001;
  private static final int DYNAMIC = 1;
  private static final int FIXED = 2;
  private static final int UNDO = 3;
  private static final int DIFFERENCING = 4;
  private static final long FREE = 0xFFFF_FFFFL;
  private static final long DISCARDED = 0xFFFF_FFFEL;

  static VdiLayout read(ImageFile file) throws DiskException {
    HeaderChecks checks = new HeaderChecks(file);
    ByteBuffer start = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    file.read(0, start);
    checks.isFormat(start.getInt(SIGNATURE_AT) == SIGNATURE, "VDI image");
    ByteBuffer header = checks.read(0, HEADER, ByteOrder.LITTLE_ENDIAN, "the header");
    int version = header.getInt(0x44);
    checks.isKnown(version == VERSION, "version %d.%d".formatted(version >>> 16, version & 0xFFFF));
    int type = header.getInt(0x4C);
    checks.isKnown(type != DIFFERENCING && type != UNDO, "a parent image");
    checks.isSound(
        type == DYNAMIC || type == FIXED, "an image of type " + Integer.toUnsignedString(type));
    checks.isKnown(isZero(header, 0x1A8) && isZero(header, 0x1B8), "a parent image");

    long mapOffset = header.getInt(0x154) & 0xFFFF_FFFFL;
    long dataOffset = header.getInt(0x158) & 0xFFFF_FFFFL;
    long size = header.getLong(0x170);
    int blockSize = header.getInt(0x178);
    long blocks = header.getInt(0x180) & 0xFFFF_FFFFL;
    checks.isSound(header.getInt(0x168) == 512, "sectors of another size than 512 bytes");
    checks.isSound(
        HeaderChecks.isBlockSize(blockSize, 4096, 1 << 28),
        "blocks of " + Integer.toUnsignedString(blockSize) + " bytes");
    checks.isKnown(header.getInt(0x17C) == 0, "extra data in blocks");
    checks.isSound(size >= 0 && size <= blocks * blockSize, "the table is too small for the size");
    checks.isSound(
        mapOffset >= HEADER && mapOffset % 512 == 0 && dataOffset % 512 == 0,
        "tables in the midst of a sector");
    checks.isSound(
        mapOffset + blocks * Integer.BYTES <= file.end(),
        "the table goes past the end of the file");
    checks.isSound(
        dataOffset >= mapOffset + blocks * Integer.BYTES, "the table overlaps the blocks");
    TablePages pages = new TablePages(file, ByteOrder.LITTLE_ENDIAN);
    return new VdiLayout(pages, size, blockSize, mapOffset, dataOffset);
  }

  private static boolean isZero(ByteBuffer header, int uuid) {
    return header.getLong(uuid) == 0 && header.getLong(uuid + 8) == 0;
  }

  @Override
  public long place(long block) throws DiskException {
    long number = pages.u32(mapOffset + block * Integer.BYTES, "the table");
    if (number == FREE) {
      return UNALLOCATED;
    }
    return number == DISCARDED ? ZERO : dataOffset + number * blockSize;
  }
}
