package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * Interrupts all the way from a device to a processor, and all chips at once from several threads.
 */
class InterruptPathsTest {
  private static final int SVR = 0xF0;
  private static final int EOI = 0xB0;
  private static final int ICR = 0x300;
  private static final int LVT_LINT0 = 0x350;
  private static final int LVT_TIMER = 0x320;
  private static final int INITIAL_COUNT = 0x380;

  private final FakeClock clock = new FakeClock();
  private final ApicBus bus = new ApicBus();
  private final Pic8259[] pic = new Pic8259[1];
  private final LocalApic boot = apic(0);
  private final IoApic ioApic = new IoApic(0, bus);

  InterruptPathsTest() {
    pic[0] = new Pic8259(boot.lint0());
    bus.onEndOfInterrupt(ioApic::endOfInterrupt);
  }

  private LocalApic apic(int id) {
    LocalApic apic =
        new LocalApic(
            id,
            id == 0,
            40,
            1_000_000_000,
            clock,
            clock::nanos,
            bus,
            () -> id == 0 ? pic[0].acknowledge() : -1,
            () -> {});
    apic.write(SVR, 4, 0x1FF);
    return apic;
  }

  private void redirect(int pin, int low) {
    ioApic.write(0, 4, 0x10 + 2 * pin);
    ioApic.write(0x10, 4, low);
  }

  @Test
  void aLevelInterruptComesAgainUntilTheDeviceIsServed() {
    redirect(9, 1 << 15 | 0x61);
    ioApic.line(9).set(true);
    for (int i = 0; i < 3; i++) {
      assertThat(boot.acknowledge()).isEqualTo(0x61);
      assertThat(boot.pending()).isFalse();
      boot.write(EOI, 4, 0);
    }
    assertThat(boot.acknowledge()).isEqualTo(0x61);
    ioApic.line(9).set(false);
    boot.write(EOI, 4, 0);
    assertThat(boot.pending()).isFalse();
  }

  @Test
  void aSerialPortInterruptsThroughTheIoApic() {
    redirect(4, 0x34);
    Uart16550 uart = new Uart16550(ioApic.line(4), clock, b -> {});
    uart.write(4, 1, 8);
    uart.write(1, 1, 1);
    uart.receive('x');
    assertThat(boot.acknowledge()).isEqualTo(0x34);
    boot.write(EOI, 4, 0);
    uart.read(0, 1);
    assertThat(boot.pending()).isFalse();
    uart.receive('y');
    assertThat(boot.pending()).isTrue();
  }

  /** Locks that are taken in different orders would stop this test for ever. */
  @Test
  void allPathsAtOnceNeverStopEachOther() throws InterruptedException {
    LocalApic second = apic(1);
    for (int b : new int[] {0x11, 0x20, 4, 1}) {
      pic[0].master().write(b == 0x11 ? 0 : 1, 1, b);
    }
    boot.write(LVT_LINT0, 4, 0x700);
    boot.write(LVT_TIMER, 4, 2 << 16 | 0xEC);
    boot.write(INITIAL_COUNT, 4, 100_000);
    redirect(5, 1 << 15 | 1 << 8 | 0x55);
    AtomicBoolean failed = new AtomicBoolean();
    List<Runnable> work = new ArrayList<>();
    work.add(
        () -> {
          pic[0].line(3).pulse();
          ioApic.line(5).set(true);
          ioApic.line(5).set(false);
        });
    work.add(
        () -> {
          boot.acknowledge();
          boot.write(EOI, 4, 0);
          pic[0].master().write(0, 1, 0x20);
          boot.write(ICR, 4, 3 << 18 | 0x4081);
        });
    work.add(
        () -> {
          second.acknowledge();
          second.write(EOI, 4, 0);
          second.write(ICR, 4, 2 << 18 | 0x4091);
          ioApic.write(0x40, 4, 0x55);
        });
    work.add(() -> clock.advance(10_000));
    List<Thread> threads = new ArrayList<>();
    for (Runnable step : work) {
      threads.add(
          Thread.ofPlatform()
              .daemon()
              .uncaughtExceptionHandler((_, _) -> failed.set(true))
              .start(
                  () -> {
                    for (int i = 0; i < 50_000; i++) {
                      step.run();
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join(60_000);
      assertThat(thread.isAlive()).as("stuck").isFalse();
    }
    assertThat(failed).isFalse();
  }
}
