package lodge.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A VHDX image, called disk, whose user was stopped: its tables are as before the last writes, and
 * only the log has the changes.
 */
final class StoppedVhdx {
  /** Where QEMU puts the log, which is as large. */
  static final int MEBI = 1 << 20;

  static final int SECTOR = 4096;
  private static final long GUID = 0x1234_5678_9ABC_DEF0L;

  private final int tail;

  /** As the file is. */
  final byte[] bytes;

  /**
   * @param at where the log's first entry is
   */
  StoppedVhdx(Qemu qemu, int at) throws Exception {
    tail = at;
    qemu.ok("qemu-img create -f vhdx -o block_size=1M disk 1G");
    byte[] before = Files.readAllBytes(qemu.path("disk"));
    qemu.ok(
        "qemu-io -f vhdx -c 'write -P 1 5M 64k' -c 'write -P 2 900M 2M' -c 'write -P 3 5M 4k'"
            + " disk");
    bytes = Files.readAllBytes(qemu.path("disk"));
    long sequence = 77;
    for (int table = 2 * MEBI; table < before.length; table += SECTOR) {
      if (!Arrays.equals(before, table, table + SECTOR, bytes, table, table + SECTOR)) {
        byte[] sector = Arrays.copyOfRange(bytes, table, table + SECTOR);
        log(at, sequence++, table, null);
        log(at + SECTOR, sequence++, table, sector);
        at += 3 * SECTOR;
      }
    }
    System.arraycopy(before, 2 * MEBI, bytes, 2 * MEBI, before.length - 2 * MEBI);
    for (int header : new int[] {64 << 10, 128 << 10}) {
      little(bytes).putLong(header + 48, GUID).putLong(header + 56, GUID);
      sum(header, SECTOR);
    }
    Files.write(qemu.path("disk"), bytes);
  }

  /** An entry about one sector of the file; without bytes it is zeroes. */
  private void log(int at, long sequence, int offset, byte[] content) {
    byte[] entry = new byte[content == null ? SECTOR : 2 * SECTOR];
    ByteBuffer fields = little(entry);
    fields.put("loge".getBytes(StandardCharsets.US_ASCII)).putInt(0).putInt(entry.length);
    fields.putInt(tail).putLong(sequence).putInt(1).putInt(0);
    fields.putLong(GUID).putLong(GUID).putLong(bytes.length).putLong(bytes.length);
    if (content == null) {
      fields.put("zero".getBytes(StandardCharsets.US_ASCII)).putInt(0).putLong(SECTOR);
    } else {
      ByteBuffer data = little(content);
      fields.put("desc".getBytes(StandardCharsets.US_ASCII));
      fields.putInt(data.getInt(SECTOR - 4)).putLong(data.getLong(0));
      fields.put(SECTOR, "data".getBytes(StandardCharsets.US_ASCII));
      fields.putInt(SECTOR + 4, (int) (sequence >> 32)).put(SECTOR + 8, content, 8, SECTOR - 12);
      fields.putInt(2 * SECTOR - 4, (int) sequence);
    }
    fields.putLong(offset).putLong(sequence);
    fields.putInt(4, sum(entry, 0, entry.length));
    for (int i = 0; i < entry.length; i++) {
      bytes[MEBI + (at + i) % MEBI] = entry[i];
    }
  }

  /** Makes a checksum right. */
  void sum(int at, int length) {
    little(bytes).putInt(at + 4, 0).putInt(at + 4, sum(bytes, at, length));
  }

  private static int sum(byte[] bytes, int at, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, at, length);
    return (int) crc.getValue();
  }

  static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
