package lodge.devices.virtio;

import static lodge.devices.virtio.QueueError.AVAILABLE_INDEX;
import static lodge.devices.virtio.QueueError.BUFFER_PLACE;
import static lodge.devices.virtio.QueueError.CHAIN_BYTES;
import static lodge.devices.virtio.QueueError.CHAIN_LENGTH;
import static lodge.devices.virtio.QueueError.DESCRIPTOR_INDEX;
import static lodge.devices.virtio.QueueError.DESCRIPTOR_IN_USE;
import static lodge.devices.virtio.QueueError.INDIRECT_NESTED;
import static lodge.devices.virtio.QueueError.INDIRECT_NOT_NEGOTIATED;
import static lodge.devices.virtio.QueueError.INDIRECT_TABLE;
import static lodge.devices.virtio.QueueError.READABLE_AFTER_WRITABLE;
import static lodge.devices.virtio.QueueError.RING_PLACE;
import static lodge.devices.virtio.QueueError.RING_SIZE;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import lodge.core.GuestMemory;
import lodge.devices.virtio.DriverQueue.Piece;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Drivers that break the rules: each is told why, once, and served no more. */
class HostileRingTest {
  private static final long RING = 0x10_0000;
  private static final long DATA = 0x20_0000;
  private static final int SIZE = 8;
  private static final long MIB = 1 << 20;
  private static final int NEXT = Virtqueue.NEXT;
  private static final int INDIRECT = Virtqueue.INDIRECT;

  private final GuestMemory memory = GuestMemory.allocate(4 * MIB);
  private final List<QueueError> errors = new ArrayList<>();
  private Virtqueue queue;

  @AfterEach
  void close() {
    memory.close();
  }

  private Virtqueue.Listener listener() {
    return new Virtqueue.Listener() {
      @Override
      public void used() {}

      @Override
      public void failed(QueueError error) {
        errors.add(error);
      }
    };
  }

  private SplitDriver split(long features) {
    errors.clear();
    SplitDriver driver = new SplitDriver(memory, RING, SIZE, features);
    queue = Virtqueue.of(memory, driver.layout, features, listener());
    return driver;
  }

  private PackedDriver packed(long features) {
    errors.clear();
    long all = features | Features.RING_PACKED;
    PackedDriver driver = new PackedDriver(memory, RING, SIZE, all);
    queue = Virtqueue.of(memory, driver.layout, all, listener());
    return driver;
  }

  private void refuses(QueueError error) {
    assertThat(queue.take()).isNull();
    assertThat(queue.take()).isNull();
    assertThat(queue.enableNotifications()).isFalse();
    assertThat(errors).containsExactly(error);
  }

  @Test
  void aRingIsAlignedAndInRam() {
    QueueLayout good = new QueueLayout(8, RING, RING + 0x1000, RING + 0x2000);
    assertThat(good.error(memory, false)).isEmpty();
    assertThat(good.error(memory, true)).isEmpty();
    for (long bad : new long[] {RING + 2, 4 * MIB - 16, 0xA_0000, 0xFEC0_0000L, -16, 1L << 62}) {
      assertThat(new QueueLayout(8, bad, RING, RING).error(memory, false)).hasValue(RING_PLACE);
      assertThat(new QueueLayout(8, bad, RING, RING).error(memory, true)).hasValue(RING_PLACE);
    }
    assertThat(new QueueLayout(8, RING, RING + 1, RING).error(memory, false)).hasValue(RING_PLACE);
    assertThat(new QueueLayout(8, RING, RING, RING + 2).error(memory, false)).hasValue(RING_PLACE);
    assertThat(new QueueLayout(8, RING, RING + 2, RING).error(memory, true)).hasValue(RING_PLACE);
    assertThat(new QueueLayout(0, RING, RING, RING).error(memory, true)).hasValue(RING_SIZE);
    assertThat(new QueueLayout(7, RING, RING, RING).error(memory, false)).hasValue(RING_SIZE);
    assertThat(new QueueLayout(7, RING, RING + 0x1000, RING + 0x2000).error(memory, true))
        .isEmpty();
    assertThat(new QueueLayout(1 << 16, RING, RING, RING).error(memory, false)).hasValue(RING_SIZE);
  }

  @Test
  void aDeviceDoesNotFeedItself() {
    for (boolean packed : new boolean[] {false, true}) {
      assertThat(new QueueLayout(8, RING, RING + 0x1000, RING + 0x1000).error(memory, packed))
          .hasValue(RING_PLACE);
      assertThat(new QueueLayout(8, RING, RING + 0x1000, RING + 0x70).error(memory, packed))
          .hasValue(RING_PLACE);
      assertThat(new QueueLayout(8, RING, RING + 0x1000, RING + 0x80).error(memory, packed))
          .isEmpty();
    }
    assertThat(new QueueLayout(8, RING, RING + 0x1000, RING + 0xFBC).error(memory, false))
        .hasValue(RING_PLACE);
  }

