package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The log of a VHDX file: changes of metadata that may not be in place yet ([MS-VHDX] 2.3). A ring
 * of entries, each of a header, descriptors and a sector for each of those with data. Those that
 * count are the newest ones in succession that go back to where the last of them says that they
 * begin.
 */
final class VhdxLog {
  private static final int SECTOR = 4096;

  /** Hyper-V and QEMU make logs of 1 MiB. */
  private static final long MAX_LENGTH = 32 << 20;

  /** How often as much as the log has is looked at before it is taken for hostile. */
  private static final int PATIENCE = 16;

  private static final int ENTRY_SIGNATURE = 0x6567_6F6C; // loge
  private static final int ENTRY_HEADER = 64;
  private static final int LOG_GUID = 32;
  private static final int DESCRIPTOR = 32;
  private static final int DATA_DESCRIPTOR = 0x6373_6564; // desc
  private static final int ZERO_DESCRIPTOR = 0x6F72_657A; // zero
  private static final int DATA_SIGNATURE = 0x6174_6164; // data

  /**
   * A part of the ring that is sound by its checksum.
   *
   * @param at where it begins in the ring
   */
  private record Entry(int at, ByteBuffer bytes) {
    int length() {
      return bytes.capacity();
    }

    int tail() {
      return bytes.getInt(12);
    }

    long sequence() {
      return bytes.getLong(16);
    }

    int descriptors() {
      return bytes.getInt(24);
    }

    /** The file was at least as long when the entry was written. */
    long flushedEnd() {
      return bytes.getLong(48);
    }

    /** The file is as long when all is in place. */
    long lastEnd() {
      return bytes.getLong(56);
    }
  }

  private final HeaderChecks checks;
  private final ByteBuffer header;
  private final byte[] ring;
  private long patience;

  private VhdxLog(HeaderChecks checks, ByteBuffer header) throws DiskException {
    this.checks = checks;
    this.header = header;
    long length = header.getInt(68) & 0xFFFF_FFFFL;
    checks.isKnown(header.getShort(64) == 0, "version " + header.getShort(64) + " of the log");
    checks.isSound(length > 0 && length % SECTOR == 0, "a log of " + length + " bytes");
    checks.isKnown(length <= MAX_LENGTH, "a log of " + length + " bytes");
    ring =
        checks.read(header.getLong(72), (int) length, ByteOrder.LITTLE_ENDIAN, "the log").array();
    patience = PATIENCE * length;
  }

  /**
   * Lets a file show what the log has, without a change of the file.
   *
   * @param header the one that counts
   */
  static void replay(HeaderChecks checks, ByteBuffer header) throws DiskException {
    VhdxLog log = new VhdxLog(checks, header);
    List<Entry> entries = log.newest();
    checks.isSound(!entries.isEmpty(), "its log has changes, and is damaged");
    Entry head = entries.getLast();
    checks.isSound(
        head.flushedEnd() >= 0 && head.flushedEnd() <= checks.file().end() && head.lastEnd() >= 0,
        "it is shorter than its log says");
    FilePatches patches = new FilePatches();
    for (Entry entry : entries) {
      log.apply(entry, patches);
    }
    checks.file().patch(patches, head.lastEnd());
  }

  /** Sequences that begin later are looked for behind the one before, as the format says. */
  private List<Entry> newest() throws DiskException {
    List<Entry> newest = List.of();
    for (int at = 0; at < ring.length; ) {
      List<Entry> sequence = sequence(at);
      List<Entry> valid = sinceItsTail(sequence);
      if (!valid.isEmpty()
          && (newest.isEmpty()
              || Long.compareUnsigned(valid.getLast().sequence(), newest.getLast().sequence())
                  > 0)) {
        newest = valid;
      }
      at += sequence.isEmpty() ? SECTOR : sequence.stream().mapToInt(Entry::length).sum();
    }
    return newest;
  }

  private List<Entry> sequence(int start) throws DiskException {
    List<Entry> sequence = new ArrayList<>();
    int length = 0;
    while (length < ring.length) {
      Entry entry = entry((start + length) % ring.length);
      if (entry == null
          || entry.length() > ring.length - length
          || (!sequence.isEmpty() && entry.sequence() != sequence.getLast().sequence() + 1)) {
        break;
      }
      sequence.add(entry);
      length += entry.length();
    }
    return sequence;
  }

