package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import lodge.core.GuestMemory;
import lodge.devices.FakeClock;
import lodge.devices.virtio.DriverQueue.Piece;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The transport, with an entropy device and one with a configuration. */
class VirtioMmioTest {
  private static final long RING = 0x10_0000;
  private static final long DATA = 0x20_0000;
  private static final long FEATURES = Features.VERSION_1;

  private final GuestMemory memory = GuestMemory.allocate(4 << 20);
  private boolean line;
  private final VirtioMmio<VirtioRng.State> mmio =
      new VirtioMmio<>(
          memory, level -> line = level, new VirtioRng(new Random(1), new FakeClock()));
  private DriverQueue queue;

  @AfterEach
  void close() {
    memory.close();
  }

  private int read(int register) {
    return (int) mmio.read(register, 4);
  }

  private void write(int register, long value) {
    mmio.write(register, 4, value);
  }

  private void start() {
    write(0x70, 0);
    write(0x70, 3);
    for (int i = 0; i < 2; i++) {
      write(0x24, i);
      write(0x20, FEATURES >>> 32 * i);
    }
    write(0x70, 11);
    queue = DriverQueue.of(memory, RING, 8, FEATURES);
    write(0x30, 0);
    write(0x38, 8);
    long[] areas = {queue.layout.descriptors(), queue.layout.driver(), queue.layout.device()};
    for (int i = 0; i < 3; i++) {
      write(0x80 + 16 * i, areas[i]);
      write(0x84 + 16 * i, areas[i] >>> 32);
    }
    write(0x44, 1);
    write(0x70, 15);
  }

  private void ask() {
    queue.add(List.of(new Piece(DATA, 16, true)), false);
    write(0x50, 0);
  }

  @Test
  void theRegistersTellWhatItIs() {
    assertThat(read(0)).isEqualTo(0x7472_6976);
    assertThat(read(4)).isEqualTo(2);
    assertThat(read(8)).isEqualTo(4);
    assertThat(read(0x34)).as("largest queue").isEqualTo(64);
    write(0x30, 1);
    assertThat(read(0x34)).as("no such queue").isZero();
    write(0x14, 1);
    assertThat(read(0x10) & 1).as("VERSION_1").isEqualTo(1);
    assertThat(read(0xB0)).as("no shared memory").isEqualTo(-1);
    VirtioMmio<?> disk =
        new VirtioMmio<>(
            memory, _ -> {}, new VirtioBlk(new MemoryBackend(5120), "", 1, Runnable::run));
    assertThat(disk.read(0x100, 4)).isEqualTo(10);
    assertThat(disk.read(0x100 + 20, 2)).isEqualTo(512);
  }

  @Test
  void requestsAreServedAndInterrupt() {
    start();
    assertThat(read(0x70)).isEqualTo(15);
    assertThat(read(0x44)).isEqualTo(1);
    ask();
    assertThat(queue.poll().written()).isEqualTo(16);
    assertThat(line).isTrue();
    assertThat(read(0x60)).isEqualTo(1);
    write(0x64, 1);
    assertThat(line).isFalse();
    assertThat(read(0x60)).isZero();
  }

  @Test
  void aBrokenRingNeedsAReset() {
    start();
    queue.add(List.of(new Piece(-1L << 40, 16, true)), false);
    write(0x50, 0);
    assertThat(read(0x70) & 64).isEqualTo(64);
    assertThat(read(0x60)).as("configuration changed").isEqualTo(2);
    assertThat(mmio.errors()).containsOnlyKeys(QueueError.BUFFER_PLACE);
    start();
    assertThat(line).isFalse();
    ask();
    assertThat(queue.poll()).isNotNull();
  }

  @Test
  void aQueueThatIsNotReadyIsNotServed() {
    start();
    write(0x44, 0);
    assertThat(read(0x44)).isZero();
    ask();
    assertThat(queue.poll()).isNull();
  }

  @Test
  void savedStateBringsEverythingBack() {
    start();
    ask();
    assertThat(queue.poll()).isNotNull();
    VirtioMmio.State<VirtioRng.State> saved = mmio.state();
    mmio.reset();
    assertThat(line).isFalse();
    assertThat(read(0x70)).isZero();
    mmio.restore(saved);
    assertThat(mmio.state()).isEqualTo(saved);
    assertThat(line).isTrue();
    ask();
    assertThat(queue.poll()).isNotNull();
  }

  @Test
  void survivesAnyAccess() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try {
      for (int i = 0; i < 200_000; i++) {
        int offset = random.nextInt(3) == 0 ? random.nextInt(0x200) : random.nextInt(0x40) * 4;
        int size = 1 << random.nextInt(3);
        if (random.nextBoolean()) {
          mmio.read(offset, size);
        } else {
          mmio.write(offset, size, random.nextBoolean() ? random.nextInt(16) : random.nextInt());
        }
        if (random.nextInt(50) == 0) {
          start();
        }
      }
    } catch (RuntimeException e) {
      throw new AssertionError("seed " + seed, e);
    }
    start();
    ask();
    assertThat(queue.poll()).as("seed %d", seed).isNotNull();
  }
}
