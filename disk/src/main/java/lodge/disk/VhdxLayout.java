package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.zip.CRC32C;
import lodge.disk.DiskException.Kind;

/**
 * Microsoft's VHDX ([MS-VHDX] 2), dynamic or fixed. All is little-endian. Two headers, of which the
 * newer counts, say whether the log has changes that are not in place yet; two equal region tables
 * say where the Block Allocation Table and the metadata are.
 *
 * @param tableOffset of the Block Allocation Table
 * @param chunkRatio after so many blocks the table has an entry for a bitmap
 */
record VhdxLayout(TablePages pages, long size, int blockSize, long tableOffset, long chunkRatio)
    implements BlockLayout {
  static final long SIGNATURE = 0x656C_6966_7864_6876L; // vhdxfile

  private static final int HEADER_SIGNATURE = 0x6461_6568; // head
  private static final int REGION_SIGNATURE = 0x6967_6572; // regi
  private static final long METADATA_SIGNATURE = 0x6174_6164_6174_656DL; // metadata
  private static final int HEADER = 4096;
  private static final long[] HEADERS = {64 << 10, 128 << 10};
  private static final int TABLE = 64 << 10;
  private static final long[] REGION_TABLES = {192 << 10, 256 << 10};
  private static final int ENTRY = 32;
  private static final long MEBI = 1 << 20;

  private static final UUID TABLE_REGION = UUID.fromString("2dc27766-f623-4200-9d64-115e9bfd4a08");
  private static final UUID METADATA_REGION =
      UUID.fromString("8b7ca206-4790-4b9a-b8fe-575f050f886e");
  private static final UUID FILE_PARAMETERS =
      UUID.fromString("caa16737-fa36-4d43-b3b6-33f0aa44e76b");
  private static final UUID DISK_SIZE = UUID.fromString("2fa54224-cd1b-4876-b211-5dbed83bf4b8");
  private static final UUID SECTOR_SIZE = UUID.fromString("8141bf1d-a96f-4709-ba47-f233a8faab5f");
  private static final UUID PAGE_83 = UUID.fromString("beca12ab-b2e6-4523-93ef-c309e000c746");
  private static final UUID PHYSICAL_SECTOR_SIZE =
      UUID.fromString("cda348c7-445d-4471-9cc9-e9885251c556");
  private static final UUID PARENT_LOCATOR =
      UUID.fromString("a8d35f2d-b30b-454d-abf7-d3d84834ab0c");

  private static final int HAS_PARENT = 2;
  private static final int ITEM_REQUIRED = 4;

  /** The state of a block, in the lowest bits of its entry. */
  private static final int STATE = 7;

  private static final int NOT_PRESENT = 0;
  private static final int PARTIALLY_PRESENT = 7;
  private static final int FULLY_PRESENT = 6;

  static VhdxLayout read(ImageFile file) throws DiskException {
    HeaderChecks checks = new HeaderChecks(file);
    ByteBuffer identifier = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.read(0, identifier);
    checks.isFormat(identifier.getLong(0) == SIGNATURE, "VHDX image");
    replayLog(checks);
    Map<UUID, ByteBuffer> regions = regions(checks);
    checks.isSound(
        regions.containsKey(TABLE_REGION) && regions.containsKey(METADATA_REGION),
        "a region is missing");
    ByteBuffer table = regions.get(TABLE_REGION);
    Map<UUID, ByteBuffer> items = items(checks, regions.get(METADATA_REGION));
    checks.isKnown(!items.containsKey(PARENT_LOCATOR), "a parent image");
    int blockSize = item(checks, items, FILE_PARAMETERS, 8).getInt(0);
    checks.isKnown((items.get(FILE_PARAMETERS).getInt(4) & HAS_PARENT) == 0, "a parent image");
    long size = item(checks, items, DISK_SIZE, 8).getLong(0);
    int sectorSize = item(checks, items, SECTOR_SIZE, 4).getInt(0);
    checks.isSound(
        HeaderChecks.isBlockSize(blockSize, 1 << 20, 1 << 28),
        "blocks of " + Integer.toUnsignedString(blockSize) + " bytes");
    checks.isSound(
        sectorSize == 512 || sectorSize == 4096,
        "sectors of " + Integer.toUnsignedString(sectorSize) + " bytes");
    checks.isSound(
        size >= 0 && size <= 64L << 40 && size % sectorSize == 0,
        "a size of " + Long.toUnsignedString(size) + " bytes");

    long chunkRatio = (1L << 23) * sectorSize / blockSize;
    long blocks = Math.ceilDiv(size, blockSize);
    long entries = blocks + Math.max(0, blocks - 1) / chunkRatio;
    checks.isSound(
        entries * Long.BYTES <= length(table), "the block table is too small for the size");
    return new VhdxLayout(
        new TablePages(file, ByteOrder.LITTLE_ENDIAN), size, blockSize, offset(table), chunkRatio);
  }

  /** Without the changes that are in the log alone the tables may be wrong. */
  private static void replayLog(HeaderChecks checks) throws DiskException {
    ByteBuffer newest = null;
    for (long at : HEADERS) {
      ByteBuffer header = checks.read(at, HEADER, ByteOrder.LITTLE_ENDIAN, "a header");
      if (header.getInt(0) == HEADER_SIGNATURE
          && isIntact(header)
          && (newest == null || Long.compareUnsigned(header.getLong(8), newest.getLong(8)) > 0)) {
        newest = header;
      }
    }
    checks.isSound(newest != null, "both headers are damaged");
    checks.isKnown(newest.getShort(66) == 1, "version " + newest.getShort(66) + " of the format");
    if (newest.getLong(48) != 0 || newest.getLong(56) != 0) {
      VhdxLog.replay(checks, newest);
    }
  }

  private static boolean isIntact(ByteBuffer structure) {
    CRC32C crc = new CRC32C();
    crc.update(structure.array(), 0, 4);
    crc.update(new byte[4]);
    crc.update(structure.array(), 8, structure.capacity() - 8);
    return (int) crc.getValue() == structure.getInt(4);
  }

  /** Of an entry of the region table. */
  private static long offset(ByteBuffer region) {
    return region.getLong(16);
  }

  private static long length(ByteBuffer region) {
    return region.getInt(24) & 0xFFFF_FFFFL;
  }

  private static Map<UUID, ByteBuffer> regions(HeaderChecks checks) throws DiskException {
    for (long at : REGION_TABLES) {
      ByteBuffer table = checks.read(at, TABLE, ByteOrder.LITTLE_ENDIAN, "a region table");
      if (table.getInt(0) == REGION_SIGNATURE && isIntact(table)) {
        return regions(checks, table);
      }
    }
    throw checks
        .file()
        .error(Kind.CORRUPT, "open", DiskException.NOWHERE, "both region tables are damaged");
  }

  private static Map<UUID, ByteBuffer> regions(HeaderChecks checks, ByteBuffer table)
      throws DiskException {
    Map<UUID, ByteBuffer> regions = new HashMap<>();
    int count = table.getInt(8);
    checks.isSound(
        count >= 0 && count <= TABLE / ENTRY - 1, Integer.toUnsignedString(count) + " regions");
    for (int i = 0; i < count; i++) {
      ByteBuffer entry = table.slice(16 + i * ENTRY, ENTRY).order(ByteOrder.LITTLE_ENDIAN);
      UUID guid = guid(entry);
      checks.isKnown(
          guid.equals(TABLE_REGION) || guid.equals(METADATA_REGION) || entry.getInt(28) == 0,
          "region " + guid);
      checks.isSound(
          offset(entry) >= MEBI
              && offset(entry) % MEBI == 0
              && offset(entry) <= checks.file().end() - length(entry),
          "region " + guid + " goes past the end of the file");
      checks.isSound(regions.put(guid, entry) == null, "region " + guid + " twice");
    }
    return regions;
  }

  private static Map<UUID, ByteBuffer> items(HeaderChecks checks, ByteBuffer region)
      throws DiskException {
    checks.isSound(length(region) >= TABLE, "the metadata region is too small");
    ByteBuffer table =
        checks.read(offset(region), TABLE, ByteOrder.LITTLE_ENDIAN, "the metadata table");
    checks.isSound(table.getLong(0) == METADATA_SIGNATURE, "there is no metadata table");
    int count = table.getShort(10) & 0xFFFF;
    checks.isSound(count <= TABLE / ENTRY - 1, count + " metadata items");
    Map<UUID, ByteBuffer> items = new HashMap<>();
    for (int i = 0; i < count; i++) {
      ByteBuffer entry = table.slice(32 + i * ENTRY, ENTRY).order(ByteOrder.LITTLE_ENDIAN);
      UUID guid = guid(entry);
      if (!guid.equals(FILE_PARAMETERS)
          && !guid.equals(DISK_SIZE)
          && !guid.equals(SECTOR_SIZE)
          && !guid.equals(PARENT_LOCATOR)) {
        boolean isKnown = guid.equals(PAGE_83) || guid.equals(PHYSICAL_SECTOR_SIZE);
        checks.isKnown(isKnown || (entry.getInt(24) & ITEM_REQUIRED) == 0, "metadata item " + guid);
        continue;
      }
      long offset = entry.getInt(16) & 0xFFFF_FFFFL;
      long length = entry.getInt(20) & 0xFFFF_FFFFL;
      checks.isSound(
          offset >= TABLE && length <= length(region) - offset,
          "metadata item " + guid + " is outside of its region");
      ByteBuffer item =
          checks.read(
              offset(region) + offset,
              (int) Math.min(length, 8),
              ByteOrder.LITTLE_ENDIAN,
              "a metadata item");
      checks.isSound(items.put(guid, item) == null, "metadata item " + guid + " twice");
    }
    return items;
  }

  private static ByteBuffer item(
      HeaderChecks checks, Map<UUID, ByteBuffer> items, UUID guid, int length)
      throws DiskException {
    ByteBuffer item = items.get(guid);
    checks.isSound(
        item != null && item.remaining() >= length, "metadata item " + guid + " is missing");
    return item;
  }

  /** The first three fields of a GUID are little-endian. */
  private static UUID guid(ByteBuffer entry) {
    long high =
        (entry.getInt(0) & 0xFFFF_FFFFL) << 32
            | (entry.getShort(4) & 0xFFFFL) << 16
            | entry.getShort(6) & 0xFFFFL;
    return new UUID(high, Long.reverseBytes(entry.getLong(8)));
  }

  @Override
  public long place(long block) throws DiskException {
    long entry =
        pages.u64(tableOffset + (block + block / chunkRatio) * Long.BYTES, "the block table");
    long offset = entry & -MEBI;
    return switch ((int) entry & STATE) {
      case FULLY_PRESENT -> inside(offset);
      case NOT_PRESENT -> UNALLOCATED;
      case PARTIALLY_PRESENT -> Long.MAX_VALUE; // there is no parent that it could be a part of
      default -> ZERO;
    };
  }

  /** Offsets are unsigned: what no file can have is as far away as can be. */
  private static long inside(long offset) {
    return offset < 0 ? Long.MAX_VALUE : offset;
  }
}
