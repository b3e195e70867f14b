package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lodge.disk.DiskException.Kind;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** QEMU's images with subclusters, or with their data in another file, are read but not written. */
class OnlyReadTest {
  private static final int SIZE = (5 << 20) + 512;

  @TempDir Path folder;
  private final Random random = new Random(1);
  private Qemu qemu;

  @BeforeAll
  static void needsQemu() throws Exception {
    Qemu.require();
  }

  @BeforeEach
  void enter() {
    qemu = new Qemu(folder);
  }

  private void create(String options) throws Exception {
    qemu.ok("qemu-img create -q -f qcow2 -o " + options + " image " + SIZE);
  }

  private void write(int times) throws Exception {
    String[] commands = new String[times];
    for (int i = 0; i < times; i++) {
      int at = random.nextInt(SIZE / 512) * 512;
      int most = Math.min(random.nextBoolean() ? 8 : 600, (SIZE - at) / 512);
      int length = random.nextInt(1, most + 1) * 512;
      String command =
          switch (random.nextInt(6)) {
            case 0 -> "write -z";
            case 1 -> "write -z -u";
            case 2 -> "discard";
            default -> "write -P " + random.nextInt(1, 256);
          };
      commands[i] = command + " " + at + " " + length;
    }
    qemu.io("image", commands);
  }

  private void isReadButNotWritten(String what) throws Exception {
    qemu.ok("qemu-img convert -f qcow2 -O raw image expected");
    byte[] expected = Files.readAllBytes(qemu.path("expected"));
    try (Qcow2Image image = Qcow2Image.open(qemu.path("image"), true)) {
      assertThat(Exerciser.content(image, 0, SIZE)).isEqualTo(expected);
      for (int i = 0; i < 200; i++) {
        int at = random.nextInt(SIZE);
        int length = random.nextInt(1, Math.min(100_000, SIZE - at) + 1);
        assertThat(Exerciser.content(image, at, length))
            .isEqualTo(Arrays.copyOfRange(expected, at, at + length));
      }
      isMappedAsByQemu(image);
      new Conversion(image).toQcow2(qemu.path("copy"), Qcow2Options.ofSize(SIZE), false);
    }
    qemu.ok("qemu-img compare -f raw -F qcow2 expected copy");
    byte[] before = Files.readAllBytes(qemu.path("image"));
    assertThatThrownBy(() -> Qcow2Image.open(qemu.path("image"), false))
        .hasMessage(
            qemu.path("image") + ": cannot open for writing: Lodge only reads images with " + what)
        .extracting("kind")
        .isEqualTo(Kind.UNSUPPORTED);
    assertThatThrownBy(() -> Qcow2Image.check(qemu.path("image"), Repair.ALL))
        .hasMessageEndingWith("Lodge only reads images with " + what);
    assertThat(Files.readAllBytes(qemu.path("image"))).isEqualTo(before);
    qemu.assertSound("image");
  }

  /** What is said to be zeroes, sector by sector; QEMU finds more, in holes of the file. */
  private void isMappedAsByQemu(Qcow2Image image) throws Exception {
    BitSet own = new BitSet();
    AllocationMap extents = new AllocationMap(image);
    while (extents.hasNext()) {
      Extent extent = extents.next();
      own.set((int) extent.offset() / 512, (int) extent.end() / 512, extent.isZero());
    }
    BitSet qemus = new BitSet();
    Matcher line =
        Pattern.compile("\"start\": (\\d+), \"length\": (\\d+),.* \"zero\": true")
            .matcher(qemu.ok("qemu-img map --output=json -f qcow2 image"));
    while (line.find()) {
      int start = Integer.parseInt(line.group(1)) / 512;
      qemus.set(start, start + Integer.parseInt(line.group(2)) / 512);
    }
    assertThat(own.cardinality()).isPositive();
    own.andNot(qemus);
    assertThat(own.cardinality()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {16384, 65536, 2097152})
  void subclusters(int clusterSize) throws Exception {
    create("extended_l2=on,cluster_size=" + clusterSize);
    write(60);
    isReadButNotWritten("extended L2 entries");
  }

  @Test
  void subclustersInFrontOfAnImage() throws Exception {
    byte[] behind = new byte[3 << 20];
    random.nextBytes(behind);
    Files.write(qemu.path("base"), behind);
    create("extended_l2=on,backing_file=base,backing_fmt=raw");
    write(60);
    isReadButNotWritten("extended L2 entries");
    // What it has goes into the image behind, which Lodge does write.
    Qcow2Image.commit(qemu.path("image"), false);
    qemu.ok("qemu-img compare -f raw -F raw expected base");
  }

  @Test
  void compressedClustersBesideSubclusters() throws Exception {
    byte[] content = new byte[SIZE];
    for (int i = 0; i < SIZE / 2; i++) {
      content[i] = (byte) (i >>> 10);
    }
    Files.write(qemu.path("raw"), content);
    qemu.ok("qemu-img convert -f raw -O qcow2 -c -o extended_l2=on raw image");
    write(20);
    isReadButNotWritten("extended L2 entries");
  }

  @ParameterizedTest
  @CsvSource({"off, off", "on, off", "off, on"})
  void dataInAnotherFile(String raw, String extended) throws Exception {
    create("data_file=data,data_file_raw=" + raw + ",extended_l2=" + extended);
    write(40);
    isReadButNotWritten(extended.equals("on") ? "extended L2 entries" : "an external data file");
    ImageInfo info = ImageInfo.read(qemu.path("image"), ImageFormat.QCOW2, Access.READ);
    assertThat(info.details())
        .containsEntry("data-file", "data")
        .containsEntry("data-file-raw", raw.equals("on"))
        .containsEntry("extended-l2", extended.equals("on"));
    Files.delete(qemu.path("data"));
    assertThatThrownBy(() -> Qcow2Image.open(qemu.path("image"), true))
        .hasMessage(qemu.path("data") + ": cannot open: there is no such file");
  }

  @Test
  void entriesThatContradictThemselvesAreToldInOneLine() throws Exception {
    create("extended_l2=on");
    qemu.io("image", "write -P 1 0 64k");
    byte[] image = Files.readAllBytes(qemu.path("image"));
    ByteBuffer bytes = ByteBuffer.wrap(image);
    int l2 = (int) (bytes.getLong((int) bytes.getLong(40)) & L2Entry.OFFSET);
    bytes.putLong(l2 + 8, 1L << 32 | 1);
    Files.write(qemu.path("image"), image);
    try (Qcow2Image opened = Qcow2Image.open(qemu.path("image"), true)) {
      assertThatThrownBy(() -> Exerciser.content(opened, 0, 512))
          .isInstanceOf(IOException.class)
          .hasMessageEndingWith("an entry contradicts itself");
    }
    assertThat(Qcow2Image.check(qemu.path("image"), Repair.NOTHING).errors()).isEqualTo(1);
  }
}
