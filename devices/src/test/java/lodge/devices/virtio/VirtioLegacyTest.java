package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.devices.virtio.DriverQueue.Piece;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A disk under a driver from before virtio 1.0. */
@Timeout(30)
class VirtioLegacyTest {
  private static final long RING = 0x10_0000;
  private static final long HEADER = 0x20_0000;
  private static final long DATA = 0x20_1000;
  private static final int SECTORS = 64;
  private static final long EVENT_IDX = Features.EVENT_IDX;

  private final GuestMemory memory = GuestMemory.allocate(4 << 20);
  private final PortBus ports = new PortBus();
  private final MmioBus mmio = new MmioBus();
  private final MemoryBackend disk = new MemoryBackend(SECTORS * 512);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private boolean line;
  private VirtioPci<VirtioBlk.State> pci = function(Runnable::run);
  private LegacyDriver driver = new LegacyDriver(pci, ports);

  private VirtioPci<VirtioBlk.State> function(Executor executor) {
    return new VirtioPci<>(
        memory,
        mmio,
        ports,
        level -> line = level,
        (_, _, _, _, _, _) -> {},
        new VirtioBlk(disk, "old", 2, executor));
  }

  @AfterEach
  void close() {
    threads.shutdownNow();
    memory.close();
  }

  private SplitDriver start(long features) {
    driver.negotiate(features);
    SplitDriver queue = driver.enable(memory, 0, RING, features);
    driver.run();
    return queue;
  }

  /** Reads a sector into {@link #DATA}. */
  private int read(SplitDriver queue, int sector) {
    memory.putInt(HEADER, 0);
    memory.putLong(HEADER + 8, sector);
    int token =
        queue.add(
            List.of(
                new Piece(HEADER, 16, false),
                new Piece(DATA, 512, true),
                new Piece(DATA + 512, 1, true)),
            false);
    driver.out(LegacyDriver.NOTIFY, 2, 0);
    return token;
  }

  @Test
  void theFunctionIsTransitional() {
    assertThat(pci.read(0, 4)).isEqualTo(0x1001_1AF4);
    assertThat(pci.read(8, 1)).as("revision").isZero();
    assertThat(pci.read(0x2C, 4)).as("the type").isEqualTo(0x0002_1AF4);
    pci.write(0x10, 4, -1);
    assertThat(pci.read(0x10, 4)).as("128 ports").isEqualTo(-128 | 1);
    assertThat(new PciDriver(pci, mmio).offered() & Features.VERSION_1).isNotZero();
  }

  @Test
  void featuresAreTheLow32Ones() {
    long offered = new VirtioBlk(disk, "", 2, Runnable::run).features();
    assertThat(driver.in(LegacyDriver.FEATURES, 4)).isEqualTo((int) offered);
    driver.negotiate(EVENT_IDX | 1);
    assertThat(driver.in(LegacyDriver.ACCEPTED, 4))
        .as("none that is not offered")
        .isEqualTo((int) EVENT_IDX);
  }

  @Test
  void requestsAreServedAndInterruptByIsr() {
    for (long features : new long[] {0, EVENT_IDX, EVENT_IDX | Features.INDIRECT_DESC}) {
      SplitDriver queue = start(features);
      disk.bytes[5 * 512] = 42;
      int token = read(queue, 5);
      assertThat(queue.poll()).isEqualTo(new Used(token, 513));
      assertThat(memory.getByte(DATA)).isEqualTo((byte) 42);
      assertThat(line).isTrue();
      assertThat(driver.in(LegacyDriver.ISR, 1)).isEqualTo(1);
      assertThat(driver.in(LegacyDriver.ISR, 1)).isZero();
      assertThat(line).isFalse();
      assertThat(driver.in(LegacyDriver.STATUS, 1)).isEqualTo(7);
    }
  }

  @Test
  void aQueueMayBeUsedBeforeTheDriverSaysThatItIsReady() {
    driver.negotiate(0);
    SplitDriver queue = driver.enable(memory, 0, RING, 0);
    int token = read(queue, 1);
    assertThat(queue.poll()).isEqualTo(new Used(token, 513));
  }

  @Test
  void theDeviceReachesMemoryThoughTheDriverForgotToAllowIt() {
    assertThat(pci.read(4, 2)).isEqualTo(1);
    driver.negotiate(0);
    assertThat(pci.read(4, 2)).as("bus master").isEqualTo(5);
  }

  @Test
  void queuesTellTheirSizeAndTheirPage() {
    driver.negotiate(0);
    assertThat(driver.in(LegacyDriver.ADDRESS, 4)).isZero();
    driver.enable(memory, 1, RING, 0);
    assertThat(driver.in(LegacyDriver.ADDRESS, 4)).isEqualTo((int) (RING >> 12));
    assertThat(driver.in(LegacyDriver.SIZE, 2)).isEqualTo(256);
    assertThat(driver.in(LegacyDriver.SELECT, 2)).isEqualTo(1);
    driver.out(LegacyDriver.ADDRESS, 4, 0);
    assertThat(driver.in(LegacyDriver.ADDRESS, 4)).isZero();
    driver.out(LegacyDriver.SELECT, 2, 2);
    assertThat(driver.in(LegacyDriver.SIZE, 2)).as("there are two").isZero();
    driver.out(LegacyDriver.ADDRESS, 4, 1);
    driver.out(LegacyDriver.SELECT, 2, 0xFFFF);
    assertThat(driver.in(LegacyDriver.ADDRESS, 4)).isZero();
  }

