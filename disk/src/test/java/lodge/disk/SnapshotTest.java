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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Snapshots and sizes are QEMU's as much as Lodge's. */
class SnapshotTest {
  private static final int SIZE = 1 << 20;

  @TempDir Path folder;
  private Qemu qemu;

  @BeforeAll
  static void needsQemu() throws Exception {
    Qemu.require();
  }

  @BeforeEach
  void enter() {
    qemu = new Qemu(folder);
  }

  private Qcow2Image open() throws IOException {
    return Qcow2Image.open(qemu.path("image"), false);
  }

  private void create(int clusterSize, int version) throws Exception {
    Qcow2Image.create(
        qemu.path("image"), new Qcow2Options(SIZE, clusterSize, version, false, null, null));
  }

  private static void fill(Qcow2Image image, byte[] model, int at, int length, int value)
      throws IOException {
    Arrays.fill(model, at, at + length, (byte) value);
    image.write(at, ByteBuffer.wrap(model, at, length));
  }

  @ParameterizedTest
  @CsvSource({"512, 3", "512, 2", "65536, 3", "65536, 2"})
  void whatLodgeKeepsQemuApplies(int clusterSize, int version) throws Exception {
    create(clusterSize, version);
    byte[] first = new byte[SIZE];
    byte[] second;
    byte[] third;
    try (Qcow2Image image = open()) {
      fill(image, first, 1000, 300_000, 1);
      image.createSnapshot("one");
      second = first.clone();
      fill(image, second, 200_000, 300_000, 2);
      image.createSnapshot("two");
      third = second.clone();
      fill(image, third, 0, 50_000, 3);
      image.discard(500_000 / 65536 * 65536, 65536);
      third = Exerciser.content(image, 0, SIZE);
      assertThat(image.snapshots()).extracting(Snapshot::name).containsExactly("one", "two");
      assertThat(image.snapshots()).extracting(Snapshot::id).containsExactly("1", "2");
    }
    qemu.assertSound("image");
    qemu.assertContent("image", third);
    assertThat(qemu.ok("qemu-img snapshot -l image")).contains("one").contains("two");
    qemu.ok("qemu-img snapshot -a one image");
    qemu.assertSound("image");
    qemu.assertContent("image", first);
    qemu.ok("qemu-img snapshot -d one image");
    qemu.ok("qemu-img snapshot -a two image");
    qemu.assertSound("image");
    qemu.assertContent("image", second);
    qemu.ok("qemu-img snapshot -d two image");
    qemu.assertSound("image");
    qemu.assertContent("image", second);
  }

  @ParameterizedTest
  @CsvSource({"512, 1.1", "4096, 0.10", "65536, 1.1"})
  void whatQemuKeepsLodgeApplies(int clusterSize, String compat) throws Exception {
    qemu.ok(
        "qemu-img create -q -f qcow2 -o cluster_size=%d,compat=%s image 1M"
            .formatted(clusterSize, compat));
    byte[] first = new byte[SIZE];
    Arrays.fill(first, 0, 400_384, (byte) 1);
    qemu.io("image", "write -P 1 0 400384");
    qemu.ok("qemu-img snapshot -c one image");
    byte[] second = first.clone();
    Arrays.fill(second, 300_032, 600_064, (byte) 2);
    qemu.io("image", "write -P 2 300032 300032");
    qemu.ok("qemu-img snapshot -c two image");
    byte[] third = second.clone();
    try (Qcow2Image image = open()) {
      assertThat(image.snapshots()).extracting(Snapshot::name).containsExactly("one", "two");
      assertThat(image.snapshots().getFirst().diskSize()).isEqualTo(SIZE);
      fill(image, third, 10_000, 700_000, 3);
    }
    qemu.assertSound("image");
    qemu.assertContent("image", third);
    try (Qcow2Image image = open()) {
      image.applySnapshot("one");
      assertThat(Exerciser.content(image, 0, SIZE)).isEqualTo(first);
      image.deleteSnapshot("1");
    }
    qemu.assertSound("image");
    qemu.assertContent("image", first);
    try (Qcow2Image image = open()) {
      image.applySnapshot("two");
      image.deleteSnapshot("two");
      assertThat(image.snapshots()).isEmpty();
    }
    qemu.assertSound("image");
    qemu.assertContent("image", second);
  }

