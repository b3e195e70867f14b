package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import lodge.core.GuestMemory;
import lodge.devices.virtio.DriverQueue.Piece;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Queues of each kind, with a driver that keeps the rules. */
class VirtqueueTest {
  private static final long RING = 0x10_0000;
  private static final long DATA = 0x20_0000;
  private static final int SIZE = 16;

  private static final long PACKED = Features.RING_PACKED;
  private static final long EVENTS = Features.EVENT_IDX;
  private static final long INDIRECT = Features.INDIRECT_DESC;
  private static final long ORDER = Features.IN_ORDER;

  private final GuestMemory memory = GuestMemory.allocate(4 << 20);
  private final List<QueueError> errors = Collections.synchronizedList(new ArrayList<>());
  private int interrupts;
  private DriverQueue driver;
  private Virtqueue queue;

  private final Virtqueue.Listener listener =
      new Virtqueue.Listener() {
        @Override
        public void used() {
          interrupts++;
        }

        @Override
        public void failed(QueueError error) {
          errors.add(error);
        }
      };

  @AfterEach
  void close() {
    memory.close();
  }

  private void set(long features) {
    driver = DriverQueue.of(memory, RING, SIZE, features);
    assertThat(driver.layout.error(memory, (features & PACKED) != 0)).isEmpty();
    queue = Virtqueue.of(memory, driver.layout, features, listener);
  }

