package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import lodge.disk.DiskException.Kind;

/**
 * The header of a qcow2 image as it was read, checked as far as it says how large anything is.
 *
 * @param backingFile the name as the image gives it, null when there is none
 * @param backingFormat null when the image does not tell
 * @param dataFile where the guest's data is, as the image names it; null for the image itself
 * @param bitmaps null when there are no valid ones
 */
record Qcow2Header(
    int version,
    int clusterBits,
    long size,
    int l1Entries,
    long l1Offset,
    long refcountTableOffset,
    int refcountTableClusters,
    int snapshots,
    long snapshotsOffset,
    long incompatible,
    long compatible,
    long autoclear,
    int refcountOrder,
    Compression compression,
    String backingFile,
    String backingFormat,
    String dataFile,
    BitmapDirectory bitmaps) {
  static final int LENGTH_2 = 72;
  static final int LENGTH_3 = 104;
  static final int COMPRESSION_FIELD = 104;

  static final int SIZE_FIELD = 24;
  static final int REFCOUNT_TABLE_FIELDS = 48;
  static final int INCOMPATIBLE_FIELD = 72;
  static final int AUTOCLEAR_FIELD = 88;

  static final long DIRTY = 1;
  static final long CORRUPT = 1 << 1;
  private static final long DATA_FILE = 1 << 2;
  static final long COMPRESSION_TYPE = 1 << 3;
  private static final long EXTENDED_L2 = 1 << 4;
  private static final long KNOWN = DIRTY | CORRUPT | DATA_FILE | COMPRESSION_TYPE | EXTENDED_L2;
  static final long LAZY_REFCOUNTS = 1;
  static final long BITMAPS = 1;
  static final long DATA_FILE_RAW = 1 << 1;

  static final int MIN_CLUSTER_BITS = 9;
  static final int MAX_CLUSTER_BITS = 21;

  /** With extended L2 entries a cluster has 32 parts of their own. */
  private static final int SUBCLUSTERS_BITS = 5;

  /** The same limits as QEMU's. */
  static final int MAX_L1_BYTES = 32 << 20;

  static final int MAX_REFCOUNT_TABLE_BYTES = 8 << 20;
  static final int MAX_BACKING_NAME = 1023;

  static final int BACKING_FORMAT_EXTENSION = 0xE2792ACA;
  private static final int DATA_FILE_EXTENSION = 'D' << 24 | 'A' << 16 | 'T' << 8 | 'A';
  static final int FEATURE_NAMES_EXTENSION = 0x6803F857;
  private static final int FEATURE_NAME_LENGTH = 48;

  private static final List<String> INCOMPATIBLE_NAMES =
      List.of(
          "dirty bit",
          "corrupt bit",
          "external data file",
          "compression type",
          "extended L2 entries");

  static Qcow2Header read(ImageFile file) throws DiskException {
    ByteBuffer header = ByteBuffer.allocate(LENGTH_3 + Long.BYTES);
    file.read(0, header);
    if (header.getInt(0) != ImageFormat.QCOW_MAGIC) {
      throw file.error(Kind.WRONG_FORMAT, "open", 0, "it is no qcow2 image");
    }
    int version = header.getInt(4);
    if (version != 2 && version != 3) {
      throw unsupported(file, "version " + Integer.toUnsignedString(version) + " of the format");
    }
    int length = version == 2 ? LENGTH_2 : header.getInt(100);
    int clusterBits = header.getInt(20);
    require(
        file,
        clusterBits >= MIN_CLUSTER_BITS && clusterBits <= MAX_CLUSTER_BITS,
        "clusters of 2^" + Integer.toUnsignedString(clusterBits) + " bytes");
    require(
        file,
        version == 2 || (length >= LENGTH_3 && length % 8 == 0 && length <= 1 << clusterBits),
        "a header of " + Integer.toUnsignedString(length) + " bytes");
    require(file, file.end() >= length, "the header is truncated");

    ByteBuffer first = ByteBuffer.allocate((int) Math.min(1L << clusterBits, file.end()));
    file.read(0, first);
    Extensions extensions = Extensions.read(file, first, length);
    long incompatible = version == 2 ? 0 : header.getLong(INCOMPATIBLE_FIELD);
    if ((incompatible & ~KNOWN) != 0) {
      throw unsupported(file, extensions.names(incompatible & ~KNOWN));
    }
    require(
        file,
        (incompatible & EXTENDED_L2) == 0 || clusterBits >= MIN_CLUSTER_BITS + SUBCLUSTERS_BITS,
        "subclusters of less than 512 bytes");
    require(
        file,
        (incompatible & DATA_FILE) == 0 || extensions.dataFile != null,
        "the data file has no name");
    int compression = version == 3 && length > LENGTH_3 ? header.get(COMPRESSION_FIELD) & 0xFF : 0;
    require(
        file,
        (incompatible & COMPRESSION_TYPE) == 0 == (compression == 0),
        "compression type " + compression + ", which contradicts the features");
    if (compression >= Compression.values().length) {
      throw unsupported(file, "compression type " + compression);
    }
    if (header.getInt(32) != 0) {
      throw unsupported(file, "encryption");
    }

    Qcow2Header result =
        new Qcow2Header(
            version,
            clusterBits,
            header.getLong(24),
            header.getInt(36),
            header.getLong(40),
            header.getLong(48),
            header.getInt(56),
            header.getInt(60),
            header.getLong(64),
            incompatible,
            version == 2 ? 0 : header.getLong(80),
            version == 2 ? 0 : header.getLong(AUTOCLEAR_FIELD),
            version == 2 ? 4 : header.getInt(96),
            Compression.values()[compression],
            backingName(file, first, length),
            extensions.backingFormat,
            (incompatible & DATA_FILE) != 0 ? extensions.dataFile : null,
            version == 3 && (header.getLong(AUTOCLEAR_FIELD) & BITMAPS) != 0
                ? extensions.bitmaps
                : null);
    result.checkTables(file);
    return result;
  }

  private static String backingName(ImageFile file, ByteBuffer first, int headerLength)
      throws DiskException {
    long offset = first.getLong(8);
    if (offset == 0) {
      return null;
    }
    int length = first.getInt(16);
    require(
        file,
        length > 0 && length <= MAX_BACKING_NAME,
        "a backing file's name of " + Integer.toUnsignedString(length) + " bytes");
    require(
        file,
        offset >= headerLength && offset <= first.capacity() - length,
        "the backing file's name is outside of the first cluster");
    byte[] name = new byte[length];
    first.get((int) offset, name);
    return new String(name, StandardCharsets.UTF_8);
  }

  private void checkTables(ImageFile file) throws DiskException {
    require(file, refcountOrder >= 0 && refcountOrder <= 6, "refcounts wider than 64 bits");
    require(file, size >= 0, "a size of " + Long.toUnsignedString(size) + " bytes");
    require(
        file,
        l1Entries >= 0 && l1Entries <= MAX_L1_BYTES / Long.BYTES,
        "an L1 table of " + Integer.toUnsignedString(l1Entries) + " entries");
    require(file, l1Entries >= l1EntriesFor(size), "the L1 table is too small for the size");
    require(
        file,
        refcountTableClusters > 0
            && (long) refcountTableClusters << clusterBits <= MAX_REFCOUNT_TABLE_BYTES,
        "a refcount table of " + Integer.toUnsignedString(refcountTableClusters) + " clusters");
    checkTable(file, "L1 table", l1Offset, l1Entries * 8L);
    checkTable(file, "refcount table", refcountTableOffset, refcountTableBytes());
    require(
        file,
        l1Entries == 0
            || l1Offset >= refcountTableOffset + refcountTableBytes()
            || refcountTableOffset >= l1Offset + l1Entries * 8L,
        "the L1 table overlaps the refcount table");
  }

  private void checkTable(ImageFile file, String what, long offset, long bytes)
      throws DiskException {
    if (bytes == 0) {
      return;
    }
    require(file, (offset & clusterSize() - 1) == 0, "the " + what + " is not at a cluster");
    require(file, offset != 0, "the " + what + " overlaps the header");
    require(
        file,
        offset > 0 && offset <= file.end() - bytes,
        "the " + what + " goes past the end of the file");
  }

  private static void require(ImageFile file, boolean condition, String otherwise)
      throws DiskException {
    if (!condition) {
      throw file.error(Kind.CORRUPT, "open", DiskException.NOWHERE, otherwise);
    }
  }

  private static DiskException unsupported(ImageFile file, String what) {
    return file.error(
        Kind.UNSUPPORTED, "open", DiskException.NOWHERE, "it needs what Lodge lacks: " + what);
  }

  int clusterSize() {
    return 1 << clusterBits;
  }

  int refcountTableBytes() {
    return refcountTableClusters << clusterBits;
  }

  boolean hasSubclusters() {
    return (incompatible & EXTENDED_L2) != 0;
  }

  /** Of what is said to be data, zeroes or behind the image for itself. */
  int subclusterSize() {
    return clusterSize() >> (hasSubclusters() ? SUBCLUSTERS_BITS : 0);
  }

  boolean hasDataFile() {
    return dataFile != null;
  }

  /** What an image has that Lodge reads but does not write, null for nothing. */
  String onlyRead() {
    if (hasSubclusters()) {
      return "extended L2 entries";
    }
    return hasDataFile() ? "an external data file" : null;
  }

  /** Words of an entry of an L2 table. */
  int l2EntryWords() {
    return hasSubclusters() ? 2 : 1;
  }

  int l2Entries() {
    return clusterSize() / Long.BYTES / l2EntryWords();
  }

  /** The logarithm of how much of the disk an L2 table covers. */
  int l2CoverageBits() {
    return clusterBits + Integer.numberOfTrailingZeros(l2Entries());
  }

  /** How many entries of an L1 table a disk needs. */
  long l1EntriesFor(long diskSize) {
    return (diskSize >>> l2CoverageBits())
        + ((diskSize & (1L << l2CoverageBits()) - 1) == 0 ? 0 : 1);
  }

  /** Whether clusters can be said to read as zeroes by a bit of their own. */
  boolean hasZeroClusters() {
    return version >= 3 && !hasSubclusters();
  }

  /** What follows the header: typed data, each with a length. */
  private record Extensions(
      String backingFormat, String dataFile, BitmapDirectory bitmaps, List<Feature> features) {
    private record Feature(int type, int bit, String name) {}

    static Extensions read(ImageFile file, ByteBuffer first, int start) throws DiskException {
      String backingFormat = null;
      String dataFile = null;
      BitmapDirectory bitmaps = null;
      List<Feature> features = new ArrayList<>();
      long nameOffset = first.getLong(8);
      int end =
          nameOffset > start ? (int) Math.min(nameOffset, first.capacity()) : first.capacity();
      int at = start;
      while (at + 8 <= end && first.getInt(at) != 0) {
        int type = first.getInt(at);
        int length = first.getInt(at + 4);
        at += 8;
        require(file, length >= 0 && length <= end - at, "a header extension is too long");
        if (type == BACKING_FORMAT_EXTENSION) {
          backingFormat = text(first, at, length);
        } else if (type == DATA_FILE_EXTENSION) {
          dataFile = text(first, at, length);
        } else if (type == BitmapDirectory.EXTENSION && length >= BitmapDirectory.EXTENSION_BYTES) {
          bitmaps = BitmapDirectory.read(first, at);
        } else if (type == FEATURE_NAMES_EXTENSION) {
          for (int entry = at; entry + FEATURE_NAME_LENGTH <= at + length; ) {
            features.add(
                new Feature(first.get(entry), first.get(entry + 1), text(first, entry + 2, 46)));
            entry += FEATURE_NAME_LENGTH;
          }
        }
        at += length + 7 & ~7;
      }
      return new Extensions(backingFormat, dataFile, bitmaps, features);
    }

    private static String text(ByteBuffer from, int at, int length) {
      byte[] bytes = new byte[length];
      from.get(at, bytes);
      return new String(bytes, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "");
    }

    /** The image's own names are asked first: it may be newer than Lodge. */
    String names(long incompatible) {
      List<String> names = new ArrayList<>();
      for (int bit = 0; bit < Long.SIZE; bit++) {
        if ((incompatible >>> bit & 1) != 0) {
          names.add(name(bit));
        }
      }
      return String.join(", ", names);
    }

    private String name(int bit) {
      for (Feature feature : features) {
        if (feature.type == 0 && feature.bit == bit) {
          return feature.name;
        }
      }
      return bit < INCOMPATIBLE_NAMES.size() ? INCOMPATIBLE_NAMES.get(bit) : "feature bit " + bit;
    }
  }
}
