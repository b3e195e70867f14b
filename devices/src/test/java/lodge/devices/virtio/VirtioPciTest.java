package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.devices.virtio.DriverQueue.Piece;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The transport, with a device that holds its requests until the test completes them. */
class VirtioPciTest {
  private static final long RING = 0x10_0000;
  private static final long DATA = 0x20_0000;
  private static final long BASE = Features.VERSION_1;
  private static final int COMMON = PciDriver.COMMON;

  private final GuestMemory memory = GuestMemory.allocate(4 << 20);
  private final MmioBus bus = new MmioBus();
  private final List<Integer> messages = new ArrayList<>();
  private boolean line;
  private final HoldingDevice device = new HoldingDevice();
  private final VirtioPci<HoldingDevice.State> pci =
      new VirtioPci<>(
          memory,
          bus,
          new PortBus(),
          level -> line = level,
          (destination, logical, mode, vector, level, assertFlag) -> messages.add(vector),
          device);
  private final PciDriver driver = new PciDriver(pci, bus);

  private static final class HoldingDevice implements VirtioDevice<HoldingDevice.State> {
    record State(int capacity) {}

    private final Queue<DescriptorChain> held = new ArrayDeque<>();
    private Runnable changed;
    private int capacity = 100;

    @Override
    public int type() {
      return 4;
    }

    @Override
    public int pciClass() {
      return 0xFF_0000;
    }

    @Override
    public long features() {
      return BASE
          | Features.RING_PACKED
          | Features.EVENT_IDX
          | Features.INDIRECT_DESC
          | Features.RING_RESET
          | 2;
    }

    @Override
    public int queues() {
      return 2;
    }

    @Override
    public int queueSize() {
      return 16;
    }

    @Override
    public byte[] configuration() {
      return new byte[] {(byte) capacity, 2, 3, 4, 5, 6};
    }

    @Override
    public void configure(int offset, int size, int value) {
      if (offset == 0) {
        capacity = value & 0xFF;
      }
    }

    @Override
    public State state() {
      return new State(capacity);
    }

    @Override
    public void restore(State state) {
      capacity = state.capacity;
    }

    @Override
    public void reset() {
      capacity = 100;
    }

    @Override
    public void onConfigurationChange(Runnable action) {
      changed = action;
    }

    @Override
    public void available(int number, Virtqueue queue) {
      for (DescriptorChain chain = queue.take(); chain != null; chain = queue.take()) {
        held.add(chain);
      }
    }
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private DriverQueue start(long features) {
    driver.negotiate(features);
    DriverQueue queue = DriverQueue.of(memory, RING, 8, features);
    driver.enable(1, queue.layout);
    driver.run();
    return queue;
  }

  private int send(DriverQueue queue) {
    int token = queue.add(List.of(new Piece(DATA, 8, true)), false);
    driver.notifyOf(1);
    return token;
  }

  @Test
  void theFunctionTellsWhatItIs() {
    assertThat(pci.read(0, 4)).isEqualTo(0x1005_1AF4);
    assertThat(pci.read(8, 1)).as("revision").isZero();
    assertThat(driver.capabilities).containsOnlyKeys(1, 2, 3, 4, 5);
    assertThat(pci.read(driver.msix + 2, 2)).as("three vectors").isEqualTo(2);
    assertThat(driver.read(PciDriver.DEVICE, 0, 4)).isEqualTo(0x0403_0264L);
    assertThat(driver.read(PciDriver.DEVICE, 4, 4)).isEqualTo(0x0605L);
    assertThat(driver.read(COMMON, 18, 2)).isEqualTo(2);
    assertThat(driver.offered()).isEqualTo(device.features());
  }

  @Test
  void featuresAreAcceptedOnlyIfTheyAreOfferedAndModern() {
    driver.negotiate(BASE);
    assertThat(driver.status()).isEqualTo(11);
    driver.accept(BASE | 2);
    driver.write(COMMON, 8, 4, 0);
    assertThat(driver.read(COMMON, 12, 4)).as("too late").isZero();
    driver.negotiate(2);
    assertThat(driver.status()).as("a driver of old").isEqualTo(3);
    driver.negotiate(BASE | 1);
    assertThat(driver.status()).as("never offered").isEqualTo(3);
    driver.run();
    assertThat(driver.status()).as("without features").isEqualTo(3);
    driver.status(0);
    assertThat(driver.status()).isZero();
  }

