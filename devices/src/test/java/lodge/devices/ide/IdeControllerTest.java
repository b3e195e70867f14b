package lodge.devices.ide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import lodge.core.GuestMemory;
import lodge.core.PortBus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The PCI function, with threads as a machine has them. */
@Timeout(60)
class IdeControllerTest {
  private static final int BUS_MASTER = 0xC040;
  private static final int TABLE = 0x1000;
  private static final int DATA = 0x10_0000;

  private final GuestMemory memory = GuestMemory.allocate(2 << 20);
  private final PortBus ports = new PortBus();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch primary = new CountDownLatch(1);
  private final CountDownLatch secondary = new CountDownLatch(1);
  private final IdeController controller =
      new IdeController(
          memory, ports, level -> count(primary, level), level -> count(secondary, level), threads);
  private final MemoryDisk disk = new MemoryDisk(65536);
  private final MemoryDisk disc = new MemoryDisk(65536);

  IdeControllerTest() {
    controller.disk(0, disk, "one");
    controller.cdRom(2, "two").insert(disc);
  }

  private static void count(CountDownLatch latch, boolean level) {
    if (level) {
      latch.countDown();
    }
  }

  @AfterEach
  void close() {
    controller.close();
    threads.close();
    memory.close();
  }

  private void startRead() {
    memory.putInt(TABLE, DATA);
    memory.putInt(TABLE + 4, 1 << 31 | 512);
    ports.write(BUS_MASTER + 4, 4, TABLE);
    ports.write(0x1F2, 1, 1);
    ports.write(0x1F3, 1, 2);
    ports.write(0x1F6, 1, 0xE0);
    ports.write(0x1F7, 1, 0xC8);
    ports.write(BUS_MASTER, 1, 9);
  }

  @Test
  void isFunctionOneOfThePiix3() {
    assertThat(controller.read(0, 4)).isEqualTo(0x7010_8086);
    assertThat(controller.read(8, 4)).isEqualTo(0x0101_8000);
    assertThat(controller.read(0x10, 4)).as("the channels' ports are fixed").isZero();
    assertThat(controller.read(0x20, 4)).isEqualTo(1);
    assertThat(controller.read(0x3C, 2)).as("no interrupt of PCI").isZero();
    controller.write(4, 2, 0xFFFF);
    assertThat(controller.read(4, 2)).isEqualTo(5);
    controller.write(0x40, 4, 0x8000_8000);
    assertThat(controller.read(0x41, 1)).isEqualTo(0x80);
    assertThat(controller.read(0x43, 1)).isEqualTo(0x80);
  }

  @Test
  void drivesAreAtThePortsOfPcs() {
    assertThat(ports.read(0x1F7, 1)).isEqualTo(0x50);
    assertThat(ports.read(0x3F6, 1)).isEqualTo(0x50);
    ports.write(0x1F6, 1, 0xB0);
    assertThat(ports.read(0x1F7, 1)).as("no slave").isZero();
    assertThat(ports.read(0x174, 1)).isEqualTo(0x14);
    assertThat(ports.read(0x175, 1)).isEqualTo(0xEB);
    assertThat(ports.read(0x376, 1)).isZero();
    assertThatThrownBy(() -> controller.disk(0, disk, "again"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void readsByDmaInTheBackground() throws Exception {
    controller.enable(BUS_MASTER);
    startRead();
    primary.await();
    assertThat(ports.read(BUS_MASTER + 2, 1) & 7).isEqualTo(4);
    assertThat(ports.read(BUS_MASTER + 10, 1)).as("the other channel's").isZero();
    byte[] data = new byte[512];
    memory.get(DATA, data, 0, 512);
    assertThat(data).isEqualTo(disk.part(1024, 512));
    ports.write(0x177, 1, 0xEC);
    assertThat(secondary.getCount()).isZero();
  }

  @Test
  void withoutBusMasteringMemoryIsLeftAlone() {
    controller.enable(BUS_MASTER);
    controller.write(4, 2, 1);
    startRead();
    controller.state();
    assertThat(ports.read(BUS_MASTER + 2, 1) & 7).as("error").isEqualTo(2);
    assertThat(memory.getLong(DATA)).isZero();
  }

  @Test
  void aSlowDiskHoldsNobodyUpButWhoSavesTheMachine() throws Exception {
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    disk.onAccess =
        () -> {
          reading.countDown();
          awaitQuietly(release);
        };
    controller.enable(BUS_MASTER);
    startRead();
    reading.await();
    assertThat(ports.read(0x3F6, 1)).as("busy").isEqualTo(0xC0);
    var saving = threads.submit(controller::state);
    ports.write(0x3F6, 1, 4);
    ports.write(0x3F6, 1, 0);
    assertThat(ports.read(0x3F6, 1)).as("reset").isEqualTo(0x50);
    assertThat(saving.isDone()).isFalse();
    release.countDown();
    IdeController.State saved = saving.get(50, TimeUnit.SECONDS);
    assertThat(memory.getLong(DATA)).as("abandoned").isZero();
    controller.restore(saved);
    assertThat(controller.state()).usingRecursiveComparison().isEqualTo(saved);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void savedStateIsCheckedBeforeAnythingChanges() {
    controller.enable(BUS_MASTER);
    IdeController.State saved = controller.state();
    controller.reset();
    assertThatThrownBy(() -> controller.restore(new IdeController.State(saved.config(), List.of())))
        .isInstanceOf(IllegalArgumentException.class);
    List<IdeChannel.State> swapped = saved.channels().reversed();
    assertThatThrownBy(() -> controller.restore(new IdeController.State(saved.config(), swapped)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(controller.read(4, 2)).isZero();
    controller.restore(saved);
    assertThat(ports.read(BUS_MASTER + 2, 1)).as("its ports are there").isZero();
  }
}
