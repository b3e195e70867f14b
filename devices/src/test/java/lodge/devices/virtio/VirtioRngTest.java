package lodge.devices.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.random.RandomGenerator;
import lodge.devices.FakeClock;
import lodge.devices.virtio.DriverQueue.Used;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Entropy from a source that counts. */
class VirtioRngTest {
  private static final int TENTH = VirtioRng.PERIOD_BYTES / 10;

  private final FakeClock clock = new FakeClock();
  private final RandomGenerator source =
      new RandomGenerator() {
        private byte last;

        @Override
        public long nextLong() {
          throw new AssertionError();
        }

        @Override
        public void nextBytes(byte[] bytes) {
          for (int i = 0; i < bytes.length; i++) {
            bytes[i] = ++last;
          }
        }
      };
  private final Rig<VirtioRng.State> rig = new Rig<>(new VirtioRng(source, clock));

  @AfterEach
  void close() {
    rig.close();
  }

  @Test
  void buffersAreFilledFromTheSource() {
    for (long features : new long[] {0, Features.RING_PACKED, Features.EVENT_IDX}) {
      rig.start(features);
      int token = rig.add(0, Rig.in(0, 2), Rig.in(0x100, 2));
      assertThat(rig.poll(0)).isEqualTo(new Used(token, 4));
      byte first = rig.data(0, 1)[0];
      assertThat(rig.data(0, 3)).containsExactly(first, first + 1, 0);
      assertThat(rig.data(0x100, 3)).containsExactly(first + 2, first + 3, 0);
      rig.pci.reset();
    }
    assertThat(rig.interrupts).isEqualTo(3);
  }

  @Test
  void itIsAnEntropySourceWithoutConfiguration() {
    rig.start(0);
    assertThat(rig.pci.read(0, 4)).isEqualTo(0x1005_1AF4);
    assertThat(rig.driver.capabilities).doesNotContainKey(PciDriver.DEVICE);
  }

  @Test
  void aGuestGetsNoMoreThanItsShareOfTime() {
    rig.start(0);
    long got = 0;
    for (int i = 0; i < 10; i++) {
      rig.add(0, Rig.in(0, 2 * TENTH));
    }
    for (Used used = rig.poll(0); used != null; used = rig.poll(0)) {
      got += used.written();
    }
    assertThat(got).isEqualTo(VirtioRng.PERIOD_BYTES);
    clock.advance(VirtioRng.PERIOD_NANOS - 1);
    assertThat(rig.poll(0)).isNull();
    clock.advance(1);
    for (Used used = rig.poll(0); used != null; used = rig.poll(0)) {
      got += used.written();
    }
    int cutShort = VirtioRng.PERIOD_BYTES % (2 * TENTH);
    assertThat(got).as("nine buffers, and one cut short").isEqualTo(18 * TENTH + cutShort);
    assertThat(rig.queues[0].free()).isEqualTo(Rig.QUEUE_SIZE);
  }

  @Test
  void aBufferWithoutRoomBreaksTheRules() {
    rig.start(0);
    rig.add(0, rig.out(0, (byte) 1));
    assertThat(rig.needsReset()).isTrue();
    assertThat(rig.pci.errors()).containsOnly(Map.entry(QueueError.REQUEST_FORM, 1L));
    rig.start(0);
    assertThat(rig.needsReset()).isFalse();
    rig.add(0, Rig.in(0, 8));
    assertThat(rig.poll(0)).isNotNull();
  }

  @Test
  void buffersThatWaitAreFilledAfterRestoring() {
    rig.start(0);
    while (rig.queues[0].free() > 1) {
      rig.add(0, Rig.in(0, VirtioRng.PERIOD_BYTES));
    }
    assertThat(rig.poll(0)).isNotNull();
    assertThat(rig.poll(0)).isNull();
    VirtioPci.State<VirtioRng.State> saved = rig.pci.state();
    rig.pci.reset();
    clock.advance(VirtioRng.PERIOD_NANOS);
    assertThat(rig.poll(0)).isNull();
    rig.memory.fill(Rig.DATA, 8, (byte) 0);
    rig.pci.restore(saved);
    assertThat(rig.poll(0)).isNotNull();
    assertThat(rig.data(0, 8)).isNotEqualTo(new byte[8]);
  }
}
