package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.devices.virtio.DriverQueue.Piece;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A disk behind PCI, with a driver that looks at the status of its requests. */
class VirtioBlkTest {
  private static final long RING = 0x10_0000;
  private static final long HEADERS = 0x20_0000;
  private static final long DATA = 0x21_0000;
  private static final int SECTORS = 1000;
  private static final long BASE = Features.VERSION_1 | VirtioBlk.FLUSH;

  private static final int IN = 0;
  private static final int OUT = 1;
  private static final int FLUSH = 4;
  private static final int GET_ID = 8;
  private static final int DISCARD = 11;
  private static final int WRITE_ZEROES = 13;

  private static final int OK = 0;
  private static final int IOERR = 1;
  private static final int UNSUPP = 2;

  private final GuestMemory memory = GuestMemory.allocate(4 << 20);
  private final MmioBus bus = new MmioBus();
  private final MemoryBackend disk = new MemoryBackend(SECTORS * 512);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Semaphore interrupts = new Semaphore(0);
  private final AtomicLong clock = new AtomicLong();

  /** What was left to other threads. */
  private final Queue<Runnable> tasks = new ArrayDeque<>();

  private VirtioBlk blk;
  private VirtioPci<VirtioBlk.State> pci;
  private PciDriver driver;
  private DriverQueue queue;

  @AfterEach
  void close() {
    threads.shutdownNow();
    threads.close();
    memory.close();
  }

  private void start(long features, int processors, Executor executor) {
    blk = new VirtioBlk(disk, "serial-4711", processors, executor, clock::get);
    pci =
        new VirtioPci<>(
            memory,
            bus,
            new PortBus(),
            _ -> {},
            (destination, logical, mode, vector, level, assertFlag) -> interrupts.release(),
            blk);
    driver = new PciDriver(pci, bus);
    driver.negotiate(features);
    driver.message(1, 0x41);
    queue = DriverQueue.of(memory, RING, 64, features);
    driver.enable(0, queue.layout);
    driver.write(PciDriver.COMMON, 26, 2, 1);
    driver.run();
  }

  /** With requests that are done before the notification returns. */
  private void start() {
    start(BASE, 1, Runnable::run);
  }

  /** Number n has its header, its status and 4096 bytes of data at places of its own. */
  private int add(int n, int type, long sector, Piece... data) {
    long header = HEADERS + 32L * n;
    memory.putInt(header, type);
    memory.putLong(header + 8, sector);
    memory.putByte(header + 16, (byte) 0x55);
    List<Piece> pieces = new ArrayList<>();
    pieces.add(new Piece(header, 16, false));
    pieces.addAll(List.of(data));
    pieces.add(new Piece(header + 16, 1, true));
    return queue.add(pieces, false);
  }

  private int status(int n) {
    return memory.getByte(HEADERS + 32L * n + 16);
  }

  private int request(int type, long sector, Piece... data) {
    int token = add(0, type, sector, data);
    driver.notifyOf(0);
    assertThat(queue.poll()).isNotNull().extracting(Used::token).isEqualTo(token);
    return status(0);
  }

  private static Piece in(int at, int length) {
    return new Piece(DATA + at, length, true);
  }

  private static Piece out(int at, int length) {
    return new Piece(DATA + at, length, false);
  }

  /** One segment of a discard or write zeroes request. */
  private Piece segment(long sector, int sectors, int flags) {
    memory.putLong(DATA, sector);
    memory.putInt(DATA + 8, sectors);
    memory.putInt(DATA + 12, flags);
    return out(0, 16);
  }

