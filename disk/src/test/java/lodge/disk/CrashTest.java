package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import lodge.disk.MemoryChannel.Write;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The host stops at any moment: what was written since the last flush is there in part. */
class CrashTest {
  private static final int SECTOR = 512;
  private static final int MARK = 1 << 20;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"512, 3, 16", "512, 3, 64", "512, 2, 16", "4096, 3, 16", "65536, 3, 16"})
  void atWorstClustersAreLeaked(int clusterSize, int version, int refcountBits) throws Exception {
    long seed = Long.getLong("lodge.fuzz.seed", System.nanoTime() & 0xFFFF_FFFFL);
    System.out.println("CrashTest: -Dlodge.fuzz.seed=" + seed);
    Random random = new Random(seed);
    Path path = folder.resolve("image");
    int size = 4 << 20;
    Qcow2Image.create(path, new Qcow2Options(size, clusterSize, version, false, null, null));
    byte[] empty = Files.readAllBytes(path);
    if (refcountBits == 64) {
      widenRefcounts(empty, clusterSize);
    }
    MemoryChannel channel = new MemoryChannel(empty);
    byte[] filled = new byte[5 << 19];
    random.nextBytes(filled);
    byte[] model = Arrays.copyOf(filled, size);
    try (Qcow2Image image =
        new Qcow2Image(file(path, channel), TableMemory.of(0), BackingChain.EMPTY)) {
      image.write(0, ByteBuffer.wrap(filled));
      new Exerciser(model, clusterSize, random).steps(image, 300);
    }

    List<List<Write>> epochs = channel.epochs;
    MemoryChannel durable = new MemoryChannel(empty);
    int done = 0;
    for (int stop = 0; stop < epochs.size(); stop += random.nextInt(1, 2 + epochs.size() / 80)) {
      for (; done < stop; done++) {
        epochs.get(done).forEach(durable::apply);
      }
      ImageFile stopped = file(path, partly(durable.content(), epochs.get(stop), random));
      CheckReport report = Qcow2Image.check(stopped, Repair.LEAKS);
      assertThat(report.problems()).noneMatch(problem -> problem.startsWith("ERROR"));
      assertThat(report.isClean()).isTrue();
      assertThat(Qcow2Image.check(stopped, Repair.NOTHING).leaks()).isZero();
    }
  }

  private static ImageFile file(Path path, MemoryChannel channel) throws Exception {
    return new ImageFile(path, channel, false, null);
  }

  /** Each sector of each write is there or not. */
  private static MemoryChannel partly(byte[] before, List<Write> writes, Random random) {
    MemoryChannel channel = new MemoryChannel(before);
    int share = random.nextInt(1, 5);
    for (Write write : writes) {
      for (int at = 0; at < write.bytes().length; at += SECTOR) {
        if (random.nextInt(4) < share) {
          int end = Math.min(at + SECTOR, write.bytes().length);
          byte[] piece = Arrays.copyOfRange(write.bytes(), at, end);
          channel.apply(new Write(write.offset() + at, piece));
        }
      }
    }
    return channel;
  }

  /** With counts of 64 bits the refcount table has to grow after 2 MiB. */
  private static void widenRefcounts(byte[] image, int clusterSize) {
    ByteBuffer bytes = ByteBuffer.wrap(image).putInt(96, 6);
    int block = (int) bytes.getLong((int) bytes.getLong(48));
    bytes.put(block, new byte[clusterSize]);
    for (int i = 0; i < image.length / clusterSize; i++) {
      bytes.putLong(block + i * Long.BYTES, 1);
    }
  }

  @Test
  void whatWasFlushedIsThere() throws Exception {
    Path path = folder.resolve("image");
    Qcow2Image.create(path, Qcow2Options.ofSize(8 << 20));
    byte[] content = Files.readAllBytes(path);
    MemoryChannel channel = new MemoryChannel(content);
    MemoryChannel durable = new MemoryChannel(content);
    try (Qcow2Image image =
        new Qcow2Image(file(path, channel), TableMemory.of(MARK), BackingChain.EMPTY)) {
      image.write(MARK, ByteBuffer.wrap(new byte[] {1, 2, 3}));
      image.flush();
      for (List<Write> epoch : channel.epochs) {
        epoch.forEach(durable::apply);
      }
      assertThat(channel.epochs.getLast()).isEmpty();
    }
    Files.write(path, durable.content());
    try (Qcow2Image image = Qcow2Image.open(path, true)) {
      assertThat(Exerciser.content(image, MARK, 4)).containsExactly(1, 2, 3, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void snapshotsAreThereOrNotButNeverDamaged(int clusterSize) throws Exception {
    Path path = folder.resolve("image");
    int size = 1 << 20;
    Qcow2Image.create(path, new Qcow2Options(size, clusterSize, 3, false, null, null));
    byte[] empty = Files.readAllBytes(path);
    MemoryChannel channel = new MemoryChannel(empty);
    Random random = new Random(1);
    Exerciser exerciser = new Exerciser(new byte[size], clusterSize, random);
    byte[] one;
    byte[] two;
    try (Qcow2Image image =
        new Qcow2Image(file(path, channel), TableMemory.of(0), BackingChain.EMPTY)) {
      exerciser.steps(image, 30);
      one = exerciser.model.clone();
      image.createSnapshot("one");
      exerciser.steps(image, 30);
      two = exerciser.model.clone();
      image.createSnapshot("two");
      image.applySnapshot("one");
      image.deleteSnapshot("two");
      image.resize(3 * size, false);
      image.applySnapshot("one");
      image.deleteSnapshot("one");
    }
    MemoryChannel durable = new MemoryChannel(empty);
    int seen = 0;
    for (List<Write> epoch : channel.epochs) {
      MemoryChannel stopped = partly(durable.content(), epoch, random);
      CheckReport report = Qcow2Image.check(file(path, stopped), Repair.LEAKS);
      assertThat(report.isClean()).as(report.text()).isTrue();
      try (Qcow2Image image =
          new Qcow2Image(file(path, stopped), TableMemory.of(0), BackingChain.EMPTY)) {
        for (Snapshot snapshot : image.snapshots()) {
          image.applySnapshot(snapshot.name());
          byte[] kept = snapshot.name().equals("one") ? one : two;
          assertThat(Exerciser.content(image, 0, size)).isEqualTo(kept);
          seen++;
        }
      }
      epoch.forEach(durable::apply);
    }
    assertThat(seen).isPositive();
  }
}