  @Test
  void requestsAreServedWhileTheDriverIsOk() {
    for (long features : new long[] {BASE, BASE | Features.RING_PACKED}) {
      driver.negotiate(features);
      DriverQueue queue = DriverQueue.of(memory, RING, 8, features);
      driver.enable(1, queue.layout);
      assertThat(driver.read(COMMON, 28, 2)).isEqualTo(1);
      int token = send(queue);
      assertThat(device.held).as("not yet").isEmpty();
      driver.run();
      device.held.remove().complete(8);
      assertThat(queue.poll()).isEqualTo(new Used(token, 8));
      token = send(queue);
      device.held.remove().complete(4);
      assertThat(queue.poll()).isEqualTo(new Used(token, 4));
    }
  }

  @Test
  void withoutMessagesTheLineInterrupts() {
    DriverQueue queue = start(BASE);
    send(queue);
    assertThat(line).isFalse();
    device.held.remove().complete(0);
    assertThat(line).isTrue();
    assertThat(driver.read(PciDriver.ISR, 0, 1)).isEqualTo(1);
    assertThat(line).isFalse();
    assertThat(driver.read(PciDriver.ISR, 0, 1)).isZero();
    device.changed.run();
    assertThat(driver.read(PciDriver.ISR, 0, 1)).isEqualTo(2);
  }

  @Test
  void messagesGoToTheVectorOfTheirQueue() {
    DriverQueue queue = start(BASE);
    driver.message(2, 0x42);
    driver.message(0, 0x40);
    driver.select(1);
    driver.write(COMMON, 26, 2, 3);
    assertThat(driver.read(COMMON, 26, 2)).as("there is none").isEqualTo(0xFFFF);
    driver.write(COMMON, 26, 2, 2);
    assertThat(driver.read(COMMON, 26, 2)).isEqualTo(2);
    driver.write(COMMON, 16, 2, 0);
    send(queue);
    device.held.remove().complete(0);
    device.changed.run();
    assertThat(messages).containsExactly(0x42, 0x40);
    assertThat(line).isFalse();
  }

  @Test
  void aChangeOfTheConfigurationHasAGeneration() {
    start(BASE);
    long before = driver.read(COMMON, 21, 1);
    device.capacity = 7;
    device.changed.run();
    assertThat(driver.read(COMMON, 21, 1)).isNotEqualTo(before);
    assertThat(driver.read(PciDriver.DEVICE, 0, 1)).isEqualTo(7);
  }

  @Test
  void aResetLastsUntilNothingIsUnderWay() {
    DriverQueue queue = start(BASE);
    send(queue);
    driver.status(0);
    assertThat(driver.status()).isEqualTo(15);
    driver.negotiate(BASE);
    assertThat(driver.status()).as("not done").isEqualTo(15);
    device.held.remove().complete(8);
    assertThat(driver.status()).isZero();
    assertThat(queue.poll()).isNull();
    assertThat(line).isFalse();
    driver.select(1);
    assertThat(driver.read(COMMON, 28, 2)).isZero();
    assertThat(driver.read(COMMON, 24, 2)).isEqualTo(16);
  }

  @Test
  void oneQueueIsResetAlone() {
    DriverQueue queue = start(BASE | Features.RING_RESET);
    send(queue);
    driver.select(1);
    driver.write(COMMON, 58, 2, 1);
    assertThat(driver.read(COMMON, 58, 2)).isEqualTo(1);
    device.held.remove().complete(8);
    assertThat(driver.read(COMMON, 58, 2)).isZero();
    assertThat(driver.read(COMMON, 28, 2)).isZero();
    assertThat(driver.status()).isEqualTo(15);
    DriverQueue again = new SplitDriver(memory, RING, 4, 0);
    driver.enable(1, again.layout);
    int token = send(again);
    device.held.remove().complete(3);
    assertThat(again.poll()).isEqualTo(new Used(token, 3));
  }

  @Test
  void aBrokenRingIsCountedAndNeedsAReset() {
    DriverQueue queue = start(BASE);
    driver.message(0, 0x40);
    driver.write(COMMON, 16, 2, 0);
    queue.add(List.of(new Piece(0xFEE0_0000L, 8, true)), false);
    driver.notifyOf(1);
    assertThat(driver.status() & PciDriver.NEEDS_RESET).isNotZero();
    assertThat(messages).containsExactly(0x40);
    assertThat(pci.errors()).containsOnly(Map.entry(QueueError.BUFFER_PLACE, 1L));
    driver.negotiate(BASE);
    driver.enable(0, new QueueLayout(32, RING, RING + 0x1000, RING + 0x2000));
    assertThat(driver.status() & PciDriver.NEEDS_RESET).isNotZero();
    driver.negotiate(BASE);
    driver.enable(0, new QueueLayout(8, 0xD000_0000L, RING, RING));
    assertThat(driver.status() & PciDriver.NEEDS_RESET).isNotZero();
    assertThat(pci.errors())
        .containsEntry(QueueError.RING_SIZE, 1L)
        .containsEntry(QueueError.RING_PLACE, 1L);
    DriverQueue good = start(BASE);
    send(good);
    assertThat(device.held).hasSize(1);
  }