  @Test
  void theConfigurationTellsWhatDiskItIs() {
    start(BASE, 2, Runnable::run);
    assertThat(pci.read(0, 4)).isEqualTo(0x1001_1AF4);
    assertThat(pci.read(8, 4)).isEqualTo(0x0100_0000);
    assertThat(driver.read(PciDriver.DEVICE, 0, 4)).as("capacity").isEqualTo(SECTORS);
    assertThat(driver.read(PciDriver.DEVICE, 12, 4)).as("segments").isEqualTo(254);
    assertThat(driver.read(PciDriver.DEVICE, 20, 4)).as("block size").isEqualTo(512);
    assertThat(driver.read(PciDriver.DEVICE, 34, 2)).as("queues").isEqualTo(2);
    assertThat(driver.read(PciDriver.COMMON, 18, 2)).isEqualTo(2);
    assertThat(driver.offered() & VirtioBlk.RO).isZero();
    assertThat(new VirtioBlk(disk, "", 16, Runnable::run).queues()).isEqualTo(4);
  }

  @Test
  void sectorsAreReadAndWritten() {
    start();
    memory.fill(DATA, 1024, (byte) 7);
    memory.fill(DATA + 5000, 512, (byte) 8);
    assertThat(request(OUT, 3, out(0, 1024), out(5000, 512))).isEqualTo(OK);
    assertThat(disk.bytes[3 * 512 - 1]).isZero();
    assertThat(disk.bytes[3 * 512]).isEqualTo((byte) 7);
    assertThat(disk.bytes[5 * 512 + 511]).isEqualTo((byte) 8);
    memory.fill(DATA, 8192, (byte) 0);
    assertThat(request(IN, 4, in(100, 100), in(4000, 924))).isEqualTo(OK);
    assertThat(memory.getByte(DATA + 100)).isEqualTo((byte) 7);
    assertThat(memory.getByte(DATA + 200)).as("not asked for").isZero();
    assertThat(memory.getByte(DATA + 4923)).isEqualTo((byte) 8);
  }

  @Test
  void whatLiesSideBySideIsOneRequestOfTheBackend() {
    start();
    assertThat(request(IN, 0, in(0, 4096), in(4096, 4096), in(0x4000, 512))).isEqualTo(OK);
    assertThat(disk.calls).containsExactly("read 0 +8192", "read 8192 +512");
  }

  @Test
  void aBackendWithoutWriteCacheIsOneToTheGuest() {
    disk.writeCache = false;
    start();
    assertThat(driver.read(PciDriver.DEVICE, 32, 1)).as("writeback").isZero();
    assertThat(request(OUT, 0, out(0, 512))).isEqualTo(OK);
    assertThat(disk.calls).containsExactly("write 0 +512", "flush");
    driver.write(PciDriver.DEVICE, 32, 1, 1);
    driver.status(0);
    assertThat(driver.read(PciDriver.DEVICE, 32, 1)).as("after a reset").isZero();
  }

  @Test
  void aBackendThatIsOutOfMemoryIsAnErrorLikeOthers() {
    disk.beforeRead =
        () -> {
          throw new OutOfMemoryError("as a test wants it");
        };
    start();
    assertThat(request(IN, 0, in(0, 512))).isEqualTo(IOERR);
    disk.beforeRead = () -> {};
    assertThat(request(IN, 0, in(0, 512))).isEqualTo(OK);
  }

  @Test
  void aWriteIsDurableAfterAFlushOrAtOnce() {
    start();
    assertThat(request(OUT, 0, out(0, 512))).isEqualTo(OK);
    assertThat(disk.calls).doesNotContain("flush");
    assertThat(request(FLUSH, 0)).isEqualTo(OK);
    assertThat(disk.calls).containsExactly("write 0 +512", "flush");
    driver.write(PciDriver.DEVICE, 32, 1, 0);
    assertThat(driver.read(PciDriver.DEVICE, 32, 1)).isZero();
    disk.calls.clear();
    assertThat(request(OUT, 0, out(0, 512))).isEqualTo(OK);
    assertThat(disk.calls).as("write-through").containsExactly("write 0 +512", "flush");
    pci.reset();
    start(Features.VERSION_1, 1, Runnable::run);
    disk.calls.clear();
    assertThat(request(OUT, 0, out(0, 512))).isEqualTo(OK);
    assertThat(disk.calls)
        .as("a driver that cannot flush")
        .containsExactly("write 0 +512", "flush");
  }

