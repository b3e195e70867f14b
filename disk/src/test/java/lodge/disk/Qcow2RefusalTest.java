package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import lodge.disk.DiskException.Kind;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that contradict themselves are told from those that Lodge does not know. */
class Qcow2RefusalTest {
  private static final int SIZE = 1 << 20;
  private static final int CLUSTER = 4096;

  @TempDir Path folder;
  private Path path;
  private byte[] sound;

  @BeforeEach
  void create() throws Exception {
    path = folder.resolve("image");
    Qcow2Image.create(path, new Qcow2Options(SIZE, CLUSTER, 3, false, null, null));
    try (Qcow2Image image = Qcow2Image.open(path, false)) {
      image.write(0, ByteBuffer.wrap(new byte[] {1, 2, 3}));
      image.write(SIZE - CLUSTER, ByteBuffer.allocate(CLUSTER).put(0, (byte) 1));
    }
    sound = Files.readAllBytes(path);
  }

  private DiskException refused(Consumer<ByteBuffer> damage) throws IOException {
    byte[] image = sound.clone();
    damage.accept(ByteBuffer.wrap(image));
    Files.write(path, image);
    return catchThrowableOfType(
        DiskException.class,
        () -> {
          try (Qcow2Image opened = Qcow2Image.open(path, false)) {
            Exerciser.content(opened, 0, SIZE);
          }
        });
  }

  private void refused(Kind kind, String reason, Consumer<ByteBuffer> damage) throws IOException {
    DiskException refusal = refused(damage);
    assertThat(refusal).isNotNull();
    assertThat(refusal.getMessage()).startsWith(path + ": cannot ").endsWith(": " + reason);
    assertThat(refusal.getMessage().lines()).hasSize(1);
    assertThat(refusal.kind()).isEqualTo(kind);
    assertThat(refusal.path()).isEqualTo(path);
  }

  private void corrupt(String reason, Consumer<ByteBuffer> damage) throws IOException {
    refused(Kind.CORRUPT, reason, damage);
  }

  private void unsupported(String what, Consumer<ByteBuffer> damage) throws IOException {
    refused(Kind.UNSUPPORTED, "it needs what Lodge lacks: " + what, damage);
  }

  @Test
  void anUnharmedImageIsNotRefused() throws Exception {
    assertThat(refused(_ -> {})).isNull();
    assertThat(Qcow2Image.check(path, Repair.NOTHING).isClean()).isTrue();
  }

  @Test
  void otherFormatsAndVersionsAreRefused() throws Exception {
    refused(Kind.WRONG_FORMAT, "it is no qcow2 image", b -> b.putInt(0, 0x4B444D56));
    unsupported("version 1 of the format", b -> b.putInt(4, 1));
    unsupported("version 4294967295 of the format", b -> b.putInt(4, -1));
  }

  @Test
  void featuresAreRefusedByName() throws Exception {
    unsupported("feature bit 62, feature bit 63", b -> b.putLong(72, 3L << 62));
    corrupt("subclusters of less than 512 bytes", b -> b.putLong(72, 1 << 4));
    corrupt("the data file has no name", b -> b.putLong(72, 1 << 2));
    unsupported(
        "flux capacitor",
        b ->
            b.putLong(72, 1 << 7)
                .putInt(104, 0x6803F857)
                .putInt(108, 48)
                .put(113, (byte) 7)
                .put(114, "flux capacitor".getBytes(StandardCharsets.UTF_8)));
    unsupported(
        "compression type 2", b -> b.putLong(72, 1 << 3).putInt(100, 112).put(104, (byte) 2));
    corrupt("compression type 0, which contradicts the features", b -> b.putLong(72, 1 << 3));
    unsupported("encryption", b -> b.putInt(32, 1));
    corrupt("the snapshot table is not at a cluster", b -> b.putInt(60, 1));
    corrupt("4294967295 snapshots", b -> b.putInt(60, -1));
    corrupt("it is marked as corrupt: not for writing", b -> b.putLong(72, 2));
  }

