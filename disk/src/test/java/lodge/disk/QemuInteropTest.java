package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Images are QEMU's as much as Lodge's. Needs qemu-img and qemu-io. */
class QemuInteropTest {
  private static final long SEED =
      Long.getLong("lodge.fuzz.seed", System.nanoTime() & 0xFFFF_FFFFL);

  @TempDir Path folder;
  private final Random random = new Random(SEED);

  @BeforeAll
  static void needsQemu() throws Exception {
    Qemu.require();
    System.out.println("QemuInteropTest: -Dlodge.fuzz.seed=" + SEED);
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  /** A raw file with random content here and there. */
  private byte[] content(String name, int size) throws IOException {
    byte[] bytes = new byte[size];
    for (int i = 0; i < 20; i++) {
      int at = random.nextInt(size);
      byte[] piece = new byte[Math.min(random.nextInt(1, size / 10), size - at)];
      if (random.nextBoolean()) {
        random.nextBytes(piece);
      } else {
        Arrays.fill(piece, (byte) random.nextInt());
      }
      System.arraycopy(piece, 0, bytes, at, piece.length);
    }
    Files.write(folder.resolve(name), bytes);
    return bytes;
  }

  /** Opens, exercises and closes an image several times, with QEMU looking at it in between. */
  private void exercise(String image, byte[] content, int clusterSize) throws Exception {
    Exerciser exerciser = new Exerciser(content, clusterSize, random);
    Path model = folder.resolve("model");
    for (int round = 0; round < 2; round++) {
      try (Qcow2Image opened = Qcow2Image.open(folder.resolve(image), false, 2L * clusterSize)) {
        exerciser.compare(opened);
        exerciser.steps(opened, 150);
        exerciser.compare(opened);
      }
      Files.write(model, exerciser.model);
      assertThat(Tool.ok("qemu-img", "check", "-f", "qcow2", path(image)))
          .contains("No errors were found");
      Tool.ok("qemu-img", "compare", "-f", "raw", "-F", "qcow2", model.toString(), path(image));
      CheckReport report = Qcow2Image.check(folder.resolve(image), Repair.NOTHING);
      assertThat(report.problems()).isEmpty();
      qemuWrites(image, exerciser.model);
    }
  }

  private void qemuWrites(String image, byte[] model) throws Exception {
    int at = random.nextInt(model.length / 512) * 512;
    int length = Math.min(random.nextInt(1, 200) * 512, model.length - at);
    Tool.ok(
        "qemu-io",
        "-f",
        "qcow2",
        "-c",
        "write -P 0x5a " + at + " " + length,
        "-c",
        "write -z -u 0 512",
        path(image));
    Arrays.fill(model, at, at + length, (byte) 0x5A);
    Arrays.fill(model, 0, 512, (byte) 0);
  }

  @ParameterizedTest
  @CsvSource({
    "512, 1.1, 16", "512, 1.1, 64", "512, 0.10, 16", "512, 1.1, 1", "4096, 1.1, 2",
    "4096, 0.10, 16", "65536, 1.1, 4", "65536, 1.1, 8", "65536, 0.10, 16", "65536, 1.1, 32",
    "2097152, 1.1, 16"
  })
  void whatQemuMadeIsReadAndWritten(int clusterSize, String compat, int refcountBits)
      throws Exception {
    int size = clusterSize == 2 << 20 ? (12 << 20) + 512 : 3_000_320;
    byte[] bytes = content("raw", size);
    String options =
        "cluster_size=%d,compat=%s,refcount_bits=%d".formatted(clusterSize, compat, refcountBits);
    String[] common = {"-f", "raw", "-O", "qcow2", "-o", options, path("raw")};
    convert("plain.qcow2", common);
    exercise("plain.qcow2", bytes.clone(), clusterSize);
    convert("small.qcow2", common, "-c");
    exercise("small.qcow2", bytes.clone(), clusterSize);
  }

  private void convert(String to, String[] common, String... first) throws Exception {
    String[] command = new String[3 + first.length + common.length];
    command[0] = "qemu-img";
    command[1] = "convert";
    System.arraycopy(first, 0, command, 2, first.length);
    System.arraycopy(common, 0, command, 2 + first.length, common.length);
    command[command.length - 1] = path(to);
    Tool.ok(command);
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 65536, 2097152})
  void zstdClustersOfQemuAreReadAndReplaced(int clusterSize) throws Exception {
    byte[] bytes = content("raw", 5_000_192);
    String options = "compression_type=zstd,cluster_size=" + clusterSize;
    String[] common = {"-f", "raw", "-O", "qcow2", "-o", options, path("raw")};
    convert("small.qcow2", common, "-c");
    exercise("small.qcow2", bytes, clusterSize);
  }

