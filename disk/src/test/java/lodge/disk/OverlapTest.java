package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several threads use one image at once, even one cluster, and each sees what it wrote. */
class OverlapTest {
  private static final int THREADS = 4;
  private static final int SECTOR = 512;
  private static final int SECTORS = 4096;
  private static final int STEPS = 3000;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void everyThreadSeesItsOwnWrites(int clusterSize) throws Exception {
    Path path = folder.resolve("image");
    Qcow2Image.create(path, new Qcow2Options(SECTORS * SECTOR, clusterSize, 3, false, null, null));
    try (Qcow2Image image = Qcow2Image.open(path, false, 3L * clusterSize);
        ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<?>> ends = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        int number = thread;
        ends.add(threads.submit(() -> use(image, number)));
      }
      for (Future<?> end : ends) {
        end.get();
      }
    }
    assertThat(Qcow2Image.check(path, Repair.NOTHING).problems()).isEmpty();
  }

  /** Every fourth sector belongs to one thread. */
  private static Void use(Qcow2Image image, int number) throws Exception {
    Random random = new Random(number);
    long[] model = new long[SECTORS];
    ByteBuffer sector = ByteBuffer.allocate(SECTOR);
    for (int step = 1; step <= STEPS; step++) {
      int at = random.nextInt(SECTORS / THREADS) * THREADS + number;
      switch (random.nextInt(8)) {
        case 0 -> {
          image.writeZeroes((long) at * SECTOR, SECTOR, random.nextBoolean());
          model[at] = 0;
        }
        case 1, 2, 3 -> {
          model[at] = (long) number << 32 | step;
          sector.clear().putLong(0, model[at]).putLong(SECTOR - Long.BYTES, model[at]);
          image.write((long) at * SECTOR, sector);
        }
        case 4 -> {
          if (random.nextInt(20) == 0) {
            image.flush();
          }
        }
        default -> {
          sector.clear();
          image.read((long) at * SECTOR, sector);
          assertThat(sector.getLong(0)).isEqualTo(model[at]);
          assertThat(sector.getLong(SECTOR - Long.BYTES)).isEqualTo(model[at]);
        }
      }
    }
    return null;
  }
}