  @Test
  void barsAreReachedThroughConfigurationSpace() {
    int window = driver.capabilities.get(PciDriver.WINDOW);
    pci.write(window + 4, 1, 4);
    pci.write(window + 8, 4, 18);
    pci.write(window + 12, 4, 2);
    assertThat(pci.read(window + 16, 4)).isEqualTo(2);
    pci.write(window + 8, 4, 20);
    pci.write(window + 12, 4, 1);
    pci.write(window + 16, 4, 1);
    assertThat(driver.status()).isEqualTo(1);
    pci.write(window + 12, 4, 3);
    assertThat(pci.read(window + 16, 4)).isEqualTo(-1);
    pci.write(window + 4, 1, 0);
    pci.write(window + 12, 4, 1);
    assertThat(pci.read(window + 16, 4)).as("no such memory").isEqualTo(-1);
  }

  @Test
  void savedStateBringsEverythingBack() {
    for (long features : new long[] {BASE, BASE | Features.RING_PACKED | Features.EVENT_IDX}) {
      DriverQueue queue = start(features);
      for (int i = 0; i < 11; i++) {
        send(queue);
        device.held.remove().complete(0);
        queue.poll();
      }
      VirtioPci.State<HoldingDevice.State> saved = pci.state();
      pci.reset();
      assertThat(bus.read(0xD004_0014L, 1)).as("memory is off").isEqualTo(0xFF);
      pci.restore(saved);
      assertThat(pci.state()).usingRecursiveComparison().isEqualTo(saved);
      int token = send(queue);
      device.held.remove().complete(6);
      assertThat(queue.poll()).isEqualTo(new Used(token, 6));
      assertThat(driver.status()).isEqualTo(15);
    }
    VirtioPci.State<HoldingDevice.State> saved = pci.state();
    Transport.State<HoldingDevice.State> good = saved.transport();
    Transport.State<HoldingDevice.State> bad =
        new Transport.State<>(1, good.status(), 0, 0, good.queues(), good.device());
    assertThatThrownBy(
            () ->
                pci.restore(
                    new VirtioPci.State<>(saved.config(), saved.msix(), bad, saved.selected(), 0)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void nothingIsServedWhileTheFunctionMayNotReachMemory() {
    DriverQueue queue = start(BASE);
    pci.write(4, 2, 2);
    int token = send(queue);
    assertThat(device.held).isEmpty();
    pci.write(4, 2, 6);
    device.held.remove().complete(1);
    assertThat(queue.poll()).isEqualTo(new Used(token, 1));
  }

  @Test
  void theDriverWritesToTheConfiguration() {
    start(BASE);
    driver.write(PciDriver.DEVICE, 0, 1, 55);
    assertThat(driver.read(PciDriver.DEVICE, 0, 1)).isEqualTo(55);
    driver.status(0);
    assertThat(driver.read(PciDriver.DEVICE, 0, 1)).isEqualTo(100);
  }

  @Test
  void survivesAnyAccess() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try {
      for (int i = 0; i < 200_000; i++) {
        int size = 1 << random.nextInt(4);
        long offset = random.nextBoolean() ? random.nextInt(64) : random.nextInt(0x5000) - 0x100;
        long value = random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(16);
        switch (random.nextInt(6)) {
          case 0 -> bus.read(0xD004_0000L + offset, size);
          case 1 -> bus.read(0xD001_0000L + offset, size);
          case 2 -> bus.write(0xD004_0000L + offset, size, value);
          case 3 -> bus.write(0xD001_0000L + offset, size, value);
          case 4 -> pci.read(random.nextInt(64) * 4, 4);
          default -> {
            if (random.nextInt(50) == 0) {
              pci.write(random.nextInt(64) * 4, 4, (int) value);
              new PciDriver(pci, bus);
            }
          }
        }
        if (random.nextInt(20) == 0) {
          start(BASE);
        }
        while (!device.held.isEmpty()) {
          device.held.remove().complete(value);
        }
      }
    } catch (RuntimeException e) {
      throw new AssertionError("seed " + seed, e);
    }
    pci.reset();
    new PciDriver(pci, bus).negotiate(BASE);
    assertThat(driver.status()).as("seed %d", seed).isEqualTo(11);
  }
}