  @Test
  void theDiskHasAName() {
    start();
    memory.fill(DATA, 64, (byte) 0x33);
    assertThat(request(GET_ID, 0, in(0, 20))).isEqualTo(OK);
    byte[] id = new byte[21];
    memory.get(DATA, id, 0, 21);
    assertThat(new String(id, java.nio.charset.StandardCharsets.US_ASCII))
        .isEqualTo("serial-4711\0\0\0\0\0\0\0\0\0003");
  }

  @Test
  void sectorsAreDiscardedAndZeroed() {
    start();
    Arrays.fill(disk.bytes, (byte) 9);
    assertThat(request(DISCARD, 0, segment(8, 16, 0))).isEqualTo(OK);
    assertThat(request(WRITE_ZEROES, 0, segment(16, 8, 0))).isEqualTo(OK);
    assertThat(request(WRITE_ZEROES, 0, segment(32, 8, 1))).isEqualTo(OK);
    assertThat(disk.calls)
        .containsExactly("discard 4096 +8192", "zero 8192 +4096", "zero 16384 +4096 unmap");
    assertThat(request(DISCARD, 0, segment(8, 16, 1))).as("flag").isEqualTo(UNSUPP);
    assertThat(request(WRITE_ZEROES, 0, segment(8, 16, 2))).as("flag").isEqualTo(UNSUPP);
    assertThat(request(WRITE_ZEROES, 0, segment(SECTORS - 1, 2, 0))).isEqualTo(IOERR);
    assertThat(request(DISCARD, 0, segment(-1, 2, 0))).isEqualTo(IOERR);
    assertThat(request(DISCARD, 0, segment(0, -1, 0))).isEqualTo(IOERR);
    assertThat(request(DISCARD, 0, out(0, 15))).isEqualTo(IOERR);
    assertThat(request(DISCARD, 0, out(0, 4096))).isEqualTo(IOERR);
    assertThat(disk.calls).hasSize(3);
  }

  @Test
  void whatIsNotOnTheDiskIsAnError() {
    start();
    assertThat(request(IN, SECTORS - 1, in(0, 512))).isEqualTo(OK);
    assertThat(request(IN, SECTORS - 1, in(0, 1024))).isEqualTo(IOERR);
    assertThat(request(OUT, SECTORS, out(0, 512))).isEqualTo(IOERR);
    assertThat(request(IN, -1, in(0, 512))).isEqualTo(IOERR);
    assertThat(request(IN, Long.MAX_VALUE, in(0, 512))).isEqualTo(IOERR);
    assertThat(request(IN, 1L << 55, in(0, 512))).isEqualTo(IOERR);
    assertThat(request(IN, 0, in(0, 511))).isEqualTo(IOERR);
    assertThat(request(77, 0)).isEqualTo(UNSUPP);
    disk.failing = true;
    assertThat(request(IN, 0, in(0, 512))).isEqualTo(IOERR);
    assertThat(request(FLUSH, 0)).isEqualTo(IOERR);
    assertThat(driver.status() & PciDriver.NEEDS_RESET).isZero();
  }

  @Test
  void aReadOnlyDiskIsNotChanged() {
    disk.readOnly = true;
    start();
    assertThat(driver.offered() & (VirtioBlk.RO | VirtioBlk.DISCARD | VirtioBlk.WRITE_ZEROES))
        .isEqualTo(VirtioBlk.RO);
    assertThat(request(OUT, 0, out(0, 512))).isEqualTo(IOERR);
    assertThat(request(DISCARD, 0, segment(0, 1, 0))).isEqualTo(IOERR);
    assertThat(request(WRITE_ZEROES, 0, segment(0, 1, 0))).isEqualTo(IOERR);
    assertThat(request(IN, 0, in(0, 512))).isEqualTo(OK);
    assertThat(request(FLUSH, 0)).isEqualTo(OK);
    assertThat(disk.calls).containsExactly("read 0 +512");
  }

