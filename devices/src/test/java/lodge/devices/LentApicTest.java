package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import lodge.core.ApicKeeper;
import lodge.core.ApicState;
import org.junit.jupiter.api.Test;

/** A local APIC whose work somebody else does for a while. */
class LentApicTest {
  private static final int TPR = 0x80;
  private static final int SVR = 0xF0;
  private static final int TIMER = 0x320;
  private static final int LINT0 = 0x350;
  private static final int INITIAL_COUNT = 0x380;
  private static final int CURRENT_COUNT = 0x390;
  private static final int DIVIDE_BY_1 = 0xB;
  private static final int DIVIDE = 0x3E0;
  private static final int PERIODIC = 1 << 17;
  private static final int TSC_DEADLINE = 2 << 17;
  private static final int EXT_INT = 7 << 8;
  private static final long X2APIC = 0xFEE0_0000L | 0xD00;

  private final FakeClock clock = new FakeClock();
  private final ApicBus bus = new ApicBus();
  private final List<Integer> ended = new ArrayList<>();
  private final List<String> kept = new ArrayList<>();
  private boolean keeps = true;
  private int kicks;
  private final LocalApic apic = apic(0);

  private final ApicKeeper keeper =
      (destination, logical, mode, vector, level) -> {
        if (keeps) {
          kept.add("%d %b %d %x %b".formatted(destination, logical, mode, vector, level));
        }
        return keeps;
      };

  LentApicTest() {
    bus.onEndOfInterrupt(ended::add);
    apic.write(SVR, 4, 0x1FF);
  }

  private LocalApic apic(int id) {
    return new LocalApic(
        id, id == 0, 40, 1_000_000_000, clock, clock::nanos, bus, () -> 0x77, () -> kicks++);
  }

  private void interrupt(int vector, boolean level) {
    bus.deliver(0, false, InterruptMessageSink.FIXED, vector, level, true);
  }

  @Test
  void messagesGoToTheKeeperUntilItDoesNotTakeThem() {
    apic.lend(keeper);
    bus.deliver(3, true, InterruptMessageSink.LOWEST_PRIORITY, 0x41, true, true);
    assertThat(kept).containsExactly("3 true 1 41 true");
    assertThat(apic.pending()).isFalse();
    apic.ended(0x41);
    assertThat(ended).containsExactly(0x41);
    keeps = false;
    apic.reset();
    apic.write(SVR, 4, 0x1FF);
    interrupt(0x42, false);
    assertThat(apic.acknowledge()).isEqualTo(0x42);
  }

  @Test
  void whatItHoldsIsLentAndComesBack() {
    interrupt(0x41, true);
    assertThat(apic.acknowledge()).isEqualTo(0x41);
    interrupt(0x35, false);
    interrupt(0x93, false);
    apic.write(TPR, 4, 0x20);
    apic.write(LINT0, 4, EXT_INT);
    LocalApic.State before = apic.state();
    ApicState lent = apic.lend(keeper);
    assertThat(lent.registers()[0x12]).as("ISR").isEqualTo(1 << 1);
    assertThat(lent.registers()[0x21]).as("IRR").isEqualTo(1 << 0x15);
    assertThat(lent.registers()[0x24]).as("IRR").isEqualTo(1 << 0x13);
    assertThat(lent.registers()[0x08]).as("TPR").isEqualTo(0x20);
    assertThat(apic.pending()).isFalse();
    assertThat(apic.mmioBase()).isEqualTo(-1);
    apic.giveBack(lent);
    assertThat(apic.state())
        .usingRecursiveComparison()
        .ignoringFields("timer.since")
        .isEqualTo(before);
    assertThat(apic.acknowledge()).isEqualTo(0x93);
    interrupt(0x94, false);
    assertThat(kept).as("messages are its own again").isEmpty();
  }

  @Test
  void itsRegistersAreNobodysMeanwhile() {
    apic.writeMsr(LocalApic.IA32_APIC_BASE, X2APIC);
    ApicState lent = apic.lend(keeper);
    for (int msr : new int[] {LocalApic.IA32_APIC_BASE, LocalApic.IA32_TSC_DEADLINE, 0x808}) {
      assertThat(apic.hasMsr(msr)).isFalse();
      assertThat(apic.writeMsr(msr, 0)).isFalse();
    }
    apic.giveBack(lent);
    assertThat(apic.readMsr(LocalApic.IA32_APIC_BASE)).isEqualTo(X2APIC);
    assertThat(apic.readMsr(0x802)).isZero();
    assertThat(apic.readMsr(0x80D)).as("LDR").isEqualTo(1);
  }

  @Test
  void the8259AndNmiStillComeByItsPins() {
    apic.lend(keeper);
    kicks = 0;
    apic.lint0().set(true);
    assertThat(kicks).isEqualTo(1);
    assertThat(apic.pending()).isTrue();
    assertThat(apic.acknowledge()).isEqualTo(0x77);
    apic.lint0().set(false);
    assertThat(apic.pending()).isFalse();
    apic.lint1().set(true);
    assertThat(apic.takeNmi()).isTrue();
  }

  @Test
  void aTimerCountsOnWhereItComesBack() {
    apic.write(DIVIDE, 4, DIVIDE_BY_1);
    apic.write(TIMER, 4, PERIODIC | 0x50);
    apic.write(INITIAL_COUNT, 4, 1_000_000);
    clock.advance(400_000);
    ApicState lent = apic.lend(keeper);
    assertThat(lent.registers()[CURRENT_COUNT >> 4]).isEqualTo(600_000);
    clock.advance(10_000_000);
    assertThat(apic.pending()).as("it does not count meanwhile").isFalse();
    lent.registers()[CURRENT_COUNT >> 4] = 300_000;
    apic.giveBack(lent);
    clock.advance(299_999);
    assertThat(apic.pending()).isFalse();
    clock.advance(1);
    assertThat(apic.acknowledge()).isEqualTo(0x50);
    apic.write(0xB0, 4, 0);
    clock.advance(1_000_000);
    assertThat(apic.acknowledge()).isEqualTo(0x50);
  }

  @Test
  void aDeadlineIsWaitedForWhereItComesBack() {
    apic.write(TIMER, 4, TSC_DEADLINE | 0x51);
    apic.writeMsr(LocalApic.IA32_TSC_DEADLINE, clock.nanos() + 500);
    ApicState lent = apic.lend(keeper);
    assertThat(lent.deadline()).isEqualTo(clock.nanos() + 500);
    clock.advance(1000);
    assertThat(apic.pending()).isFalse();
    apic.giveBack(lent);
    clock.advance(0);
    assertThat(apic.acknowledge()).isEqualTo(0x51);
  }

  @Test
  void whoWaitsToBeStartedWaitsAtTheKeepers() {
    LocalApic second = apic(1);
    kicks = 0;
    ApicState lent = second.lend(keeper);
    assertThat(lent.waitsForStartup()).isTrue();
    assertThat(second.waitsForStartup()).isFalse();
    assertThat(kicks).as("its thread is to see that").isEqualTo(1);
    second.giveBack(lent);
    assertThat(second.waitsForStartup()).isTrue();
  }
}
