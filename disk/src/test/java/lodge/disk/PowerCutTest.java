package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The power fails at any moment while an image is written, kept in snapshots, resized, committed or
 * put before another: nothing is wrong with it then but leaks, for Lodge and for QEMU, and what was
 * flushed is there. {@code -Dlodge.fuzz.seed=N} does other things.
 */
class PowerCutTest {
  private static final long SEED = Long.getLong("lodge.fuzz.seed", 1);
  private static final int CUTS = 60;

  /** Of so many cuts QEMU looks at one. */
  private static final int QEMU_SHARE = 3;

  /** The exit status that says so, and that nothing else is wrong. */
  private static final int QEMU_FOUND_LEAKS = 3;

  private static final int BASE = 300 << 10;

  @TempDir(factory = MemoryFolder.class)
  Path folder;

  private Qemu qemu;
  private final Random random = new Random(SEED);
  private final PowerCuts host = new PowerCuts();
  private byte[] disk;

  @BeforeEach
  void needsQemu() throws Exception {
    Qemu.require();
    qemu = new Qemu(folder);
  }

  /** What there was after something was done. */
  private record Done(int moment, Map<String, byte[]> snapshots) {}

  @ParameterizedTest
  @CsvSource({"512, 3", "512, 2", "4096, 3", "65536, 3"})
  void duringSnapshotsAndResizing(int clusterSize, int version) throws Exception {
    byte[] base = newImage("base", BASE, 4096, 3, null);
    disk = Arrays.copyOf(base, 512 << 10);
    MemoryChannel channel = host.file("image", create("image", disk.length, clusterSize, version));
    FlushedContent flushed = new FlushedContent(disk);
    List<Done> done = new ArrayList<>();
    Map<String, byte[]> snapshots = new TreeMap<>();
    done.add(new Done(0, Map.of()));
    try (Qcow2Image image = open(channel, "image")) {
      for (int i = 0; i < 400; i++) {
        boolean durable = change(image, clusterSize, version, snapshots);
        flushed.has(disk);
        done.add(new Done(host.moments(), new TreeMap<>(snapshots)));
        if (durable) {
          flushed.flushed(host.moments());
        }
      }
    }
    for (int i = 0; i < CUTS; i++) {
      int moment = random.nextInt(host.moments() + 1);
      Files.write(qemu.path("image"), host.cut(moment, random).get("image"));
      flushed.check(moment, content("image"));
      assertSoundButForLeaks(i);
      int last = done.stream().filter(each -> each.moment <= moment).toList().size() - 1;
      checkSnapshots(done.subList(last, Math.min(last + 2, done.size())));
    }
  }

  /** Whether it is durable when it is done. */
  private boolean change(
      Qcow2Image image, int clusterSize, int version, Map<String, byte[]> snapshots)
      throws IOException {
    List<String> names = List.copyOf(snapshots.keySet());
    String name = names.isEmpty() ? null : names.get(random.nextInt(names.size()));
    switch (random.nextInt(32)) {
      case 0, 1 -> {
        String added = "s" + host.moments();
        image.createSnapshot(added);
        snapshots.put(added, disk.clone());
        return true;
      }
      case 2 -> {
        if (name != null) {
          image.applySnapshot(name);
          disk = snapshots.get(name).clone();
          return true;
        }
      }
      case 3 -> {
        if (name != null) {
          image.deleteSnapshot(name);
          snapshots.remove(name);
          return true;
        }
      }
      case 4, 5 -> {
        if (version == 3) {
          int size = random.nextInt(1, 1 << 11) * 512;
          image.resize(size, true);
          disk = Arrays.copyOf(disk, size);
          return true;
        }
      }
      case 6, 7 -> {
        image.flush();
        return true;
      }
      default -> new Exerciser(disk, clusterSize, random).steps(image, 1);
    }
    return false;
  }

  private void assertSoundButForLeaks(int number) throws Exception {
    CheckReport found = Qcow2Image.check(qemu.path("image"), Repair.NOTHING);
    assertThat(found.problems()).allMatch(line -> line.startsWith("Leaked cluster"));
    if (number % QEMU_SHARE == 0) {
      Tool result = qemu.run("qemu-img check -f qcow2 image");
      assertThat(result.status()).as(result.output()).isIn(0, QEMU_FOUND_LEAKS);
    }
  }

