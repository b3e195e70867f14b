package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Images in which bytes of headers and tables were changed at random are read or refused; nothing
 * else is thrown, and nothing takes for ever. Checksums are made right again, so that what is
 * behind them is reached.
 *
 * <p>{@code -Dlodge.fuzz.seconds=N} is the time for all of it, {@code -Dlodge.fuzz.seed=N} the seed
 * of the first image of each format; each later one has the seed after that of the one before.
 */
class HostileImageTest {
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("lodge.fuzz.seconds", "8"));
  private static final long SEED = Long.getLong("lodge.fuzz.seed", 1);
  private static final int IMAGES = 8;
  private static final int[] VALUES = {
    0, 1, -1, 0x7FFFFFFF, 0x80000000, 0x10000, 0x200, 0x01000000
  };

  @TempDir Path folder;

  @BeforeEach
  void needsQemu() {
    Tool.assumeQemu();
  }

  /** A disk of zeroes but for a little, so that most of what is not zero is headers and tables. */
  private byte[] image(Path path, ImageFormat format, String options) throws Exception {
    byte[] disk = new byte[4 << 20];
    Arrays.fill(disk, 1 << 20, (1 << 20) + 16, (byte) 0x5A);
    Arrays.fill(disk, disk.length - 16, disk.length, (byte) 0xA5);
    Path raw = Files.write(folder.resolve("raw"), disk);
    String[] command = {
      "qemu-img", "convert", "-O", format.label(), "-o", options, raw.toString(), path.toString()
    };
    Tool.ok(command);
    return Files.readAllBytes(path);
  }

  @ParameterizedTest
  @CsvSource({
    "qcow2, compat=1.1", "vdi, static=off", "vmdk, subformat=monolithicSparse",
    "vmdk, subformat=streamOptimized", "vmdk, subformat=monolithicFlat", "vpc, force_size=on",
    "vpc, 'subformat=fixed,force_size=on'", "vhdx, block_size=1M"
  })
  void isReadOrRefused(String label, String options) throws Exception {
    ImageFormat format = ImageFormat.of(label);
    Path path = folder.resolve("disk.img");
    byte[] sound = image(path, format, options);
    int[] places = IntStream.range(0, sound.length).filter(i -> sound[i] != 0).toArray();
    long end = System.nanoTime() + (long) (SECONDS / IMAGES * 1e9);
    int read = 0;
    int refused = 0;
    for (long seed = SEED; System.nanoTime() < end || read + refused < 20; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      Files.write(path, damaged(sound, places, format, random));
      try {
        read(path, format, random);
        read++;
      } catch (DiskException e) {
        assertThat(e.getMessage().lines()).hasSize(1);
        refused++;
      } catch (Exception | StackOverflowError | OutOfMemoryError e) {
        fail(label + " " + options + ": -Dlodge.fuzz.seed=" + seed, e);
      }
    }
    System.out.println(label + " " + options + ": " + read + " read, " + refused + " refused");
    assertThat(refused).isPositive();
  }

  private static void read(Path path, ImageFormat format, SplittableRandom random)
      throws IOException {
    ImageFormat.probe(path);
    ImageInfo.read(path, format, Access.READ);
    try (DiskImage image = format.open(path, true)) {
      long size = image.size();
      assertThat(size).isNotNegative();
      long at = 0;
      for (int i = 0; i < 200 && at < size; i++) {
        Extent extent = image.extent(at);
        assertThat(extent.offset()).isEqualTo(at);
        assertThat(extent.length()).isBetween(1L, size - at);
        at = extent.end();
      }
      for (int i = 0; i < 20 && size > 0; i++) {
        long offset = i < 3 ? Math.min(i << 20, size - 1) : random.nextLong(size);
        image.read(offset, ByteBuffer.allocate((int) Math.min(100_000, size - offset)));
      }
    }
    if (format == ImageFormat.QCOW2) {
      Qcow2Image.check(path, Repair.NOTHING);
    }
  }

  private static byte[] damaged(
      byte[] sound, int[] places, ImageFormat format, SplittableRandom random) {
    byte[] image = sound.clone();
    ByteBuffer bytes = ByteBuffer.wrap(image);
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      int at = places[random.nextInt(places.length)];
      switch (random.nextInt(4)) {
        case 0 -> image[at] = (byte) random.nextInt();
        case 1 -> image[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes.putInt(Math.min(at & -4, image.length - 4), random.nextInt());
        default ->
            bytes.putInt(
                Math.min(at & -4, image.length - 4), VALUES[random.nextInt(VALUES.length)]);
      }
    }
    switch (format) {
      case VPC -> {
        sum(bytes, 0, 512, 64);
        sum(bytes, 512, 1024, 36);
        sum(bytes, image.length - 512, 512, 64);
      }
      case VHDX -> {
        crc(bytes, 64 << 10, 4096);
        crc(bytes, 128 << 10, 4096);
        crc(bytes, 192 << 10, 64 << 10);
        crc(bytes, 256 << 10, 64 << 10);
      }
      default -> {}
    }
    return random.nextInt(10) == 0 ? Arrays.copyOf(image, random.nextInt(image.length)) : image;
  }

  private static void sum(ByteBuffer bytes, int at, int length, int field) {
    int sum = 0;
    bytes.putInt(at + field, 0);
    for (int i = at; i < at + length; i++) {
      sum += bytes.get(i) & 0xFF;
    }
    bytes.putInt(at + field, ~sum);
  }

  private static void crc(ByteBuffer bytes, int at, int length) {
    bytes.putInt(at + 4, 0);
    CRC32C crc = new CRC32C();
    crc.update(bytes.array(), at, length);
    bytes.order(ByteOrder.LITTLE_ENDIAN).putInt(at + 4, (int) crc.getValue());
    bytes.order(ByteOrder.BIG_ENDIAN);
  }
}