  private static List<Piece> request(int n) {
    return List.of(
        new Piece(DATA + 64L * n, 16, false),
        new Piece(DATA + 64L * n + 16, 32, true),
        new Piece(DATA + 64L * n + 48, 1, true));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, PACKED})
  void aRequestIsTakenAndGivenBack(long features) {
    set(features);
    memory.putLong(DATA, 0x1122_3344_5566_7788L);
    int token = driver.add(request(0), false);
    DescriptorChain chain = queue.take();
    assertThat(queue.take()).isNull();
    assertThat(chain.readable().length()).isEqualTo(16);
    assertThat(chain.readable().bytes()).startsWith(0x88, 0x77, 0x66);
    assertThat(chain.writable().length()).isEqualTo(33);
    chain.writable().slice(30, 3).put(new byte[] {1, 2, 3});
    assertThat(memory.getByte(DATA + 16 + 31)).isEqualTo((byte) 2);
    assertThat(memory.getByte(DATA + 48)).isEqualTo((byte) 3);
    assertThat(driver.poll()).isNull();
    chain.complete(33);
    assertThat(driver.poll()).isEqualTo(new Used(token, 33));
    assertThat(driver.poll()).isNull();
    assertThatThrownBy(() -> chain.complete(33)).isInstanceOf(IllegalStateException.class);
    assertThat(errors).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, PACKED})
  void requestsAreGivenBackAsTheyAreDoneOrInOrder(long features) {
    for (long order : new long[] {0, ORDER}) {
      set(features | order);
      int first = driver.add(request(0), false);
      int second = driver.add(request(1), false);
      DescriptorChain one = queue.take();
      DescriptorChain two = queue.take();
      two.complete(2);
      if (order == 0) {
        assertThat(driver.poll()).isEqualTo(new Used(second, 2));
        one.complete(1);
        assertThat(driver.poll()).isEqualTo(new Used(first, 1));
      } else {
        assertThat(driver.poll()).isNull();
        one.complete(1);
        assertThat(driver.poll()).isEqualTo(new Used(first, 1));
        assertThat(driver.poll()).isEqualTo(new Used(second, 2));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, PACKED, EVENTS, PACKED | EVENTS})
  void interruptsComeWhenTheDriverWantsThem(long features) {
    set(features);
    for (int round = 0; round < 3 * SIZE; round++) {
      driver.interrupts(true);
      interrupts = 0;
      driver.add(request(0), false);
      driver.add(request(1), false);
      DescriptorChain one = queue.take();
      one.complete(0);
      assertThat(interrupts).isEqualTo(1);
      driver.poll();
      driver.interrupts(false);
      queue.take().complete(0);
      assertThat(interrupts).isEqualTo(1);
      driver.poll();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, PACKED, EVENTS, PACKED | EVENTS})
  void theDriverNotifiesWhenTheDeviceIsIdle(long features) {
    set(features);
    for (int round = 0; round < 3 * SIZE; round++) {
      assertThat(queue.enableNotifications()).isFalse();
      driver.add(request(0), false);
      assertThat(driver.kick()).isTrue();
      driver.add(request(1), false);
      assertThat(driver.kick()).as("busy").isEqualTo((features & EVENTS) == 0);
      assertThat(queue.enableNotifications()).as("more has come").isTrue();
      queue.take().complete(0);
      queue.take().complete(0);
      assertThat(driver.poll()).isNotNull();
      assertThat(driver.poll()).isNotNull();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, PACKED})
  void aResetWaitsForWhatIsUnderWayAndTellsTheDriverNothing(long features) {
    set(features);
    driver.add(request(0), false);
    driver.add(request(1), false);
    DescriptorChain chain = queue.take();
    AtomicBoolean quiet = new AtomicBoolean();
    queue.close(() -> quiet.set(true));
    assertThat(quiet).isFalse();
    assertThat(queue.take()).isNull();
    chain.complete(1);
    assertThat(quiet).isTrue();
    assertThat(driver.poll()).isNull();
    assertThat(interrupts).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, PACKED})
  void anotherQueueGoesOnFromItsState(long features) {
    set(features);
    for (int i = 0; i < SIZE + 3; i++) {
      driver.add(request(0), false);
      queue.take().complete(i);
      driver.poll();
    }
    int token = driver.add(request(1), false);
    queue.pause();
    assertThat(queue.take()).isNull();
    Virtqueue.State saved = queue.state();
    queue = Virtqueue.of(memory, saved.layout(), features, listener);
    queue.restore(saved);
    queue.take().complete(7);
    assertThat(driver.poll()).isEqualTo(new Used(token, 7));
    assertThat(queue.take()).isNull();
    assertThat(errors).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        INDIRECT,
        PACKED | INDIRECT,
        EVENTS | INDIRECT,
        PACKED | EVENTS | INDIRECT,
        ORDER | INDIRECT | EVENTS,
        PACKED | ORDER | INDIRECT
      })
  void randomRequestsAreAllGivenBackOnce(long features) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    set(features);
    Map<Integer, Integer> added = new HashMap<>();
    List<DescriptorChain> taken = new ArrayList<>();
    int number = 0;
    int back = 0;
    while (back < 20_000) {
      switch (random.nextInt(3)) {
        case 0 -> {
          int pieces = 1 + random.nextInt(6);
          if (driver.free() >= pieces && number < 20_000) {
            List<Piece> chain = new ArrayList<>();
            int readable = random.nextInt(pieces + 1);
            for (int i = 0; i < pieces; i++) {
              chain.add(new Piece(DATA + random.nextInt(1 << 20), 4, i >= readable));
            }
            int token = driver.add(chain, random.nextBoolean());
            assertThat(added.put(token, 4 * readable)).as("seed %d", seed).isNull();
            number++;
          }
        }
        case 1 -> {
          DescriptorChain chain = queue.take();
          if (chain != null) {
            taken.add(chain);
          }
        }
        default -> {
          if (!taken.isEmpty()) {
            DescriptorChain chain = taken.remove(random.nextInt(taken.size()));
            chain.complete(chain.readable().length());
          }
          for (Used used = driver.poll(); used != null; used = driver.poll()) {
            assertThat(added.remove(used.token()))
                .as("seed %d", seed)
                .isEqualTo((int) used.written());
            back++;
          }
        }
      }
    }
    assertThat(added).isEmpty();
    assertThat(errors).as("seed %d", seed).isEmpty();
  }

  /** Driver and device in threads of their own; each sleeps until the other one wakes it. */
  @ParameterizedTest
  @ValueSource(longs = {0, PACKED, EVENTS, PACKED | EVENTS, INDIRECT | EVENTS | PACKED})
  void noWakeUpIsLostBetweenThreads(long features) throws InterruptedException {
    Semaphore notified = new Semaphore(0);
    Semaphore interrupted = new Semaphore(0);
    AtomicReference<QueueError> failure = new AtomicReference<>();
    driver = DriverQueue.of(memory, RING, SIZE, features);
    queue =
        Virtqueue.of(
            memory,
            driver.layout,
            features,
            new Virtqueue.Listener() {
              @Override
              public void used() {
                interrupted.release();
              }

              @Override
              public void failed(QueueError error) {
                failure.set(error);
                interrupted.release(1_000_000);
              }
            });
    Thread device =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  while (true) {
                    DescriptorChain chain;
                    while ((chain = queue.take()) != null) {
                      chain.complete(1);
                    }
                    if (!queue.enableNotifications()) {
                      notified.acquireUninterruptibly();
                      notified.drainPermits();
                      if (Thread.interrupted()) {
                        return;
                      }
                    }
                  }
                });
    BitSet out = new BitSet();
    int back = 0;
    for (int sent = 0; back < 30_000 && failure.get() == null; ) {
      while (driver.free() >= 3 && sent < 30_000) {
        out.set(driver.add(request(sent % 100), (features & INDIRECT) != 0));
        sent++;
        if (driver.kick()) {
          notified.release();
        }
      }
      driver.interrupts(true);
      int before = back;
      for (Used used = driver.poll(); used != null; used = driver.poll()) {
        assertThat(out.get(used.token())).isTrue();
        out.clear(used.token());
        back++;
      }
      if (back == before) {
        interrupted.acquire();
        interrupted.drainPermits();
      }
      driver.interrupts(false);
    }
    assertThat(failure.get()).isNull();
    assertThat(out.isEmpty()).isTrue();
    device.interrupt();
    notified.release();
    device.join();
  }
}
