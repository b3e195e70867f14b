package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ApicTimerTest {
  private static final int SVR = 0xF0;
  private static final int EOI = 0xB0;
  private static final int LVT_TIMER = 0x320;
  private static final int INITIAL_COUNT = 0x380;
  private static final int CURRENT_COUNT = 0x390;
  private static final int DIVIDE = 0x3E0;
  private static final int DIVIDE_BY_1 = 0xB;
  private static final int PERIODIC = 1 << 17;
  private static final int TSC_DEADLINE = 2 << 17;
  private static final int VECTOR = 0xEC;
  private static final int DEADLINE = LocalApic.IA32_TSC_DEADLINE;

  private final FakeClock clock = new FakeClock();
  private long tscOffset = 77_000;
  private int kicks;
  private final LocalApic apic = apic(1_000_000_000);

  private LocalApic apic(long hz) {
    LocalApic created =
        new LocalApic(
            0,
            true,
            40,
            hz,
            clock,
            () -> clock.nanos() + tscOffset,
            new ApicBus(),
            () -> -1,
            () -> kicks++);
    created.write(SVR, 4, 0x1FF);
    created.write(DIVIDE, 4, DIVIDE_BY_1);
    return created;
  }

  private void out(int register, long value) {
    apic.write(register, 4, value);
  }

  private long count() {
    return apic.read(CURRENT_COUNT, 4);
  }

  private boolean interrupted() {
    if (!apic.pending()) {
      return false;
    }
    assertThat(apic.acknowledge()).isEqualTo(VECTOR);
    out(EOI, 0);
    return true;
  }

  @Test
  void oneShotCountsDownAndInterruptsOnce() {
    out(LVT_TIMER, VECTOR);
    out(INITIAL_COUNT, 1_000_000);
    clock.advance(400_000);
    assertThat(count()).isEqualTo(600_000);
    clock.advance(599_999);
    assertThat(interrupted()).isFalse();
    clock.advance(1);
    assertThat(kicks).isEqualTo(1);
    assertThat(interrupted()).isTrue();
    assertThat(count()).isZero();
    clock.advance(10_000_000);
    assertThat(interrupted()).isFalse();
    assertThat(apic.read(INITIAL_COUNT, 4)).isEqualTo(1_000_000);
    assertThat(clock.idle()).isTrue();
  }

  @Test
  void theDivideConfigurationSlowsItDown() {
    int[] codes = {0xB, 0, 1, 2, 3, 8, 9, 0xA};
    for (int i = 0; i < codes.length; i++) {
      out(DIVIDE, codes[i]);
      assertThat(apic.read(DIVIDE, 4)).isEqualTo(codes[i]);
      out(INITIAL_COUNT, 1_000_000);
      clock.advance(128_000);
      assertThat(count()).as("divided by %d", 1 << i).isEqualTo(1_000_000 - (128_000 >> i));
    }
  }

  @Test
  void aChangeOfTheDividerGoesOnFromTheCount() {
    out(INITIAL_COUNT, 1_000_000);
    clock.advance(500_000);
    out(DIVIDE, 0);
    assertThat(count()).isEqualTo(500_000);
    clock.advance(500_000);
    assertThat(count()).isEqualTo(250_000);
  }

  @Test
  void periodicInterruptsForEverWithoutDrifting() {
    out(LVT_TIMER, PERIODIC | VECTOR);
    out(INITIAL_COUNT, 1_000_000);
    int ticks = 0;
    for (int i = 0; i < 1000; i++) {
      clock.advance(1_000_000);
      ticks += interrupted() ? 1 : 0;
      assertThat(count()).isEqualTo(1_000_000);
    }
    assertThat(ticks).isEqualTo(1000);
    clock.advance(250_000);
    assertThat(count()).isEqualTo(750_000);
    out(INITIAL_COUNT, 0);
    assertThat(clock.idle()).isTrue();
  }

  @Test
  void aLateHostMakesUpForOneTickOnly() {
    out(LVT_TIMER, PERIODIC | VECTOR);
    out(INITIAL_COUNT, 1_000_000);
    clock.skip(10_500_000);
    clock.advance(0);
    assertThat(interrupted()).isTrue();
    assertThat(interrupted()).isFalse();
    clock.advance(499_999);
    assertThat(interrupted()).isFalse();
    clock.advance(1);
    assertThat(interrupted()).isTrue();
  }

  @Test
  void aPeriodOfOneNanosecondDoesNotSpinTheHost() {
    out(LVT_TIMER, PERIODIC | VECTOR);
    out(INITIAL_COUNT, 1);
    clock.advance(1_000_000_000);
    assertThat(clock.fired).isLessThanOrEqualTo(20_001);
  }

  @Test
  void otherClocksAreExactToo() {
    LocalApic slow = apic(25_000_000);
    slow.write(LVT_TIMER, 4, PERIODIC | VECTOR);
    slow.write(INITIAL_COUNT, 4, 250_000);
    int ticks = 0;
    for (int i = 0; i < 100; i++) {
      clock.advance(10_000_000);
      if (slow.acknowledge() == VECTOR) {
        ticks++;
        slow.write(EOI, 4, 0);
      }
    }
    assertThat(ticks).isEqualTo(100);
  }

  @Test
  void theDeadlineComesWhenTheTscReachesIt() {
    out(LVT_TIMER, TSC_DEADLINE | VECTOR);
    long deadline = clock.nanos() + tscOffset + 5_000;
    assertThat(apic.writeMsr(DEADLINE, deadline)).isTrue();
    assertThat(apic.readMsr(DEADLINE)).isEqualTo(deadline);
    clock.advance(4_999);
    assertThat(interrupted()).isFalse();
    clock.advance(1);
    assertThat(interrupted()).isTrue();
    assertThat(apic.readMsr(DEADLINE)).as("disarmed").isZero();
    clock.advance(1_000_000);
    assertThat(interrupted()).isFalse();
  }

  @Test
  void aDeadlineThatHasPassedInterruptsAtOnce() {
    out(LVT_TIMER, TSC_DEADLINE | VECTOR);
    apic.writeMsr(DEADLINE, 1);
    assertThat(kicks).isEqualTo(1);
    assertThat(interrupted()).isTrue();
  }

  @Test
  void aDeadlineCanBeTakenBack() {
    out(LVT_TIMER, TSC_DEADLINE | VECTOR);
    apic.writeMsr(DEADLINE, clock.nanos() + tscOffset + 5_000);
    apic.writeMsr(DEADLINE, 0);
    assertThat(clock.idle()).isTrue();
    apic.writeMsr(DEADLINE, -1);
    assertThat(clock.idle()).as("five hundred years are for ever").isTrue();
  }

  @Test
  void aWrittenTscMovesTheDeadline() {
    out(LVT_TIMER, TSC_DEADLINE | VECTOR);
    apic.writeMsr(DEADLINE, clock.nanos() + tscOffset + 5_000_000);
    tscOffset += 4_000_000;
    apic.tscAdjusted();
    clock.advance(1_000_000);
    assertThat(interrupted()).isTrue();
    apic.writeMsr(DEADLINE, clock.nanos() + tscOffset + 1_000_000);
    tscOffset -= 1_000_000;
    clock.advance(1_500_000);
    assertThat(interrupted()).as("set back: not due yet").isFalse();
    clock.advance(500_000);
    assertThat(interrupted()).isTrue();
  }

  @Test
  void theDeadlineRegisterSleepsInTheOtherModes() {
    apic.writeMsr(DEADLINE, 1);
    assertThat(apic.readMsr(DEADLINE)).isZero();
    out(LVT_TIMER, TSC_DEADLINE | VECTOR);
    out(INITIAL_COUNT, 1000);
    assertThat(count()).isZero();
    apic.writeMsr(DEADLINE, clock.nanos() + tscOffset + 5_000);
    out(LVT_TIMER, VECTOR);
    assertThat(apic.readMsr(DEADLINE)).isZero();
    clock.advance(1_000_000);
    assertThat(interrupted()).isFalse();
  }

  @Test
  void aMaskedTimerExpiresInSilence() {
    out(LVT_TIMER, 1 << 16 | VECTOR);
    out(INITIAL_COUNT, 1000);
    clock.advance(5000);
    out(LVT_TIMER, VECTOR);
    clock.advance(5000);
    assertThat(interrupted()).isFalse();
    assertThat(count()).isZero();
  }

  @Test
  void aRestoredTimerGoesOn() {
    out(LVT_TIMER, PERIODIC | VECTOR);
    out(INITIAL_COUNT, 1_000_000);
    clock.advance(1_400_000);
    assertThat(interrupted()).isTrue();
    LocalApic.State saved = apic.state();
    apic.reset();
    assertThat(clock.idle()).isTrue();
    apic.restore(saved);
    assertThat(count()).isEqualTo(600_000);
    clock.advance(600_000);
    assertThat(interrupted()).isTrue();
  }
}