  @Test
  void everySnapshotStaysWhatItWas() throws Exception {
    Random random = new Random(1);
    create(512, 3);
    byte[][] kept = new byte[5][];
    try (Qcow2Image image = Qcow2Image.open(qemu.path("image"), false, 2048)) {
      Exerciser exerciser = new Exerciser(new byte[SIZE], 512, random);
      for (int i = 0; i < kept.length; i++) {
        exerciser.steps(image, 100);
        image.createSnapshot("s" + i);
        kept[i] = exerciser.model.clone();
      }
      exerciser.steps(image, 100);
      exerciser.compare(image);
      for (int i : new int[] {3, 0, 4, 1, 2}) {
        image.applySnapshot("s" + i);
        assertThat(Exerciser.content(image, 0, SIZE)).isEqualTo(kept[i]);
        image.deleteSnapshot("s" + i);
        assertThat(Exerciser.content(image, 0, SIZE)).isEqualTo(kept[i]);
        new Exerciser(kept[i], 512, random).steps(image, 30);
      }
    }
    qemu.assertSound("image");
  }

  /** With clusters of 512 bytes, a block counts 256 of them; the table needs twice as many. */
  @Test
  void anL1TableMayBeLongerThanWhatARefcountBlockCounts() throws Exception {
    create(512, 3);
    try (Qcow2Image image = open()) {
      image.resize(1 << 30, false);
      image.write((1 << 30) - 512, ByteBuffer.wrap(new byte[] {1}));
      image.createSnapshot("one");
      image.write((1 << 30) - 512, ByteBuffer.wrap(new byte[] {2}));
      image.applySnapshot("one");
      assertThat(Exerciser.content(image, (1 << 30) - 512, 1)).containsExactly(1);
    }
    qemu.assertSound("image");
    assertThat(Files.size(qemu.path("image"))).isLessThan(4 << 20);
  }

  /** A name that is no text, times that are none, and a table that QEMU made. */
  @Test
  void entriesOfOthersStayByteForByte() throws Exception {
    qemu.ok("qemu-img create -q -f qcow2 image 1M && qemu-img snapshot -c one image");
    byte[] file = Files.readAllBytes(qemu.path("image"));
    int entry = (int) ByteBuffer.wrap(file).getLong(64);
    ByteBuffer.wrap(file).putInt(entry + 20, -1).putInt(entry + 32, 5);
    int name = entry + 40 + ByteBuffer.wrap(file).getInt(entry + 36) + 1;
    file[name] = (byte) 0xFF;
    Files.write(qemu.path("image"), file);
    byte[] stored = Arrays.copyOfRange(file, entry, name + 3);
    try (Qcow2Image image = open()) {
      image.createSnapshot("two");
      image.deleteSnapshot("2");
      image.createSnapshot("three");
      assertThat(image.snapshots()).extracting(Snapshot::name).containsExactly("\uFFFDne", "three");
    }
    file = Files.readAllBytes(qemu.path("image"));
    entry = (int) ByteBuffer.wrap(file).getLong(64);
    assertThat(Arrays.copyOfRange(file, entry, entry + stored.length)).isEqualTo(stored);
    qemu.assertSound("image");
  }

  @Test
  void whatCannotBeIsRefusedInOneLine() throws Exception {
    qemu.ok("qemu-img create -q -f qcow2 -o refcount_bits=1 image 1M");
    try (Qcow2Image image = open()) {
      image.write(0, ByteBuffer.allocate(100_000));
      assertThatThrownBy(() -> image.createSnapshot("one"))
          .hasMessageEndingWith("its refcount cannot be larger");
      assertThatThrownBy(() -> image.applySnapshot("one"))
          .hasMessage(
              qemu.path("image") + ": cannot apply the snapshot 'one': there is no such snapshot")
          .extracting("kind")
          .isEqualTo(Kind.REFUSED);
      assertThatThrownBy(() -> image.resize(512, false))
          .hasMessageEndingWith("cannot resize: the end of the disk would be lost");
    }
    qemu.assertSound("image");
    qemu.ok("qemu-img create -q -f qcow2 -o compat=0.10 image 1M");
    try (Qcow2Image image = open()) {
      image.createSnapshot("one");
      assertThatThrownBy(() -> image.createSnapshot("one"))
          .hasMessageEndingWith("there is such a snapshot already");
      assertThatThrownBy(() -> image.resize(2 * SIZE, false))
          .hasMessageEndingWith("version 2 keeps no sizes of its snapshots");
    }
  }

