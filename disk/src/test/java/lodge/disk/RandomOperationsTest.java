package lodge.disk;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever is done to an image in whatever order, by Lodge and by QEMU in turns, it stays sound and
 * both see what a simple model has. {@code -Dlodge.fuzz.seconds=N} goes on for longer.
 */
class RandomOperationsTest {
  private static final int ROUNDS = 3;
  private static final long NANOSECONDS = Long.getLong("lodge.fuzz.seconds", 0) * 1_000_000_000;
  private static final int STEPS = 200;
  private static final int LARGEST = 3 << 20;

  @TempDir Path folder;
  private Qemu qemu;
  private Random random;
  private int clusterSize;
  private boolean resizes;

  /** What the disk and each snapshot have. */
  private byte[] disk;

  private final Map<String, byte[]> snapshots = new TreeMap<>();

  private int bases;
  private int names;
  private long operations;

  @BeforeAll
  static void needsQemu() throws Exception {
    Qemu.require();
  }

  @ParameterizedTest
  @CsvSource({"512, 3", "4096, 2", "65536, 3"})
  void bothSeeTheSame(int clusterSize, int version) throws Exception {
    long seed = Long.getLong("lodge.fuzz.seed", 20);
    System.out.println("RandomOperationsTest: -Dlodge.fuzz.seed=" + seed);
    qemu = new Qemu(folder);
    random = new Random(seed);
    this.clusterSize = clusterSize;
    resizes = version == 3;
    disk = new byte[1 << 20];
    byte[] behind = newBase();
    System.arraycopy(behind, 0, disk, 0, Math.min(behind.length, disk.length));
    Qcow2Image.create(
        qemu.path("image"),
        new Qcow2Options(disk.length, clusterSize, version, false, baseName(), ImageFormat.QCOW2));
    long start = System.nanoTime();
    for (int round = 0; round < ROUNDS || System.nanoTime() - start < NANOSECONDS; round++) {
      try (Qcow2Image image =
          Qcow2Image.open(qemu.path("image"), false, (long) clusterSize << random.nextInt(6))) {
        for (int step = 0; step < STEPS; step++) {
          step(image);
          operations++;
        }
      }
      compare();
      qemuStep();
      moveBase();
      compare();
    }
    System.out.println("RandomOperationsTest: " + operations + " operations");
  }

  private void compare() throws Exception {
    qemu.assertSound("image");
    qemu.assertContent("image", disk);
  }

  private String baseName() {
    return "base" + bases;
  }

  /** A new image to be behind. */
  private byte[] newBase() throws Exception {
    bases++;
    byte[] content = new byte[random.nextInt(1, LARGEST / 512) * 512];
    Qcow2Image.create(qemu.path(baseName()), Qcow2Options.ofSize(content.length));
    try (Qcow2Image base = Qcow2Image.open(qemu.path(baseName()), false)) {
      new Exerciser(content, 65536, random).steps(base, 20);
    }
    return content;
  }

  private void step(Qcow2Image image) throws IOException {
    switch (random.nextInt(40)) {
      case 0, 1 -> {
        String name = "s" + names++;
        image.createSnapshot(name);
        snapshots.put(name, disk.clone());
      }
      case 2 -> {
        if (!snapshots.isEmpty()) {
          String name = anySnapshot();
          image.applySnapshot(name);
          disk = snapshots.get(name).clone();
        }
      }
      case 3, 4 -> {
        if (!snapshots.isEmpty()) {
          String name = anySnapshot();
          image.deleteSnapshot(name);
          snapshots.remove(name);
        }
      }
      case 5 -> {
        if (resizes) {
          int size = random.nextInt(1, LARGEST / 512) * 512;
          image.resize(size, true);
          disk = Arrays.copyOf(disk, size);
        }
      }
      default -> new Exerciser(disk, clusterSize, random).steps(image, 1);
    }
  }

  private String anySnapshot() {
    List<String> all = new ArrayList<>(snapshots.keySet());
    return all.get(random.nextInt(all.size()));
  }

  private void qemuStep() throws Exception {
    int at = random.nextInt(disk.length / 512) * 512;
    int length = Math.min(random.nextInt(1, 300) * 512, disk.length - at);
    switch (random.nextInt(4)) {
      case 0 -> {
        String name = "q" + names++;
        qemu.ok("qemu-img snapshot -c " + name + " image");
        snapshots.put(name, disk.clone());
      }
      case 1 -> {
        if (!snapshots.isEmpty()) {
          String name = anySnapshot();
          qemu.ok("qemu-img snapshot -a " + name + " image");
          disk = snapshots.get(name).clone();
          qemu.ok("qemu-img snapshot -d " + name + " image");
          snapshots.remove(name);
        }
      }
      case 2 -> {
        qemu.io("image", "write -z -u " + at + " " + length);
        Arrays.fill(disk, at, at + length, (byte) 0);
      }
      default -> {
        qemu.io("image", "write -P 90 " + at + " " + length);
        Arrays.fill(disk, at, at + length, (byte) 90);
      }
    }
  }

  /** Snapshots show what is behind as well, so it changes only when there are none. */
  private void moveBase() throws Exception {
    if (random.nextInt(3) == 0) {
      return;
    }
    try (Qcow2Image image = Qcow2Image.open(qemu.path("image"), false)) {
      for (String name : List.copyOf(snapshots.keySet())) {
        image.deleteSnapshot(name);
      }
    }
    snapshots.clear();
    if (random.nextBoolean()) {
      Qcow2Image.commit(qemu.path("image"), true);
      qemu.assertSound(baseName());
    } else {
      newBase();
      Qcow2Image.rebase(qemu.path("image"), baseName(), ImageFormat.QCOW2);
    }
  }
}
