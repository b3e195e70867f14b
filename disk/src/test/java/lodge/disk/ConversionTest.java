package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is converted is what it was, for QEMU as well. */
class ConversionTest {
  private static final long SEED =
      Long.getLong("lodge.fuzz.seed", System.nanoTime() & 0xFFFF_FFFFL);
  private static final int SIZE = (12 << 20) + 1024;

  @TempDir Path folder;
  private final Random random = new Random(SEED);
  private byte[] content;

  @BeforeAll
  static void needsQemu() {
    Tool.assumeQemu();
    System.out.println("ConversionTest: -Dlodge.fuzz.seed=" + SEED);
  }

  /** Zeroes, text and noise, beginning and ending at odd places. */
  @BeforeEach
  void content() throws IOException {
    content = new byte[SIZE];
    for (int i = 0; i < 40; i++) {
      int at = random.nextInt(SIZE);
      int length = random.nextInt(Math.min(400_000, SIZE - at));
      boolean noise = random.nextBoolean();
      for (int j = at; j < at + length; j++) {
        content[j] = (byte) (noise ? random.nextInt() : "Lodge ".charAt(j % 6));
      }
    }
    Files.write(path("raw"), content);
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  private String name(String name) {
    return path(name).toString();
  }

  private void isSound(String image) throws Exception {
    assertThat(Tool.ok("qemu-img", "check", "-f", "qcow2", name(image)))
        .contains("No errors were found");
    assertThat(Qcow2Image.check(path(image), Repair.NOTHING).problems()).isEmpty();
  }

  private void isSame(String one, String format, String other, String otherFormat)
      throws Exception {
    Tool.ok("qemu-img", "compare", "-f", format, "-F", otherFormat, name(one), name(other));
  }

  @ParameterizedTest
  @CsvSource({
    "512, 3, false",
    "512, 2, true",
    "4096, 3, true",
    "65536, 3, false",
    "65536, 3, true",
    "65536, 2, false",
    "2097152, 3, false",
    "2097152, 3, true"
  })
  void rawToQcow2AndBack(int clusterSize, int version, boolean compressed) throws Exception {
    try (RawImage raw = RawImage.open(path("raw"), true)) {
      new Conversion(raw)
          .toQcow2(
              path("image"),
              new Qcow2Options(SIZE, clusterSize, version, false, null, null),
              compressed);
    }
    isSound("image");
    isSame("raw", "raw", "image", "qcow2");
    try (Qcow2Image image = Qcow2Image.open(path("image"), true)) {
      new Conversion(image).toRaw(path("back"));
    }
    assertThat(Files.readAllBytes(path("back"))).isEqualTo(content);
    // Refcounts are right for what is written later, too.
    try (Qcow2Image image = Qcow2Image.open(path("image"), false)) {
      Exerciser exerciser = new Exerciser(content, clusterSize, random);
      exerciser.steps(image, 50);
      exerciser.compare(image);
    }
    isSound("image");
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 65536, 2097152})
  void zstdClustersAreQemusToo(int clusterSize) throws Exception {
    Qcow2Options options =
        new Qcow2Options(SIZE, clusterSize, 3, false, null, null).withCompression(Compression.ZSTD);
    try (RawImage raw = RawImage.open(path("raw"), true)) {
      new Conversion(raw).toQcow2(path("image"), options, true);
      new Conversion(raw).toQcow2(path("plain"), options, false);
    }
    isSound("image");
    isSame("raw", "raw", "image", "qcow2");
    assertThat(Files.size(path("image"))).isLessThan(Files.size(path("plain")));
    assertThat(Tool.ok("qemu-img", "info", name("image"))).contains("compression type: zstd");
    assertThat(ImageInfo.read(path("image"), ImageFormat.QCOW2, Access.READ).details())
        .containsEntry("compression-type", "zstd");
    try (Qcow2Image image = Qcow2Image.open(path("image"), false)) {
      Exerciser exerciser = new Exerciser(content, clusterSize, random);
      exerciser.compare(image);
      exerciser.steps(image, 50);
      exerciser.compare(image);
    }
    isSound("image");
  }