  @ParameterizedTest
  @CsvSource({"512, 3", "512, 2", "65536, 3"})
  void aDiskGrowsAndShrinks(int clusterSize, int version) throws Exception {
    create(clusterSize, version);
    byte[] model = new byte[SIZE];
    try (Qcow2Image image = open()) {
      fill(image, model, 0, SIZE, 1);
      image.resize(300_032, true);
      assertThat(image.size()).isEqualTo(300_032);
    }
    qemu.assertSound("image");
    qemu.assertContent("image", Arrays.copyOf(model, 300_032));
    model = Arrays.copyOf(Arrays.copyOf(model, 300_032), 40 << 20);
    try (Qcow2Image image = open()) {
      image.resize(40 << 20, false);
      assertThat(Exerciser.content(image, 0, 40 << 20)).isEqualTo(model);
      fill(image, model, 30 << 20, 100_000, 2);
    }
    qemu.assertSound("image");
    qemu.assertContent("image", model);
    qemu.ok("qemu-img resize -q --shrink image 2M");
    qemu.assertContent("image", Arrays.copyOf(model, 2 << 20));
  }

  @Test
  void snapshotsHaveTheirOwnSizes() throws Exception {
    create(65536, 3);
    byte[] model = new byte[SIZE];
    try (Qcow2Image image = open()) {
      fill(image, model, 500_000, 500_000, 1);
      image.createSnapshot("small");
      image.resize(3 * SIZE, false);
      image.createSnapshot("large");
      image.resize(SIZE / 2, true);
      image.applySnapshot("large");
      assertThat(image.size()).isEqualTo(3 * SIZE);
      image.applySnapshot("small");
      assertThat(Exerciser.content(image, 0, SIZE)).isEqualTo(model);
    }
    qemu.assertSound("image");
    qemu.ok("qemu-img snapshot -a large image");
    qemu.assertContent("image", Arrays.copyOf(model, 3 * SIZE));
  }

  @ParameterizedTest
  @CsvSource({"3", "2"})
  void whatALongerImageBehindHasDoesNotShowInNewSpace(int version) throws Exception {
    byte[] behind = new byte[3 * SIZE];
    Arrays.fill(behind, (byte) 7);
    Files.write(qemu.path("base"), behind);
    Qcow2Image.create(
        qemu.path("image"),
        new Qcow2Options(SIZE - 512, 65536, version, false, "base", ImageFormat.RAW));
    try (Qcow2Image image = open()) {
      image.resize(4 * SIZE, false);
    }
    byte[] model = new byte[4 * SIZE];
    Arrays.fill(model, 0, SIZE - 512, (byte) 7);
    qemu.assertSound("image");
    qemu.assertContent("image", model);
  }

  @Test
  void aRawDiskGrowsAndShrinks() throws Exception {
    Path path = qemu.path("raw");
    RawImage.create(path, SIZE);
    try (RawImage image = RawImage.open(path, false)) {
      image.write(SIZE - 512, ByteBuffer.wrap(new byte[] {1}));
      image.resize(2 * SIZE, false);
      assertThat(Exerciser.content(image, SIZE - 512, 2)).containsExactly(1, 0);
      assertThatThrownBy(() -> image.resize(SIZE, false)).isInstanceOf(DiskException.class);
      image.resize(SIZE, true);
      assertThat(image.size()).isEqualTo(SIZE);
    }
    assertThat(Files.size(path)).isEqualTo(SIZE);
  }
}