  @Test
  void aRequestWithoutHeaderOrStatusNeedsAReset() {
    for (Piece piece : List.of(out(0, 16), in(0, 16), out(0, 15))) {
      start();
      List<Piece> pieces = piece.length() == 15 ? List.of(piece, in(32, 1)) : List.of(piece);
      queue.add(pieces, false);
      driver.notifyOf(0);
      assertThat(driver.status() & PciDriver.NEEDS_RESET).isNotZero();
      assertThat(queue.poll()).isNull();
      assertThat(pci.errors()).containsOnly(Map.entry(QueueError.REQUEST_FORM, 1L));
      driver.status(0);
      assertThat(driver.status()).isZero();
      pci.reset();
    }
  }

  @Test
  void theDriverIsToldOfAnotherSize() {
    start();
    driver.message(0, 0x40);
    driver.write(PciDriver.COMMON, 16, 2, 0);
    interrupts.drainPermits();
    disk.bytes = Arrays.copyOf(disk.bytes, 2 * disk.bytes.length);
    blk.resized();
    assertThat(interrupts.availablePermits()).isEqualTo(1);
    assertThat(driver.read(PciDriver.DEVICE, 0, 4)).isEqualTo(2 * SECTORS);
    assertThat(request(IN, SECTORS, in(0, 512))).isEqualTo(OK);
  }

  @Test
  void aSlowRequestHoldsUpNoOther() throws InterruptedException {
    CountDownLatch slow = new CountDownLatch(1);
    disk.beforeRead = () -> await(slow);
    start(BASE, 1, threads);
    add(0, IN, 0, in(0, 512));
    driver.notifyOf(0);
    int second = add(1, FLUSH, 0);
    driver.notifyOf(0);
    interrupts.acquire();
    assertThat(queue.poll()).extracting(Used::token).isEqualTo(second);
    assertThat(queue.poll()).isNull();
    slow.countDown();
    interrupts.acquire();
    assertThat(queue.poll()).isNotNull();
    assertThat(status(0)).isEqualTo(OK);
  }

