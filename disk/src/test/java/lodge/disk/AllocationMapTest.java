package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lodge.disk.Extent.Content;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AllocationMapTest {
  private static final int CLUSTER = 1 << 16;

  @TempDir Path folder;

  @BeforeEach
  void needsQemu() {
    Tool.assumeQemu();
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  private static List<Extent> map(DiskImage image) throws Exception {
    List<Extent> extents = new ArrayList<>();
    AllocationMap map = new AllocationMap(image);
    while (map.hasNext()) {
      extents.add(map.next());
    }
    return extents;
  }

  /** As qemu-img map prints it. */
  private static String json(Extent extent) {
    return "{ \"start\": %d, \"length\": %d, \"depth\": %d, \"present\": %b, \"zero\": %b, \"data\": %b%s}"
        .formatted(
            extent.offset(),
            extent.length(),
            extent.depth(),
            extent.content() != Content.UNALLOCATED,
            extent.isZero(),
            extent.content() == Content.DATA,
            extent.fileOffset() == Extent.NOWHERE ? "" : ", \"offset\": " + extent.fileOffset());
  }

  private void isAsQemuSays(String name, ImageFormat format) throws Exception {
    String qemu =
        Tool.ok("qemu-img", "map", "--output=json", "-f", format.label(), path(name).toString());
    try (DiskImage image = format.open(path(name), true)) {
      String lodge = String.join(",\n", map(image).stream().map(AllocationMapTest::json).toList());
      assertThat("[" + lodge + "]").isEqualTo(qemu.strip());
    }
  }

  @Test
  void aRawImageHasHoles() throws Exception {
    RawImage.create(path("raw"), 10 * CLUSTER + 512);
    isAsQemuSays("raw", ImageFormat.RAW);
    try (RawImage image = RawImage.open(path("raw"), false)) {
      image.write(CLUSTER, ByteBuffer.allocate(3 * CLUSTER));
      image.write(10 * CLUSTER, ByteBuffer.allocate(1));
      image.discard(2 * CLUSTER, CLUSTER);
      assertThat(map(image)).hasSize(6);
      assertThatThrownBy(() -> image.extent(10 * CLUSTER + 512))
          .isInstanceOf(IllegalArgumentException.class);
    }
    isAsQemuSays("raw", ImageFormat.RAW);
  }

  @Test
  void aQcow2ImageHasDataZeroesAndNothing() throws Exception {
    Qcow2Image.create(path("image"), Qcow2Options.ofSize(9 * CLUSTER + 512));
    isAsQemuSays("image", ImageFormat.QCOW2);
    try (Qcow2Image image = Qcow2Image.open(path("image"), false)) {
      image.write(CLUSTER + 1, ByteBuffer.allocate(3 * CLUSTER));
      image.writeZeroes(3 * CLUSTER, CLUSTER, false);
      image.writeZeroes(6 * CLUSTER, CLUSTER, true);
      image.write(9 * CLUSTER, ByteBuffer.allocate(1));
    }
    isAsQemuSays("image", ImageFormat.QCOW2);
  }

  @Test
  void whatIsBehindHasADepth() throws Exception {
    RawImage.create(path("raw"), 5 * CLUSTER + 1024);
    try (RawImage image = RawImage.open(path("raw"), false)) {
      image.write(CLUSTER, ByteBuffer.allocate(3 * CLUSTER));
    }
    Qcow2Image.create(
        path("middle"), Qcow2Options.ofSize(7 * CLUSTER).withBacking("raw", ImageFormat.RAW));
    Qcow2Image.create(
        path("top"), Qcow2Options.ofSize(9 * CLUSTER).withBacking("middle", ImageFormat.QCOW2));
    try (Qcow2Image middle = Qcow2Image.open(path("middle"), false)) {
      middle.write(2 * CLUSTER, ByteBuffer.allocate(CLUSTER));
    }
    try (Qcow2Image top = Qcow2Image.open(path("top"), false)) {
      top.writeZeroes(0, CLUSTER, true);
      top.write(8 * CLUSTER, ByteBuffer.allocate(CLUSTER));
      assertThat(map(top)).extracting(Extent::depth).containsExactly(0, 2, 1, 2, 2, 1, 0, 0);
    }
    isAsQemuSays("middle", ImageFormat.QCOW2);
    isAsQemuSays("top", ImageFormat.QCOW2);
  }

  @Test
  void compressedDataIsNowhere() throws Exception {
    RawImage.create(path("raw"), 4 * CLUSTER);
    try (RawImage image = RawImage.open(path("raw"), false)) {
      image.write(CLUSTER, ByteBuffer.allocate(CLUSTER).put(5, (byte) 5));
    }
    Tool.ok(
        "qemu-img",
        "convert",
        "-c",
        "-f",
        "raw",
        "-O",
        "qcow2",
        path("raw").toString(),
        path("small").toString());
    isAsQemuSays("small", ImageFormat.QCOW2);
  }
}
