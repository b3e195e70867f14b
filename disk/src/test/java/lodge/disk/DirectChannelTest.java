package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images past the host's page cache. */
class DirectChannelTest {
  private static final int MIB = 1 << 20;

  /** Not a whole number of any file system's blocks. */
  private static final int SIZE = 3 * MIB + 512;

  @TempDir Path folder;

  private static <I extends DiskImage> I direct(I image) {
    if (!image.bypassCache().isEmpty()) {
      System.out.println("skipped: the file system of " + image.path() + " has no O_DIRECT");
      abort("no O_DIRECT");
    }
    return image;
  }

  private RawImage raw() throws IOException {
    Path file = folder.resolve("raw");
    RawImage.create(file, SIZE);
    return direct(RawImage.open(file, false));
  }

  /** On the heap, outside of it, and there at odd addresses. */
  private static ByteBuffer buffer(Random random, int length) {
    return switch (random.nextInt(3)) {
      case 0 -> ByteBuffer.allocate(length);
      case 1 -> ByteBuffer.allocateDirect(length + 8192).alignedSlice(4096).limit(length);
      default -> ByteBuffer.allocateDirect(length + 8).position(3).limit(length + 3);
    };
  }

  private static int aligned(Random random, int value) {
    return value & -(1 << random.nextInt(14));
  }

  /** Random requests, checked against an array. */
  private static void exercise(DiskImage image, int from, int to, long seed) throws IOException {
    Random random = new Random(seed);
    byte[] expected = new byte[to - from];
    image.read(from, ByteBuffer.wrap(expected));
    for (int i = 0; i < 300; i++) {
      int at = aligned(random, random.nextInt(expected.length));
      int length =
          Math.min(expected.length - at, Math.max(1, aligned(random, random.nextInt(MIB))));
      ByteBuffer buffer = buffer(random, length);
      int start = buffer.position();
      byte[] bytes = new byte[length];
      if (random.nextBoolean()) {
        random.nextBytes(bytes);
        System.arraycopy(bytes, 0, expected, at, length);
        buffer.put(bytes).position(start);
        image.write(from + at, buffer);
      } else {
        image.read(from + at, buffer);
        buffer.get(start, bytes);
        assertThat(bytes)
            .as("seed %d, %d bytes at %d", seed, length, from + at)
            .isEqualTo(Arrays.copyOfRange(expected, at, at + length));
      }
      assertThat(buffer.remaining()).isZero();
    }
    byte[] all = new byte[expected.length];
    image.read(from, ByteBuffer.wrap(all));
    assertThat(all).as("seed %d", seed).isEqualTo(expected);
  }

  @Test
  void theFileIsOpenedWithoutTheCache() throws IOException {
    try (RawImage image = raw()) {
      assertThat(image.size()).isEqualTo(SIZE);
      int direct = 0;
      try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
        for (Path descriptor : descriptors) {
          if (Files.exists(descriptor) && Files.isSameFile(descriptor, image.path())) {
            Path info = Path.of("/proc/self/fdinfo").resolve(descriptor.getFileName());
            String flags =
                Files.readAllLines(info).stream()
                    .filter(line -> line.startsWith("flags:"))
                    .findFirst()
                    .orElseThrow();
            direct += Integer.parseInt(flags.substring(6).strip(), 8) >> 14 & 1;
          }
        }
      }
      assertThat(direct).as("O_DIRECT").isEqualTo(1);
    }
  }

  @Test
  void requestsOfAnyAlignmentGiveWhatWasWritten() throws IOException {
    long seed = System.nanoTime();
    try (RawImage image = raw()) {
      exercise(image, 0, SIZE, seed);
      image.flush();
    }
    assertThat(Files.size(folder.resolve("raw"))).as("no longer than before").isEqualTo(SIZE);
    try (RawImage cached = RawImage.open(folder.resolve("raw"), false)) {
      exercise(cached, 0, SIZE, seed + 1);
    }
  }

  @Test
  void neighboursInOneBlockDoNotLoseTheirWrites() throws Exception {
    long seed = System.nanoTime();
    try (RawImage image = raw();
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      // Ends in the midst of blocks: each block there belongs to two threads.
      var parts =
          IntStream.range(0, 4)
              .mapToObj(
                  i ->
                      threads.submit(
                          () -> {
                            int from = i * (MIB / 2 + 512);
                            exercise(image, from, from + MIB / 2 + 512, seed + i);
                            return null;
                          }))
              .toList();
      for (Future<?> part : parts) {
        part.get();
      }
    }
  }

  @Test
  void aQcow2ImageAndWhatIsBehindItGoPastTheCache() throws IOException {
    Path base = folder.resolve("base.qcow2");
    Path top = folder.resolve("top.qcow2");
    Qcow2Image.create(base, Qcow2Options.ofSize(SIZE));
    try (Qcow2Image image = direct(Qcow2Image.open(base, false))) {
      exercise(image, 0, SIZE, 1);
    }
    Qcow2Image.create(
        top, Qcow2Options.ofSize(SIZE).withBacking(base.toString(), ImageFormat.QCOW2));
    try (Qcow2Image image = direct(Qcow2Image.open(top, false))) {
      exercise(image, 0, SIZE, 2);
      image.flush();
    }
    try (Qcow2Image image = Qcow2Image.open(top, false)) {
      exercise(image, 0, SIZE, 3);
    }
    assertThat(Qcow2Image.check(top, Repair.NOTHING).errors()).isZero();
  }

  @Test
  void aFileSystemThatCannotDoItIsNamed() throws IOException {
    Path shared = Path.of("/dev/shm");
    Path file = Files.createTempFile(Files.isWritable(shared) ? shared : folder, "lodge", "raw");
    try (RawImage image = RawImage.open(file, false)) {
      assertThat(image.bypassCache()).isSubsetOf(file);
    } finally {
      Files.delete(file);
    }
  }
}