  private void runTasks() {
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
    }
  }

  private boolean isServedWhereItIsNotified(int type, Piece... data) {
    add(0, type, 0, data);
    driver.notifyOf(0);
    boolean served = queue.poll() != null;
    runTasks();
    assertThat(served || queue.poll() != null).as("served at all").isTrue();
    assertThat(status(0)).isEqualTo(OK);
    return served;
  }

  @Test
  void whoNotifiesServesSmallRequestsOfADiskThatAnswersAtOnce() {
    start(BASE, 1, tasks::add);
    assertThat(isServedWhereItIsNotified(IN, in(0, 4096))).as("a disk that may wait").isFalse();
    disk.answersAtOnce = true;
    assertThat(isServedWhereItIsNotified(IN, in(0, 4096))).isTrue();
    assertThat(isServedWhereItIsNotified(OUT, out(0, 65536))).isTrue();
    assertThat(isServedWhereItIsNotified(IN, in(0, 66048))).as("large").isFalse();
    assertThat(isServedWhereItIsNotified(FLUSH)).isFalse();
    assertThat(isServedWhereItIsNotified(DISCARD, segment(8, 8, 0))).isFalse();
    driver.write(PciDriver.DEVICE, 32, 1, 0);
    assertThat(isServedWhereItIsNotified(OUT, out(0, 512))).as("write-through").isFalse();
  }

  @Test
  void whoNotifiesServesAllThatIsThereButNotForLong() {
    disk.answersAtOnce = true;
    disk.beforeRead = () -> clock.addAndGet(Pace.QUICK_NANOS);
    start(BASE, 1, tasks::add);
    for (int i = 0; i < 20; i++) {
      add(i, IN, i, in(512 * i, 512));
    }
    driver.notifyOf(0);
    assertThat(disk.calls).as("in a millisecond").hasSize(10);
    runTasks();
    assertThat(disk.calls).hasSize(20);
  }

  @Test
  void aDiskThatIsSlowIsLeftToOtherThreadsForMostOfTheTime() {
    disk.answersAtOnce = true;
    start(BASE, 1, tasks::add);
    disk.beforeRead = () -> clock.addAndGet(Pace.MOST_SAVED_NANOS - 1);
    assertThat(isServedWhereItIsNotified(IN, in(0, 512))).isTrue();
    assertThat(isServedWhereItIsNotified(IN, in(0, 512))).as("once may be bad luck").isTrue();
    disk.beforeRead = () -> {};
    assertThat(isServedWhereItIsNotified(IN, in(0, 512))).isFalse();
    clock.addAndGet((Pace.SHARE - 3) * Pace.MOST_SAVED_NANOS);
    assertThat(isServedWhereItIsNotified(IN, in(0, 512))).isFalse();
    clock.addAndGet(2 * Pace.MOST_SAVED_NANOS);
    assertThat(isServedWhereItIsNotified(IN, in(0, 512))).isTrue();
  }

  @Test
  void aResetWaitsForTheBackendAndNothingIsWrittenAfterIt() throws InterruptedException {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch slow = new CountDownLatch(1);
    disk.beforeRead =
        () -> {
          started.countDown();
          await(slow);
        };
    start(BASE, 1, threads);
    add(0, IN, 0, in(0, 512));
    driver.notifyOf(0);
    started.await();
    driver.status(0);
    assertThat(driver.status()).as("still at it").isNotZero();
    slow.countDown();
    pci.reset();
    assertThat(queue.poll()).isNull();
    memory.fill(DATA, 512, (byte) 0x66);
    assertThat(interrupts.availablePermits()).isZero();
    assertThat(memory.getByte(DATA)).isEqualTo((byte) 0x66);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Many at once, each at a place of its own, in all kinds of rings. */
  @Test
  void randomRequestsGiveBackWhatWasWritten() throws InterruptedException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (long features :
        new long[] {
          0,
          Features.EVENT_IDX,
          Features.RING_PACKED | Features.EVENT_IDX,
          Features.IN_ORDER,
          Features.RING_PACKED | Features.IN_ORDER
        }) {
      start(BASE | features, 1, threads);
      byte[] model = disk.bytes.clone();
      for (int round = 0; round < 300; round++) {
        int requests = 1 + random.nextInt(12);
        boolean writing = random.nextBoolean();
        queue.interrupts(true);
        for (int n = 0; n < requests; n++) {
          int sector = 80 * n + random.nextInt(60);
          int length = 512 * (1 + random.nextInt(8));
          byte[] data = new byte[length];
          if (writing) {
            random.nextBytes(data);
            System.arraycopy(data, 0, model, 512 * sector, length);
          }
          memory.put(DATA + 4096L * n, data, 0, length);
          add(n, writing ? OUT : IN, sector, new Piece(DATA + 4096L * n, length, !writing));
          memory.putInt(HEADERS + 32L * n + 20, sector);
          memory.putInt(HEADERS + 32L * n + 24, length);
          if (queue.kick()) {
            driver.notifyOf(0);
          }
        }
        for (int back = 0; back < requests; ) {
          queue.interrupts(true);
          if (queue.poll() != null) {
            back++;
          } else {
            interrupts.acquire();
          }
        }
        for (int n = 0; n < requests; n++) {
          assertThat(status(n)).as("seed %d", seed).isEqualTo(OK);
          int sector = memory.getInt(HEADERS + 32L * n + 20);
          byte[] data = new byte[memory.getInt(HEADERS + 32L * n + 24)];
          memory.get(DATA + 4096L * n, data, 0, data.length);
          assertThat(ByteBuffer.wrap(data))
              .as("seed %d", seed)
              .isEqualTo(ByteBuffer.wrap(model, 512 * sector, data.length).slice());
        }
      }
      assertThat(disk.bytes).as("seed %d", seed).isEqualTo(model);
      pci.reset();
    }
  }

  @Test
  void savedStateBringsTheDiskBack() {
    start();
    driver.write(PciDriver.DEVICE, 32, 1, 0);
    VirtioPci.State<VirtioBlk.State> saved = pci.state();
    pci.reset();
    pci.restore(saved);
    assertThat(driver.read(PciDriver.DEVICE, 32, 1)).isZero();
    assertThat(request(IN, 0, in(0, 512))).isEqualTo(OK);
  }
}