  /** Those there are have what they had, also when the disk is written without a repair. */
  private void checkSnapshots(List<Done> either) throws Exception {
    try (Qcow2Image image = Qcow2Image.open(qemu.path("image"), false)) {
      Set<String> names = new TreeSet<>(image.snapshots().stream().map(Snapshot::name).toList());
      Map<String, byte[]> snapshots =
          either.stream()
              .map(Done::snapshots)
              .filter(each -> each.keySet().equals(names))
              .findFirst()
              .orElseThrow();
      for (String name : names) {
        byte[] scribble = new byte[(int) image.size()];
        random.nextBytes(scribble);
        image.write(0, ByteBuffer.wrap(scribble));
        image.applySnapshot(name);
        assertThat(Exerciser.content(image, 0, (int) image.size())).isEqualTo(snapshots.get(name));
      }
    }
    assertThat(Qcow2Image.check(qemu.path("image"), Repair.LEAKS).isClean()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void duringACommit(int clusterSize) throws Exception {
    byte[] base = newImage("base", BASE, clusterSize, 3, null);
    disk = newImage("image", BASE * 3 / 2, clusterSize, 3, Arrays.copyOf(base, BASE * 3 / 2));
    MemoryChannel behind = host.file("base", Files.readAllBytes(qemu.path("base")));
    MemoryChannel front = host.file("image", Files.readAllBytes(qemu.path("image")));
    ImageFile file = new ImageFile(qemu.path("image"), front, false, null);
    try (Qcow2Image image = open(behind, "base")) {
      BackingChanges.commit(file, Qcow2Header.read(file), image, true);
    }
    showsTheSameAfterCuts();
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 400, 900})
  void duringARebase(int nameLength) throws Exception {
    for (int clusterSize : new int[] {512, 4096, 65536}) {
      if (nameLength > clusterSize / 2) {
        continue;
      }
      byte[] base = newImage("base", BASE, 4096, 3, null);
      String other = "./".repeat(nameLength / 2) + "other";
      newImage("other", 2 * BASE, 4096, 3, base);
      disk = newImage("image", BASE, clusterSize, 3, base);
      rebase(other);
      rebase("base");
      rebase(null);
      Files.delete(qemu.path("other"));
      Files.delete(qemu.path("base"));
      Files.delete(qemu.path("image"));
    }
  }

  /** Their headers do not end in the first sector. */
  @Test
  void duringARebaseOfAnImageThatQemuMade() throws Exception {
    byte[] base = newImage("base", BASE, 4096, 3, null);
    disk = base;
    qemu.ok("qemu-img create -f qcow2 -b base -F qcow2 image");
    String other = "./".repeat(100) + "other";
    newImage("other", BASE, 4096, 3, base);
    rebase(other);
    rebase(null);
    rebase(other);
  }

  private void rebase(String name) throws Exception {
    PowerCuts host = new PowerCuts();
    MemoryChannel channel = host.file("image", Files.readAllBytes(qemu.path("image")));
    try (Qcow2Image image = open(channel, "image");
        DiskImage behind = name == null ? null : Qcow2Image.open(qemu.path(name), true)) {
      BackingChanges.keepDifferences(image, behind);
    }
    ImageFile file = new ImageFile(qemu.path("image"), channel, false, null);
    BackingChanges.putBacking(file, name, ImageFormat.QCOW2);
    for (int moment = 0; moment <= host.moments(); moment++) {
      boolean late = moment > host.moments() - 8;
      if (late || random.nextInt(host.moments()) < CUTS / 4) {
        showsTheSame(host.cut(moment, random), moment);
      }
    }
    showsTheSame(host.cut(host.moments(), random), 0);
  }

  private void showsTheSameAfterCuts() throws Exception {
    for (int i = 0; i < CUTS; i++) {
      showsTheSame(host.cut(random.nextInt(host.moments() + 1), random), i);
    }
    showsTheSame(host.cut(host.moments(), random), 0);
  }

  private void showsTheSame(Map<String, byte[]> files, int number) throws Exception {
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Files.write(qemu.path(file.getKey()), file.getValue());
    }
    assertSoundButForLeaks(number);
    assertThat(Qcow2Image.check(qemu.path("base"), Repair.NOTHING).errors()).isZero();
    assertThat(content("image")).isEqualTo(disk);
    if (number % QEMU_SHARE == 0) {
      Files.write(qemu.path("expected"), disk);
      qemu.ok("qemu-img compare -f raw -F qcow2 expected image");
    }
  }

  /** Some content; what is behind, when there is something, is an image named base. */
  private byte[] newImage(String name, int size, int clusterSize, int version, byte[] behind)
      throws IOException {
    byte[] content = behind == null ? new byte[size] : Arrays.copyOf(behind, size);
    Qcow2Image.create(
        qemu.path(name),
        new Qcow2Options(
            size,
            clusterSize,
            version,
            false,
            behind == null ? null : "base",
            behind == null ? null : ImageFormat.QCOW2));
    try (Qcow2Image image = Qcow2Image.open(qemu.path(name), false)) {
      new Exerciser(content, clusterSize, random).steps(image, 60);
    }
    return content;
  }

  private byte[] create(String name, int size, int clusterSize, int version) throws IOException {
    Qcow2Image.create(
        qemu.path(name),
        new Qcow2Options(size, clusterSize, version, false, "base", ImageFormat.QCOW2));
    return Files.readAllBytes(qemu.path(name));
  }

  private Qcow2Image open(MemoryChannel channel, String name) throws IOException {
    ImageFile file = new ImageFile(qemu.path(name), channel, false, null);
    return new Qcow2Image(file, TableMemory.of(0), BackingChain.EMPTY);
  }

  private byte[] content(String name) throws IOException {
    try (Qcow2Image image = Qcow2Image.open(qemu.path(name), true)) {
      return Exerciser.content(image, 0, (int) image.size());
    }
  }
}