  @Test
  void sizesThatMakeNoSenseAreRefused() throws Exception {
    corrupt("clusters of 2^8 bytes", b -> b.putInt(20, 8));
    corrupt("clusters of 2^22 bytes", b -> b.putInt(20, 22));
    corrupt("clusters of 2^4294967295 bytes", b -> b.putInt(20, -1));
    corrupt("a header of 96 bytes", b -> b.putInt(100, 96));
    corrupt("a header of 4294967288 bytes", b -> b.putInt(100, -8));
    corrupt("refcounts wider than 64 bits", b -> b.putInt(96, 7));
    corrupt("a size of 18446744073709551615 bytes", b -> b.putLong(24, -1));
    corrupt("the L1 table is too small for the size", b -> b.putLong(24, Long.MAX_VALUE));
    corrupt("an L1 table of 4194305 entries", b -> b.putInt(36, 4194305));
    corrupt("an L1 table of 4294967295 entries", b -> b.putInt(36, -1));
    corrupt("a refcount table of 0 clusters", b -> b.putInt(56, 0));
    corrupt("a refcount table of 4294967295 clusters", b -> b.putInt(56, -1));
    corrupt("a header extension is too long", b -> b.putInt(104, 1).putInt(108, -1));
    corrupt("a header extension is too long", b -> b.putInt(104, 1).putInt(108, 4096));
  }

  @Test
  void tablesAreInTheFileAndDoNotOverlap() throws Exception {
    corrupt("the L1 table is not at a cluster", b -> b.putLong(40, 0x3200));
    corrupt("the L1 table overlaps the header", b -> b.putLong(40, 0));
    corrupt("the L1 table overlaps the refcount table", b -> b.putLong(40, b.getLong(48)));
    corrupt("the L1 table goes past the end of the file", b -> b.putLong(40, 1L << 40));
    corrupt("the L1 table goes past the end of the file", b -> b.putLong(40, -4096));
    corrupt("the refcount table goes past the end of the file", b -> b.putLong(48, 1L << 62));
  }

  @Test
  void truncatedFilesAreRefused() throws Exception {
    for (int length = 4; length < sound.length; length += length < 200 ? 1 : 777) {
      Files.write(path, Arrays.copyOf(sound, length));
      int cut = length;
      DiskException refusal =
          catchThrowableOfType(
              DiskException.class,
              () -> {
                try (Qcow2Image image = Qcow2Image.open(path, true)) {
                  Exerciser.content(image, 0, SIZE);
                }
              });
      if (cut <= sound.length - CLUSTER) {
        assertThat(refusal).as("cut to %d", cut).isNotNull();
      }
    }
  }

  @Test
  void entriesPointToPlacesForThem() throws Exception {
    int l1 = (int) ByteBuffer.wrap(sound).getLong(40);
    int l2 = (int) ByteBuffer.wrap(sound).getLong(l1) & 0x7FFF_FFFF;
    corrupt("it is no place for one", b -> b.putLong(l1, b.getLong(l1) | 1));
    corrupt("it is no place for one", b -> b.putLong(l1, b.getLong(l1) | 512));
    corrupt("it is no place for one", b -> b.putLong(l1, L2Entry.COPIED | l1));
    corrupt("an L2 table goes past the end of the file", b -> b.putLong(l1, 1L << 40));
    corrupt("an entry has reserved bits", b -> b.putLong(l2, b.getLong(l2) | 1L << 56));
    corrupt("it is past the end of the file", b -> b.putLong(l2, L2Entry.COPIED | 1L << 40));
    corrupt("it is no place for one", b -> b.putLong(l2, b.getLong(l2) | 512));
    corrupt("a cluster is past the end of the file", b -> b.putLong(l2, 1L << 62 | 1L << 40));
    corrupt("the data is damaged", b -> b.putLong(l2, 1L << 62 | l1 + 8).put(l1 + 8, (byte) 7));
    corrupt("the data is too short", b -> b.putLong(l2, 1L << 62 | l1 + 8).put(l1 + 8, (byte) 3));
  }

  @Test
  void dataNeverGoesOverMetadata() throws Exception {
    int l1 = (int) ByteBuffer.wrap(sound).getLong(40);
    int table = (int) ByteBuffer.wrap(sound).getLong(48);
    int block = (int) ByteBuffer.wrap(sound).getLong(table);
    int l2 = (int) ByteBuffer.wrap(sound).getLong(l1);
    for (int place : new int[] {l1, table, block, l2}) {
      byte[] image = sound.clone();
      ByteBuffer.wrap(image).putLong(l2, L2Entry.COPIED | place);
      Files.write(path, image);
      try (Qcow2Image opened = Qcow2Image.open(path, false)) {
        assertThatThrownBy(() -> opened.write(0, ByteBuffer.allocate(512)))
            .hasMessageStartingWith(path + ": cannot write at 0x" + Integer.toHexString(place))
            .hasMessageEndingWith(" is there");
        assertThatThrownBy(() -> opened.write(SIZE / 2, ByteBuffer.allocate(512)))
            .hasMessageEndingWith("it is marked as corrupt: not for writing");
      }
      ByteBuffer.wrap(image).putLong(72, Qcow2Header.CORRUPT);
      assertThat(Files.readAllBytes(path)).isEqualTo(image);
    }
  }