  /** From where the last entry says on; nothing when that is not among them. */
  private static List<Entry> sinceItsTail(List<Entry> sequence) {
    for (int i = 0; i < sequence.size(); i++) {
      if (sequence.get(i).at == sequence.getLast().tail()) {
        return sequence.subList(i, sequence.size());
      }
    }
    return List.of();
  }

  /** Null when there is none that is sound. */
  private Entry entry(int at) throws DiskException {
    ByteBuffer start = bytes(at, SECTOR);
    int length = start.getInt(8);
    int descriptors = start.getInt(24);
    if (start.getInt(0) != ENTRY_SIGNATURE
        || length <= 0
        || length % SECTOR != 0
        || length > ring.length
        || descriptors < 0
        || ENTRY_HEADER + (long) descriptors * DESCRIPTOR > length
        || start.getLong(LOG_GUID) != header.getLong(48)
        || start.getLong(LOG_GUID + 8) != header.getLong(56)) {
      return null;
    }
    patience -= length;
    checks.isSound(patience >= 0, "its log is damaged");
    ByteBuffer bytes = bytes(at, length);
    CRC32C crc = new CRC32C();
    crc.update(bytes.array(), 0, 4);
    crc.update(new byte[4]);
    crc.update(bytes.array(), 8, length - 8);
    return (int) crc.getValue() == bytes.getInt(4) ? new Entry(at, bytes) : null;
  }

  /** A part of the ring, which may go on at its beginning. */
  private ByteBuffer bytes(int at, int length) {
    byte[] bytes = new byte[length];
    int first = Math.min(length, ring.length - at);
    System.arraycopy(ring, at, bytes, 0, first);
    System.arraycopy(ring, 0, bytes, first, length - first);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void apply(Entry entry, FilePatches patches) throws DiskException {
    int data = Math.ceilDiv(ENTRY_HEADER + entry.descriptors() * DESCRIPTOR, SECTOR) * SECTOR;
    for (int i = 0; i < entry.descriptors(); i++) {
      ByteBuffer descriptor =
          entry
              .bytes
              .slice(ENTRY_HEADER + i * DESCRIPTOR, DESCRIPTOR)
              .order(ByteOrder.LITTLE_ENDIAN);
      long offset = descriptor.getLong(16);
      checks.isSound(
          offset >= 0
              && offset <= Long.MAX_VALUE - SECTOR
              && offset % SECTOR == 0
              && descriptor.getLong(24) == entry.sequence(),
          "its log has a descriptor that is none");
      switch (descriptor.getInt(0)) {
        case ZERO_DESCRIPTOR -> {
          long length = descriptor.getLong(8);
          checks.isSound(
              length > 0 && length % SECTOR == 0 && length <= Long.MAX_VALUE - offset,
              "its log has a descriptor that is none");
          patches.putZeroes(offset, length);
        }
        case DATA_DESCRIPTOR -> {
          checks.isSound(data <= entry.length() - SECTOR, "its log lacks a sector");
          patches.put(offset, sector(entry, data, descriptor));
          data += SECTOR;
        }
        default -> checks.isSound(false, "its log has a descriptor that is none");
      }
    }
  }

  /** The first eight and last four bytes are in the descriptor. */
  private byte[] sector(Entry entry, int at, ByteBuffer descriptor) throws DiskException {
    ByteBuffer bytes = entry.bytes.slice(at, SECTOR).order(ByteOrder.LITTLE_ENDIAN);
    long sequence = (long) bytes.getInt(4) << 32 | bytes.getInt(SECTOR - 4) & 0xFFFF_FFFFL;
    checks.isSound(
        bytes.getInt(0) == DATA_SIGNATURE && sequence == entry.sequence(),
        "its log has a sector of another entry");
    byte[] sector = new byte[SECTOR];
    bytes.get(8, sector, 8, SECTOR - 12);
    ByteBuffer.wrap(sector)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(0, descriptor.getLong(8))
        .putInt(SECTOR - 4, descriptor.getInt(4));
    return sector;
  }
}