  @ParameterizedTest
  @CsvSource({"512, 3", "512, 2", "4096, 2", "65536, 3", "2097152, 3"})
  void whatLodgeMadeIsQemus(int clusterSize, int version) throws Exception {
    int size = clusterSize == 2 << 20 ? 12 << 20 : 3 << 20;
    Qcow2Image.create(
        folder.resolve("made"),
        new Qcow2Options(size, clusterSize, version, version == 3, null, null));
    assertThat(Tool.ok("qemu-img", "check", "-f", "qcow2", path("made")))
        .contains("No errors were found");
    exercise("made", new byte[size], clusterSize);
  }

  @ParameterizedTest
  @ValueSource(strings = {"raw", "qcow2"})
  void backingFilesOfQemuShowThrough(String format) throws Exception {
    byte[] bytes = content("raw", 1_500_160);
    Tool.ok("qemu-img", "convert", "-f", "raw", "-O", format, path("raw"), path("base"));
    Tool.ok(
        "qemu-img", "create", "-q", "-f", "qcow2", "-b", "base", "-F", format, path("top"), "3M");
    exercise("top", Arrays.copyOf(bytes, 3 << 20), 1 << 16);
    assertThat(Files.readAllBytes(folder.resolve("raw"))).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void backingFilesOfLodgeShowThrough(int version) throws Exception {
    byte[] bytes = content("raw", 1_500_160);
    Qcow2Image.create(
        folder.resolve("middle"),
        new Qcow2Options(2 << 20, 4096, version, false, "raw", ImageFormat.RAW));
    Qcow2Image.create(
        folder.resolve("top"),
        new Qcow2Options(3 << 20, 65536, version, false, "middle", ImageFormat.QCOW2));
    exercise("middle", Arrays.copyOf(bytes, 2 << 20), 4096);
    byte[] middle = new byte[3 << 20];
    try (Qcow2Image image = Qcow2Image.open(folder.resolve("middle"), true)) {
      System.arraycopy(Exerciser.content(image, 0, 2 << 20), 0, middle, 0, 2 << 20);
    }
    exercise("top", middle, 65536);
  }

  @Test
  void aFileThatGrowsGetsALargerRefcountTable() throws Exception {
    Tool.ok(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-o",
        "cluster_size=512,refcount_bits=64",
        path("grows"),
        "16M");
    byte[] bytes = new byte[16 << 20];
    random.nextBytes(bytes);
    try (Qcow2Image image = Qcow2Image.open(folder.resolve("grows"), false)) {
      image.write(0, ByteBuffer.wrap(bytes));
    }
    Files.write(folder.resolve("model"), bytes);
    assertThat(Tool.ok("qemu-img", "check", "-f", "qcow2", path("grows")))
        .contains("No errors were found");
    Tool.ok("qemu-img", "compare", "-f", "raw", "-F", "qcow2", path("model"), path("grows"));
  }

  @Test
  void refcountsThatQemuLeftBehindAreRebuilt() throws Exception {
    Tool.ok(
        "qemu-img", "create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", path("lazy"), "8M");
    Tool.run(
        "qemu-io",
        "-f",
        "qcow2",
        "-c",
        "write -P 7 1M 2M",
        "-c",
        "flush",
        "-c",
        "abort",
        path("lazy"));
    assertThat(Tool.ok("qemu-img", "info", "-f", "qcow2", path("lazy")))
        .contains("cleanly shut down: no");
    assertThat(Qcow2Image.check(folder.resolve("lazy"), Repair.NOTHING).errors()).isPositive();
    try (Qcow2Image image = Qcow2Image.open(folder.resolve("lazy"), false)) {
      assertThat(Exerciser.content(image, 1 << 20, 2 << 20)).containsOnly(7);
    }
    assertThat(Tool.ok("qemu-img", "check", "-f", "qcow2", path("lazy")))
        .contains("No errors were found");
  }
}
