package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import lodge.core.BusDevice;
import lodge.core.Counters;
import lodge.core.Exit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Writes to doorbells, which KVM counts without coming out to the vCPU's thread. */
@Timeout(30)
class DoorbellsTest {
  private static final long BASE = 0xB_0000;

  /** mov ax, 0xb000; mov ds, ax; mov [offset], ax. */
  private static final String RING = "b800b0 8ed8 a3%02x00 ";

  private static final String RING_WITH_32_BITS = "b800b0 8ed8 66a30400 ";
  private static final String HLT = "f4";

  /** Has doorbells at 4 and at 8. */
  private static final class Device implements BusDevice {
    final List<String> writes = new CopyOnWriteArrayList<>();
    final List<Thread> threads = new CopyOnWriteArrayList<>();

    @Override
    public long read(long offset, int size) {
      return 0;
    }

    @Override
    public void write(long offset, int size, long value) {
      threads.add(Thread.currentThread());
      writes.add("%d of %d: %x".formatted(offset, size, value));
    }

    @Override
    public long[] doorbells() {
      return new long[] {4, 8};
    }
  }

  private final Device device = new Device();
  private final Guest guest = new Guest();
  private long files;

  @BeforeEach
  void check() throws Exception {
    KvmAvailable.check();
    files = OpenFiles.count();
  }

  @AfterEach
  void close() {
    guest.close();
  }

  private long exits() {
    Counters counters = new Counters();
    guest.vcpu.count(counters);
    return counters.totals().get("exits_mmio_write");
  }

  private void run(String code) {
    guest.code(code + HLT).on(new KvmEngine());
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
  }

  @Test
  void aWriteRingsFromAnotherThreadAndTheGuestGoesOn() {
    guest.mmio.map(BASE, 0x1000, 4, device);
    run(RING.formatted(4) + RING.formatted(8));
    assertThat(exits()).isZero();
    guest.vcpu.close();
    assertThat(device.writes).containsExactlyInAnyOrder("4 of 2: 0", "8 of 2: 0");
    assertThat(device.threads).doesNotContain(Thread.currentThread());
  }

  @Test
  void anotherWidthOrAnotherPlaceComesOut() {
    guest.mmio.map(BASE, 0x1000, 4, device);
    run(RING_WITH_32_BITS + RING.formatted(0x10));
    assertThat(exits()).isEqualTo(2);
    assertThat(device.writes).hasSize(2);
    assertThat(device.writes.getFirst()).startsWith("4 of 4: ");
    assertThat(device.writes.getLast()).startsWith("16 of 2: ");
  }

  @Test
  void aDoorbellThatMovesRingsAtItsNewPlaceOnly() {
    guest.mmio.move(BASE - 0x1000, 0x1000, 4, device);
    guest.code(RING.formatted(4) + HLT).on(new KvmEngine());
    guest.mmio.move(BASE, 0x1000, 4, device);
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(exits()).isZero();
    guest.mmio.remove(device);
    guest.start();
    assertThat(guest.run()).isEqualTo(Exit.HALTED);
    assertThat(exits()).as("nobody is there any more").isEqualTo(1);
    guest.vcpu.close();
    assertThat(device.writes).containsExactly("4 of 2: 0");
  }

  @Test
  void whoIsInFrontKeepsTheDoorbellsPlace() {
    Device front = new Device();
    guest.mmio.map(BASE, 6, 2, silent(front));
    guest.mmio.move(BASE, 0x1000, 4, device);
    run(RING.formatted(4) + RING.formatted(8));
    guest.vcpu.close();
    assertThat(front.writes).containsExactly("4 of 2: b000");
    assertThat(device.writes).containsExactly("8 of 2: 0");
  }

  /** The same without doorbells. */
  private static BusDevice silent(Device device) {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return device.read(offset, size);
      }

      @Override
      public void write(long offset, int size, long value) {
        device.write(offset, size, value);
      }
    };
  }

  @Test
  void aRingIsHeardWhileTheGuestRuns() throws Exception {
    CountDownLatch rung = new CountDownLatch(1);
    guest.mmio.map(
        BASE,
        0x1000,
        4,
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            return 0;
          }

          @Override
          public void write(long offset, int size, long value) {
            rung.countDown();
          }

          @Override
          public long[] doorbells() {
            return new long[] {4};
          }
        });
    guest.code(RING.formatted(4) + "ebfe").on(new KvmEngine());
    Thread vcpu = Thread.ofPlatform().start(guest.vcpu::run);
    rung.await();
    guest.vcpu.kick();
    vcpu.join();
  }

  @Test
  void nothingIsLeft() throws Exception {
    guest.mmio.map(BASE, 0x1000, 4, device);
    run(RING.formatted(4));
    assertThat(OpenFiles.count()).isEqualTo(files + 6);
    guest.vcpu.close();
    assertThat(OpenFiles.count()).isEqualTo(files);
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .doesNotContain("lodge-doorbells");
  }

  @Test
  void whoEndsBeforeAnybodyListensDoesNotWait() throws Exception {
    for (int i = 0; i < 100; i++) {
      try (Guest other = new Guest()) {
        other.mmio.map(BASE, 0x1000, 4, device);
        other.on(new KvmEngine());
      }
    }
    assertThat(OpenFiles.count()).isEqualTo(files);
  }
}