  @Test
  void anAvailableIndexThatLeapsIsRefused() {
    SplitDriver driver = split(0);
    memory.putShort(driver.layout.driver() + 2, (short) (SIZE + 1));
    refuses(AVAILABLE_INDEX);
    driver = split(0);
    memory.putShort(driver.layout.driver() + 2, (short) -1);
    refuses(AVAILABLE_INDEX);
  }

  @Test
  void descriptorsOutsideOfTheTableAreRefused() {
    split(0).offer(SIZE);
    refuses(DESCRIPTOR_INDEX);
    split(0).offer(0xFFFF);
    refuses(DESCRIPTOR_INDEX);
    SplitDriver driver = split(0);
    driver.describe(0, DATA, 4, NEXT, SIZE);
    driver.offer(0);
    refuses(DESCRIPTOR_INDEX);
  }

  @Test
  void aBufferThatIsUnderWayIsNotTakenAgain() {
    SplitDriver driver = split(0);
    driver.describe(3, DATA, 4, 0, 0);
    driver.offer(3);
    driver.offer(3);
    assertThat(queue.take()).isNotNull();
    refuses(DESCRIPTOR_IN_USE);
    PackedDriver ring = packed(0);
    for (int i = 0; i < SIZE; i++) {
      ring.add(List.of(new Piece(DATA, 4, false)), false);
      assertThat(queue.take()).isNotNull();
    }
    // Available in the second round, though the device has not used it.
    memory.putShort(ring.layout.descriptors() + 14, (short) (1 << 15));
    refuses(DESCRIPTOR_IN_USE);
  }

  @Test
  void aLoopEnds() {
    SplitDriver driver = split(0);
    driver.describe(0, DATA, 4, NEXT, 1);
    driver.describe(1, DATA, 4, NEXT, 0);
    driver.offer(0);
    refuses(CHAIN_LENGTH);
    driver = split(0);
    driver.describe(0, DATA, 0, NEXT, 0);
    driver.offer(0);
    refuses(CHAIN_LENGTH);
    PackedDriver ring = packed(0);
    for (int i = 0; i < SIZE; i++) {
      long at = ring.layout.descriptors() + 16L * i;
      memory.putLong(at, DATA);
      memory.putShort(at + 14, (short) (1 << 7 | NEXT));
    }
    refuses(CHAIN_LENGTH);
  }

  @Test
  void anIndirectTableIsBounded() {
    SplitDriver driver = split(Features.INDIRECT_DESC);
    long table = DATA;
    for (int i = 0; i < 2000; i++) {
      memory.putLong(table + 16L * i, DATA);
      memory.putInt(table + 16L * i + 8, 1);
      memory.putShort(table + 16L * i + 12, (short) NEXT);
      memory.putShort(table + 16L * i + 14, (short) (i + 1));
    }
    driver.describe(0, table, 16 * 2000, INDIRECT, 0);
    driver.offer(0);
    refuses(CHAIN_LENGTH);
    PackedDriver ring = packed(Features.INDIRECT_DESC);
    memory.fill(table, 16 * 2000, (byte) 0);
    memory.putLong(ring.layout.descriptors(), table);
    memory.putInt(ring.layout.descriptors() + 8, 16 * 2000);
    memory.putShort(ring.layout.descriptors() + 14, (short) (1 << 7 | INDIRECT));
    refuses(CHAIN_LENGTH);
  }

  @Test
  void badIndirectTablesAreRefused() {
    SplitDriver driver = split(0);
    driver.describe(0, DATA, 16, INDIRECT, 0);
    driver.offer(0);
    refuses(INDIRECT_NOT_NEGOTIATED);
    for (int length : new int[] {0, 15, 17, -16}) {
      driver = split(Features.INDIRECT_DESC);
      driver.describe(0, DATA, length, INDIRECT, 0);
      driver.offer(0);
      refuses(INDIRECT_TABLE);
    }
    driver = split(Features.INDIRECT_DESC);
    driver.describe(0, 0xFEC0_0000L, 16, INDIRECT, 0);
    driver.offer(0);
    refuses(INDIRECT_TABLE);
    driver = split(Features.INDIRECT_DESC);
    driver.describe(0, DATA, 16, INDIRECT | NEXT, 1);
    driver.offer(0);
    refuses(INDIRECT_NESTED);
    driver = split(Features.INDIRECT_DESC);
    memory.putShort(DATA + 12, (short) INDIRECT);
    driver.describe(0, DATA, 16, INDIRECT, 0);
    driver.offer(0);
    refuses(INDIRECT_NESTED);
    PackedDriver ring = packed(Features.INDIRECT_DESC);
    memory.putShort(DATA + 14, (short) INDIRECT);
    memory.putLong(ring.layout.descriptors(), DATA);
    memory.putInt(ring.layout.descriptors() + 8, 16);
    memory.putShort(ring.layout.descriptors() + 14, (short) (1 << 7 | INDIRECT));
    refuses(INDIRECT_NESTED);
  }