  @Test
  void theConfigurationMovesBehindTheVectors() {
    assertThat(driver.in(20, 4)).as("capacity").isEqualTo(SECTORS);
    assertThat(driver.in(20 + 34, 2)).as("queues").isEqualTo(2);
    driver.out(20 + 32, 1, 0);
    assertThat(driver.in(20 + 32, 1)).as("write back").isZero();
    driver.enableMsix();
    assertThat(driver.in(24, 4)).isEqualTo(SECTORS);
    driver.out(20, 2, 1);
    driver.out(22, 2, 2);
    assertThat(driver.in(20, 2)).isEqualTo(1);
    assertThat(driver.in(22, 2)).isEqualTo(2);
    driver.out(22, 2, 3);
    assertThat(driver.in(22, 2)).as("no such vector").isEqualTo(0xFFFF);
  }

  @Test
  void aResetIsDoneWhenTheWriteIs() throws Exception {
    pci.reset();
    pci = function(threads);
    driver = new LegacyDriver(pci, ports);
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    disk.beforeRead =
        () -> {
          reading.countDown();
          try {
            goOn.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        };
    SplitDriver queue = start(0);
    read(queue, 0);
    reading.await();
    Thread processor = Thread.ofPlatform().start(() -> driver.out(LegacyDriver.STATUS, 1, 0));
    while (processor.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    goOn.countDown();
    processor.join();
    assertThat(driver.in(LegacyDriver.STATUS, 1)).isZero();
    assertThat(driver.in(LegacyDriver.ADDRESS, 4)).isZero();
    assertThat(queue.poll()).as("nothing is given back after a reset").isNull();
  }

  @Test
  void aModernDriverIsNotTakenForALegacyOneNorTheOtherWayRound() {
    PciDriver modern = new PciDriver(pci, mmio);
    driver = new LegacyDriver(pci, ports);
    start(0);
    modern.accept(Features.VERSION_1 | Features.RING_PACKED);
    assertThat(driver.in(LegacyDriver.ACCEPTED, 4)).as("there are queues").isZero();
    driver.out(LegacyDriver.STATUS, 1, 0);
    driver.out(LegacyDriver.STATUS, 1, 15);
    assertThat(driver.in(LegacyDriver.STATUS, 1)).as("no FEATURES_OK from here").isEqualTo(7);
    pci.write(4, 2, 7);
    modern.negotiate(Features.VERSION_1);
    driver.out(LegacyDriver.ADDRESS, 4, (int) (RING >> 12));
    assertThat(driver.in(LegacyDriver.ADDRESS, 4)).isZero();
  }

  @Test
  void aRingOutsideOfMemoryNeedsAReset() {
    driver.negotiate(0);
    driver.out(LegacyDriver.ADDRESS, 4, -1);
    assertThat(driver.in(LegacyDriver.STATUS, 1) & 64).isNotZero();
    assertThat(pci.errors()).containsEntry(QueueError.RING_PLACE, 1L);
    assertThat(driver.in(LegacyDriver.ADDRESS, 4)).isZero();
  }

  @Test
  void savedStateGoesOnElsewhere() {
    SplitDriver queue = start(EVENT_IDX);
    for (int i = 0; i < 3; i++) {
      read(queue, i);
      queue.poll();
    }
    VirtioPci.State<VirtioBlk.State> saved = pci.state();
    pci.reset();
    pci = function(Runnable::run);
    pci.restore(saved);
    assertThat(pci.state()).usingRecursiveComparison().isEqualTo(saved);
    int token = read(queue, 7);
    assertThat(queue.poll()).isEqualTo(new Used(token, 513));
    Transport.State<VirtioBlk.State> good = saved.transport();
    Transport.State<VirtioBlk.State> bad =
        new Transport.State<>(
            Features.RING_PACKED,
            good.status(),
            0,
            QueueSlot.NO_VECTOR,
            good.queues(),
            good.device());
    assertThatThrownBy(
            () ->
                pci.restore(
                    new VirtioPci.State<>(saved.config(), saved.msix(), bad, saved.selected(), 0)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    PciDriver modern = new PciDriver(pci, mmio);
    driver = new LegacyDriver(pci, ports);
    pci.write(4, 2, 7);
    try {
      for (int i = 0; i < 200_000; i++) {
        int size = 1 << random.nextInt(3);
        int value = random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(0x400);
        switch (random.nextInt(4)) {
          case 0 -> driver.in(random.nextInt(128), size);
          case 1 -> driver.out(random.nextInt(128), size, value);
          case 2 -> driver.out(random.nextInt(24), size, value);
          default -> modern.write(PciDriver.COMMON, 4 * random.nextInt(16), size, value);
        }
        if (random.nextInt(100) == 0) {
          read(start(value), value);
        }
      }
    } catch (RuntimeException e) {
      throw new AssertionError("seed " + seed, e);
    }
    pci.reset();
    driver = new LegacyDriver(pci, ports);
    SplitDriver queue = start(0);
    int token = read(queue, 0);
    assertThat(queue.poll()).as("seed %d", seed).isEqualTo(new Used(token, 513));
  }
}
