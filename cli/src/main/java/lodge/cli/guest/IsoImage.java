package lodge.cli.guest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A small CD-ROM image: a few files in its one folder, with names as POSIX has them.
 *
 * <p>Source: ECMA-119 (ISO 9660), sections 6 to 9; for the names SUSP 1.12 and RRIP 1.12 (Rock
 * Ridge).
 */
final class IsoImage {
  private static final int SECTOR = 2048;
  private static final int DESCRIPTOR = 16;
  private static final int TERMINATOR = 17;
  private static final int PATHS_LITTLE = 18;
  private static final int PATHS_BIG = 19;
  private static final int ROOT = 20;
  private static final int FILES = 21;

  private static final int PATH_TABLE_LENGTH = 10;
  private static final int FOLDER = 2;
  private static final String ROCK_RIDGE = "RRIP_1991A";

  private IsoImage() {}

  /**
   * The image.
   *
   * @param label at most 32 characters
   * @param files contents by name; all entries of the folder fit into one sector
   */
  static byte[] of(String label, Map<String, byte[]> files) {
    Map<String, byte[]> sorted = new TreeMap<>(files);
    int sectors = FILES + sorted.values().stream().mapToInt(IsoImage::sectors).sum();
    ByteBuffer image = ByteBuffer.allocate(sectors * SECTOR);
    describe(image.slice(DESCRIPTOR * SECTOR, SECTOR), label, sectors);
    image.position(TERMINATOR * SECTOR).put((byte) 255).put(ascii("CD001")).put((byte) 1);
    image.position(PATHS_LITTLE * SECTOR);
    image.put((byte) 1).put((byte) 0).putInt(Integer.reverseBytes(ROOT)).putShort(swapped(1));
    image.position(PATHS_BIG * SECTOR);
    image.put((byte) 1).put((byte) 0).putInt(ROOT).putShort((short) 1);

    List<byte[]> folder = new ArrayList<>();
    folder.add(entry(new byte[] {0}, ROOT, SECTOR, FOLDER, sharing(), mode(040755), extensions()));
    folder.add(entry(new byte[] {1}, ROOT, SECTOR, FOLDER, mode(040755)));
    int at = FILES;
    for (Map.Entry<String, byte[]> file : sorted.entrySet()) {
      byte[] content = file.getValue();
      // A name for those who know no other: eight characters, a dot, a number that tells apart.
      byte[] plain = ascii("FILE%04d.;1".formatted(at));
      folder.add(entry(plain, at, content.length, 0, mode(0100444), alternateName(file.getKey())));
      image.position(at * SECTOR).put(content);
      at += sectors(content);
    }
    image.position(ROOT * SECTOR);
    folder.forEach(image::put);
    return image.array();
  }

  /** The primary volume descriptor, section 8.4. */
  private static void describe(ByteBuffer sector, String label, int sectors) {
    sector.put((byte) 1).put(ascii("CD001")).put((byte) 1);
    blanks(sector, 8, 64);
    sector.put(40, ascii(label));
    both(sector.position(80), sectors);
    sector.position(120);
    bothShort(sector, 1); // volumes in the set
    bothShort(sector, 1); // this one's number
    bothShort(sector, SECTOR);
    both(sector, PATH_TABLE_LENGTH);
    sector.putInt(Integer.reverseBytes(PATHS_LITTLE)).putInt(0).putInt(PATHS_BIG).putInt(0);
    sector.put(entry(new byte[] {0}, ROOT, SECTOR, FOLDER));
    blanks(sector, 190, 623);
    for (int date = 813; date < 881; date += 17) {
      sector.put(date, ascii("0".repeat(16))); // not specified
    }
    sector.put(881, (byte) 1);
  }

  /** A directory record, section 9.1, with its system use entries. */
  private static byte[] entry(byte[] name, int sector, int length, int flags, byte[]... uses) {
    ByteBuffer entry = ByteBuffer.allocate(255);
    entry.position(2);
    both(entry, sector);
    both(entry, length);
    entry.position(25).put((byte) flags);
    entry.position(28);
    bothShort(entry, 1);
    entry.put((byte) name.length).put(name);
    entry.position(entry.position() + (entry.position() & 1));
    for (byte[] use : uses) {
      entry.put(use);
    }
    entry.position(entry.position() + (entry.position() & 1));
    entry.put(0, (byte) entry.position());
    byte[] bytes = new byte[entry.position()];
    entry.get(0, bytes);
    return bytes;
  }

  /** SUSP 5.3: that there are such entries. */
  private static byte[] sharing() {
    return use("SP", new byte[] {(byte) 0xBE, (byte) 0xEF, 0});
  }

  /** SUSP 5.5: whose they are. */
  private static byte[] extensions() {
    ByteBuffer data = ByteBuffer.allocate(4 + ROCK_RIDGE.length());
    return use(
        "ER",
        data.put((byte) ROCK_RIDGE.length())
            .put((byte) 0)
            .put((byte) 0)
            .put((byte) 1)
            .put(ascii(ROCK_RIDGE))
            .array());
  }

  /** RRIP 4.1.1: type and permissions; one link, user and group 0. */
  private static byte[] mode(int mode) {
    ByteBuffer data = ByteBuffer.allocate(32);
    both(data, mode);
    both(data, 1);
    return use("PX", data.array());
  }

  /** RRIP 4.1.4. */
  private static byte[] alternateName(String name) {
    byte[] bytes = ascii(name);
    return use("NM", ByteBuffer.allocate(1 + bytes.length).put((byte) 0).put(bytes).array());
  }

  private static byte[] use(String signature, byte[] data) {
    return ByteBuffer.allocate(4 + data.length)
        .put(ascii(signature))
        .put((byte) (4 + data.length))
        .put((byte) 1)
        .put(data)
        .array();
  }

  private static void both(ByteBuffer at, int value) {
    at.order(ByteOrder.LITTLE_ENDIAN).putInt(value).order(ByteOrder.BIG_ENDIAN).putInt(value);
  }

  private static void bothShort(ByteBuffer at, int value) {
    at.putShort(swapped(value)).putShort((short) value);
  }

  private static short swapped(int value) {
    return Short.reverseBytes((short) value);
  }

  private static void blanks(ByteBuffer sector, int from, int length) {
    for (int i = from; i < from + length; i++) {
      sector.put(i, (byte) ' ');
    }
  }

  private static int sectors(byte[] content) {
    return Math.ceilDiv(content.length, SECTOR);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
