package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import lodge.disk.DiskException.Kind;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What QEMU writes in the formats of other programs is read. */
class OtherFormatsTest {
  private static final int SIZE = 22 << 20;

  @TempDir Path folder;
  private byte[] content;

  @BeforeEach
  void content() throws IOException {
    Tool.assumeQemu();
    Random random = new Random(1);
    content = new byte[SIZE];
    for (int at = 0; at < SIZE; at += 5 << 20) {
      byte[] piece = new byte[random.nextInt(2 << 20)];
      random.nextBytes(piece);
      System.arraycopy(piece, 0, content, at + 512, piece.length);
    }
    Files.write(path("raw"), content);
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  private Path make(String format, String options) throws Exception {
    Path made = path("disk." + format);
    String[] command = {
      "qemu-img", "convert", "-f", "raw", "-O", format, path("raw").toString(), made.toString()
    };
    if (options != null) {
      command = Arrays.copyOf(command, 10);
      command[8] = "-o";
      command[9] = options;
    }
    Tool.ok(command);
    return made;
  }

  @ParameterizedTest
  @CsvSource({
    "vdi,",
    "vdi, static=on",
    "vmdk,",
    "vmdk, zeroed_grain=on",
    "vmdk, subformat=streamOptimized",
    "vmdk, subformat=monolithicFlat",
    "vmdk, subformat=twoGbMaxExtentSparse",
    "vmdk, subformat=twoGbMaxExtentFlat",
    "vpc,",
    "vpc, 'force_size=on'",
    "vpc, 'subformat=fixed,force_size=on'",
    "vpc, subformat=fixed",
    "vhdx,",
    "vhdx, block_size=1M",
    "vhdx, subformat=fixed",
    "vhdx, block_state_zero=off"
  })
  void isReadAsItWasWritten(String label, String options) throws Exception {
    ImageFormat format = ImageFormat.of(label);
    Path made = make(label, options);
    byte[] before = Files.readAllBytes(made);
    boolean fixedVhd = label.equals("vpc") && options != null && options.contains("fixed");
    assertThat(ImageFormat.probe(made)).isEqualTo(fixedVhd ? ImageFormat.RAW : format);
    try (DiskImage image = format.open(made, true)) {
      String info = Tool.ok("qemu-img", "info", "-f", label, made.toString());
      assertThat(info).contains("(" + image.size() + " bytes)");
      byte[] all = Exerciser.content(image, 0, (int) image.size());
      assertThat(Arrays.equals(all, Arrays.copyOf(content, all.length))).isTrue();
      Random random = new Random(2);
      for (int i = 0; i < 200; i++) {
        int at = random.nextInt(SIZE);
        int length = random.nextInt(Math.min(100_000, SIZE - at));
        byte[] part = Exerciser.content(image, at, length);
        assertThat(Arrays.equals(part, 0, length, content, at, at + length)).isTrue();
      }
      AllocationMap map = new AllocationMap(image);
      long end = 0;
      while (map.hasNext()) {
        Extent extent = map.next();
        assertThat(extent.offset()).isEqualTo(end);
        end = extent.end();
        if (extent.isZero()) {
          byte[] zeroes = new byte[(int) extent.length()];
          assertThat(Arrays.equals(all, (int) extent.offset(), (int) end, zeroes, 0, zeroes.length))
              .isTrue();
        } else if (extent.fileOffset() != Extent.NOWHERE) {
          int at = (int) extent.offset();
          int inFile = (int) extent.fileOffset();
          assertThat(
                  Arrays.equals(
                      all, at, (int) extent.end(), before, inFile, inFile + (int) extent.length()))
              .isTrue();
        }
      }
      assertThat(end).isEqualTo(image.size());
      new Conversion(image).toQcow2(path("qcow2"), Qcow2Options.ofSize(image.size()), false);
      assertThatThrownBy(() -> image.write(0, ByteBuffer.allocate(1)))
          .hasMessageEndingWith("the image was opened for reading");
      assertThatThrownBy(() -> image.read(image.size(), ByteBuffer.allocate(1)))
          .isInstanceOf(IllegalArgumentException.class);
    }
    Tool.ok(
        "qemu-img",
        "compare",
        "-f",
        "raw",
        "-F",
        "qcow2",
        path("raw").toString(),
        path("qcow2").toString());
    assertThat(Files.readAllBytes(made)).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({"vdi", "vmdk", "vpc", "vhdx"})
  void isNotWritten(String label) throws Exception {
    Path made = make(label, null);
    assertThatThrownBy(() -> ImageFormat.of(label).open(made, false))
        .hasMessage(
            made + ": cannot open: images of this format are only read; convert it to qcow2");
  }

  @ParameterizedTest
  @CsvSource({"vdi, VDI", "vmdk, VMDK", "vpc, VHD", "vhdx, VHDX"})
  void otherFilesAreToldFromIt(String label, String name) throws Exception {
    for (int size : new int[] {0, 1, 511, 100_000}) {
      Files.write(path("other"), Arrays.copyOf(content, size));
      assertThatThrownBy(() -> ImageFormat.of(label).open(path("other"), true))
          .hasMessage(path("other") + ": cannot open: it is no " + name + " image")
          .extracting("kind")
          .isEqualTo(Kind.WRONG_FORMAT);
    }
  }

  @Test
  void canStandBehindAQcow2Image() throws Exception {
    make("vdi", null);
    Qcow2Image.create(
        path("top"), Qcow2Options.ofSize(SIZE).withBacking("disk.vdi", ImageFormat.VDI));
    try (Qcow2Image top = Qcow2Image.open(path("top"), true)) {
      assertThat(Arrays.equals(Exerciser.content(top, 0, SIZE), content)).isTrue();
    }
  }

  @Test
  void aDescriptorNamesOnlyFilesBesideIt() throws Exception {
    Path made = make("vmdk", "subformat=monolithicFlat");
    String text = Files.readString(made);
    for (String name : new String[] {"/etc/passwd", "../raw", "..", "a\tb"}) {
      Files.writeString(made, text.replace("disk-flat.vmdk", name));
      assertThatThrownBy(() -> ImageFormat.VMDK.open(made, true))
          .hasMessageContaining("it names an extent that is no file in its folder");
    }
    Files.writeString(made, text.replace("FLAT", "VMFS"));
    assertThatThrownBy(() -> ImageFormat.VMDK.open(made, true))
        .hasMessageEndingWith("it needs what Lodge lacks: extents of type VMFS");
  }
}