  @Test
  void tablesThatCountAsFreeAreNotAllocated() throws Exception {
    int block = (int) ByteBuffer.wrap(sound).getLong((int) ByteBuffer.wrap(sound).getLong(48));
    byte[] image = sound.clone();
    ByteBuffer.wrap(image).putShort(block + 2, (short) 0);
    Files.write(path, image);
    try (Qcow2Image opened = Qcow2Image.open(path, false)) {
      assertThatThrownBy(() -> opened.write(SIZE / 2, ByteBuffer.allocate(512)))
          .hasMessageEndingWith("the refcount table counts as free");
    }
    refused(Kind.CORRUPT, "it is marked as corrupt: not for writing", b -> b.putLong(72, 2));
  }

  @Test
  void backingFilesAreNeverGuessed() throws Exception {
    Consumer<ByteBuffer> named =
        b -> b.putLong(8, 1024).putInt(16, 4).put(1024, new byte[] {'b', 'a', 's', 'e'});
    refused(Kind.BACKING, "the image does not say its format", named);
    Consumer<ByteBuffer> raw = named.andThen(b -> format(b, "raw"));
    refused(Kind.BACKING, "'" + folder.resolve("base") + "' cannot be found", raw);
    refused(Kind.UNSUPPORTED, "its format is 'qed'", named.andThen(b -> format(b, "qed")));
    refused(
        Kind.UNSUPPORTED,
        "'nbd:' names no file",
        raw.andThen(b -> b.put(1024, "nbd:".getBytes(StandardCharsets.UTF_8))));
    refused(Kind.BACKING, "'bse' is no file's name", raw.andThen(b -> b.put(1025, (byte) 0)));
    corrupt("a backing file's name of 1024 bytes", named.andThen(b -> b.putInt(16, 1024)));
    corrupt(
        "the backing file's name is outside of the first cluster",
        named.andThen(b -> b.putLong(8, 4094)));
  }

  private static void format(ByteBuffer bytes, String name) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    bytes.putInt(104, 0xE2792ACA).putInt(108, text.length).put(112, text);
  }

  @Test
  void loopsOfBackingFilesAreRefused() throws Exception {
    Path other = folder.resolve("othr");
    Qcow2Image.create(other, new Qcow2Options(SIZE, CLUSTER, 3, false, "image", ImageFormat.QCOW2));
    refused(
        Kind.BACKING,
        "'" + folder.resolve("image") + "' is in front of it already",
        b -> {
          b.putLong(8, 1024).putInt(16, 5).put(1024, new byte[] {'i', 'm', 'a', 'g', 'e'});
          format(b, "qcow2");
        });
    assertThatThrownBy(() -> Qcow2Image.open(other, true)).isInstanceOf(DiskException.class);
  }

  @Test
  void randomDamageIsNeverWorseThanAnException() throws Exception {
    long seed = Long.getLong("lodge.fuzz.seed", System.nanoTime() & 0xFFFF_FFFFL);
    System.out.println("Qcow2RefusalTest: -Dlodge.fuzz.seed=" + seed);
    Random random = new Random(seed);
    int refusals = 0;
    for (int round = 0; round < 1000; round++) {
      byte[] image = sound.clone();
      ByteBuffer bytes = ByteBuffer.wrap(image);
      int damages = random.nextInt(1, 4);
      for (int i = 0; i < damages; i++) {
        int at = random.nextBoolean() ? random.nextInt(112) : random.nextInt(image.length / 8) * 8;
        long value = random.nextLong() >>> random.nextInt(64);
        switch (random.nextInt(3)) {
          case 0 -> image[at] = (byte) value;
          case 1 -> bytes.putLong(at, value << 12);
          default -> bytes.putLong(at, (value & 0xFFFF) | 1L << 62);
        }
      }
      try (Qcow2Image opened =
          new Qcow2Image(inMemory(image), TableMemory.of(1 << 16), BackingChain.EMPTY)) {
        int size = (int) Math.min(opened.size(), SIZE);
        opened.writeZeroes(0, size, true);
        opened.write(size / 2, ByteBuffer.allocate(size / 3));
        opened.discard(0, size);
        Exerciser.content(opened, 0, size);
      } catch (DiskException _) {
        refusals++;
      }
      try {
        Qcow2Image.check(inMemory(image), Repair.ALL);
      } catch (DiskException _) {
        refusals++;
      }
    }
    assertThat(refusals).isPositive();
  }

  private ImageFile inMemory(byte[] image) throws IOException {
    return new ImageFile(path, new MemoryChannel(image), false, null);
  }
}