  @Test
  void anEmptyImageMayBeForZstd() throws Exception {
    Qcow2Options options = Qcow2Options.ofSize(SIZE).withBacking("raw", ImageFormat.RAW);
    Qcow2Image.create(path("image"), options.withCompression(Compression.ZSTD));
    assertThat(Tool.ok("qemu-img", "info", name("image"))).contains("compression type: zstd");
    isSound("image");
    isSame("raw", "raw", "image", "qcow2");
    assertThatThrownBy(
            () ->
                new Qcow2Options(SIZE, 65536, 2, false, null, null)
                    .withCompression(Compression.ZSTD))
        .hasMessage("zstd compression in version 2");
  }

  @Test
  void manyRefcountBlocksAreWrittenOnTheWay() throws Exception {
    byte[] noise = new byte[24 << 20]; // some 200 blocks
    random.nextBytes(noise);
    Files.write(path("noise"), noise);
    for (boolean compressed : new boolean[] {false, true}) {
      try (RawImage raw = RawImage.open(path("noise"), true)) {
        new Conversion(raw)
            .toQcow2(
                path("image"),
                new Qcow2Options(noise.length, 512, 3, false, null, null),
                compressed);
      }
      isSound("image");
      isSame("noise", "raw", "image", "qcow2");
    }
  }

  @Test
  void zeroesTakeNoSpaceUnlessTheyShall() throws Exception {
    Files.write(path("zeroes"), new byte[8 << 20]);
    try (RawImage raw = RawImage.open(path("zeroes"), true)) {
      new Conversion(raw).toRaw(path("sparse"));
      new Conversion(raw, 0, (_, _) -> {}).toRaw(path("full"));
      new Conversion(raw).toQcow2(path("small"), Qcow2Options.ofSize(8 << 20), false);
      new Conversion(raw, 0, (_, _) -> {})
          .toQcow2(path("large"), Qcow2Options.ofSize(8 << 20), false);
    }
    assertThat(Tool.ok("stat", "-c", "%b", name("sparse")).strip()).isEqualTo("0");
    assertThat(Tool.ok("stat", "-c", "%b", name("full")).strip()).isEqualTo("16384");
    assertThat(Files.size(path("small"))).isLessThan(1 << 20);
    assertThat(Files.size(path("large"))).isGreaterThan(8 << 20);
    isSame("small", "qcow2", "large", "qcow2");
  }

  @Test
  void sizesThatAreNoSectorsAreFilledUp() throws Exception {
    Files.write(path("odd"), new byte[] {1, 2, 3});
    try (RawImage raw = RawImage.open(path("odd"), true)) {
      new Conversion(raw).toRaw(path("even"));
      new Conversion(raw).toQcow2(path("image"), Qcow2Options.ofSize(512), false);
    }
    assertThat(Files.size(path("even"))).isEqualTo(512);
    isSame("even", "raw", "image", "qcow2");
    Files.write(path("odd"), new byte[0]);
    try (RawImage raw = RawImage.open(path("odd"), true)) {
      new Conversion(raw).toQcow2(path("image"), Qcow2Options.ofSize(0), false);
    }
    isSound("image");
  }

  @ParameterizedTest
  @CsvSource({"2", "3"})
  void onlyWhatIsInFrontOfTheBackingFileIsCopied(int version) throws Exception {
    Qcow2Image.create(
        path("top"), new Qcow2Options(SIZE, 4096, version, false, "raw", ImageFormat.RAW));
    try (Qcow2Image top = Qcow2Image.open(path("top"), false)) {
      Exerciser exerciser = new Exerciser(content, 4096, random);
      exerciser.steps(top, 100);
      top.writeZeroes(0, 1 << 20, true);
    }
    try (Qcow2Image top = Qcow2Image.open(path("top"), true)) {
      new Conversion(top)
          .toQcow2(
              path("copy"),
              new Qcow2Options(SIZE, 65536, version, false, "raw", ImageFormat.RAW),
              false);
    }
    isSound("copy");
    isSame("top", "qcow2", "copy", "qcow2");
    assertThat(Tool.ok("qemu-img", "map", "--output=json", name("copy"))).contains("\"depth\": 1");
  }