  @Test
  void buffersOutsideOfRamAreRefused() {
    for (long gpa : new long[] {0xFEE0_0000L, 4 * MIB, 4 * MIB - 3, 0xB_FFFF, -1, -4, 1L << 63}) {
      SplitDriver driver = split(0);
      driver.add(List.of(new Piece(gpa, 4, true)), false);
      refuses(BUFFER_PLACE);
      packed(0).add(List.of(new Piece(gpa, 4, true)), false);
      refuses(BUFFER_PLACE);
    }
    SplitDriver driver = split(0);
    driver.add(List.of(new Piece(DATA, -1, true)), false);
    refuses(BUFFER_PLACE);
    driver = split(0);
    driver.add(List.of(new Piece(0x9_FFFF, 2, false)), false);
    refuses(BUFFER_PLACE);
  }

  @Test
  void aChainHasAtMostFourGigabytes() {
    try (GuestMemory large = GuestMemory.allocate(3L << 30)) {
      SplitDriver driver = new SplitDriver(large, RING, SIZE, 0);
      queue = Virtqueue.of(large, driver.layout, 0, listener());
      driver.add(
          List.of(new Piece(MIB, 0xB000_0000, true), new Piece(MIB, 0xB000_0000, true)), false);
      refuses(CHAIN_BYTES);
    }
  }

  @Test
  void whatTheDeviceReadsComesFirst() {
    List<Piece> pieces = List.of(new Piece(DATA, 4, true), new Piece(DATA, 4, false));
    split(0).add(pieces, false);
    refuses(READABLE_AFTER_WRITABLE);
    packed(0).add(pieces, false);
    refuses(READABLE_AFTER_WRITABLE);
    split(Features.INDIRECT_DESC).add(pieces, true);
    refuses(READABLE_AFTER_WRITABLE);
  }

  /** Rings of random bytes, which change all the time, too. */
  @Test
  void anyRingIsServedOrRefused() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int served = 0;
    try {
      for (int round = 0; round < 20_000; round++) {
        errors.clear();
        long features =
            (random.nextBoolean() ? Features.RING_PACKED : 0)
                | (random.nextBoolean() ? Features.EVENT_IDX : 0)
                | (random.nextBoolean() ? Features.INDIRECT_DESC : 0)
                | (random.nextBoolean() ? Features.IN_ORDER : 0);
        DriverQueue driver = DriverQueue.of(memory, RING, SIZE, features);
        queue = Virtqueue.of(memory, driver.layout, features, listener());
        List<DescriptorChain> taken = new ArrayList<>();
        for (int step = 0; step < 20; step++) {
          scribble(random);
          DescriptorChain chain = queue.take();
          if (chain != null) {
            taken.add(chain);
            served++;
          }
          if (!taken.isEmpty() && random.nextInt(3) == 0) {
            taken.remove(0).complete(random.nextInt());
          }
          queue.enableNotifications();
        }
        assertThat(taken).as("seed %d", seed).hasSizeLessThanOrEqualTo(SIZE);
        assertThat(errors).as("seed %d", seed).hasSizeLessThanOrEqualTo(1);
      }
    } catch (RuntimeException e) {
      throw new AssertionError("seed " + seed, e);
    }
    assertThat(served).as("some are served").isGreaterThan(100);
  }

  private void scribble(Random random) {
    for (int i = 0; i < 8; i++) {
      long descriptor = RING + 16L * random.nextInt(SIZE);
      switch (random.nextInt(6)) {
        case 0 -> memory.putLong(descriptor, random.nextInt(6 << 20));
        case 1 -> memory.putInt(descriptor + 8, 16 * random.nextInt(64));
        case 2 -> memory.putShort(descriptor + 12, (short) random.nextInt(random.nextInt(9) + 1));
        case 3 -> memory.putShort(descriptor + 14, (short) (random.nextInt() & 0x8087));
        case 4 -> memory.putShort(RING + 16 * SIZE + 2, (short) random.nextInt(12));
        default ->
            memory.putShort(
                RING + 16 * SIZE + 4 + 2L * random.nextInt(8), (short) random.nextInt(9));
      }
    }
  }
}