  @Test
  void aTargetIsReplacedOnlyByWhatIsWhole() throws Exception {
    Files.writeString(path("target"), "precious");
    Tool.ok("qemu-img", "convert", "-O", "qcow2", name("raw"), name("image"));
    try (Qcow2Image image = Qcow2Image.open(path("image"), false)) {
      image.write(SIZE - 1024, ByteBuffer.allocate(1024).put(3, (byte) 3));
    }
    byte[] cut = Files.readAllBytes(path("image"));
    // The last cluster is what was written last.
    Files.write(path("cut"), java.util.Arrays.copyOf(cut, cut.length - 65536));
    try (Qcow2Image image = Qcow2Image.open(path("cut"), true)) {
      assertThatThrownBy(() -> new Conversion(image).toRaw(path("target")))
          .isInstanceOf(DiskException.class)
          .hasMessageContaining("past the end of the file");
    }
    assertThat(path("target")).hasContent("precious");
    try (var files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("raw", "target", "image", "cut");
    }
    try (Qcow2Image image = Qcow2Image.open(path("image"), true)) {
      new Conversion(image).toRaw(path("target"));
    }
    isSame("target", "raw", "image", "qcow2");
  }

  @Test
  void whatIsReadIsNotOverwritten() throws Exception {
    Qcow2Image.create(path("top"), Qcow2Options.ofSize(SIZE).withBacking("raw", ImageFormat.RAW));
    try (Qcow2Image top = Qcow2Image.open(path("top"), true)) {
      for (String target : new String[] {"top", "raw"}) {
        assertThatThrownBy(() -> new Conversion(top).toRaw(path(target)))
            .hasMessage(path(target) + ": cannot write: what is to be converted is read from it");
      }
      assertThatThrownBy(() -> new Conversion(top).toRaw(path("no/where")))
          .hasMessage(path("no/where") + ": cannot create: there is no such folder");
    }
    assertThat(Files.readAllBytes(path("raw"))).isEqualTo(content);
  }

  @Test
  void comparisonFindsTheFirstDifference() throws Exception {
    try (RawImage raw = RawImage.open(path("raw"), true)) {
      new Conversion(raw).toQcow2(path("image"), Qcow2Options.ofSize(SIZE), true);
    }
    ImageComparison comparison = new ImageComparison(false, (_, _) -> {});
    try (RawImage raw = RawImage.open(path("raw"), false);
        Qcow2Image image = Qcow2Image.open(path("image"), true)) {
      assertThat(comparison.compare(raw, image)).isEmpty();
      int at = random.nextInt(SIZE);
      raw.write(at, ByteBuffer.wrap(new byte[] {(byte) (content[at] + 1)}));
      assertThat(comparison.compare(raw, image))
          .contains(new ImageComparison.Difference(at, false));
    }
  }

  @Test
  void aShorterImageIsComparedWithZeroes() throws Exception {
    byte[] longer = java.util.Arrays.copyOf(content, SIZE + 100_000);
    Files.write(path("longer"), longer);
    ImageComparison comparison = new ImageComparison(false, (_, _) -> {});
    try (RawImage raw = RawImage.open(path("raw"), true);
        RawImage other = RawImage.open(path("longer"), false)) {
      assertThat(comparison.compare(raw, other)).isEmpty();
      other.write(SIZE + 77, ByteBuffer.wrap(new byte[] {1}));
      assertThat(comparison.compare(raw, other))
          .contains(new ImageComparison.Difference(SIZE + 77, false));
      assertThat(comparison.compare(other, raw)).isPresent();
    }
  }
}
