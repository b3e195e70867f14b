package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class Pit8254Test {
  private static final int CONTROL = 3;

  private final FakeClock clock = new FakeClock();
  private final Probe irq = new Probe();
  private final Pit8254 pit = new Pit8254(irq, clock);

  private void out(int port, int value) {
    pit.write(port, 1, value);
  }

  private int in(int port) {
    return (int) pit.read(port, 1);
  }

  private void load(int counter, int count) {
    out(counter, count & 0xFF);
    out(counter, count >> 8);
  }

  private int latched(int counter) {
    out(CONTROL, counter << 6);
    return in(counter) | in(counter) << 8;
  }

  private void controlB(int value) {
    pit.systemControlB().write(0, 1, value);
  }

  private boolean out2() {
    return (pit.systemControlB().read(0, 1) & 0x20) != 0;
  }

  /** Moves to the middle of a clock pulse that many pulses ahead. */
  private void pulses(long n) {
    long now = clock.nanos() * Pit8254.HZ / 1_000_000_000;
    clock.advanceTo((2 * (now + n) + 1) * 1_000_000_000 / (2 * Pit8254.HZ));
  }

  private boolean status(int counter, int bit) {
    out(CONTROL, 0xE0 | 2 << counter);
    return (in(counter) >> bit & 1) != 0;
  }

  @Test
  void modeZeroInterruptsOnceAfterTheCount() {
    out(CONTROL, 0x30);
    load(0, 1000);
    assertThat(irq.high).isFalse();
    pulses(1000);
    assertThat(irq.high).isFalse();
    pulses(1);
    assertThat(irq.high).isTrue();
    int edges = irq.edges;
    pulses(200_000);
    assertThat(irq.edges).isEqualTo(edges);
    assertThat(clock.idle()).isTrue();
    load(0, 5);
    assertThat(irq.high).as("a new count starts over").isFalse();
  }

  @Test
  void modeZeroCountsOnPastZero() {
    pulses(1);
    out(CONTROL, 0x30);
    load(0, 100);
    pulses(101);
    assertThat(latched(0)).isZero();
    pulses(1);
    assertThat(latched(0)).isEqualTo(0xFFFF);
  }

  @Test
  void modeTwoInterruptsEveryPeriodForEver() {
    out(CONTROL, 0x34);
    load(0, 11932);
    clock.advance(1_000_000_000);
    assertThat(irq.edges).isBetween(99, 100);
    int soFar = irq.edges;
    clock.skip(1_000_000_000);
    clock.advance(0);
    assertThat(irq.edges).as("a late host makes up for one tick only").isEqualTo(soFar + 1);
  }

  @Test
  void modeTwoIsLowForOnePulse() {
    pulses(1);
    out(CONTROL, 0xB4);
    controlB(1);
    load(2, 10);
    pulses(1);
    for (int i = 0; i < 30; i++) {
      assertThat(out2()).as("pulse %d", i).isEqualTo(i % 10 != 9);
      assertThat(latched(2)).isEqualTo(10 - i % 10);
      pulses(1);
    }
  }

  @Test
  void modeThreeIsHighForTheLongerHalf() {
    pulses(1);
    out(CONTROL, 0xB6);
    controlB(1);
    load(2, 7);
    pulses(1);
    int[] counts = {7, 5, 3, 1, 6, 4, 2};
    for (int i = 0; i < 28; i++) {
      assertThat(out2()).as("pulse %d", i).isEqualTo(i % 7 < 4);
      assertThat(latched(2)).as("pulse %d", i).isEqualTo(counts[i % 7]);
      pulses(1);
    }
  }

  @Test
  void aNewCountOfModeTwoWaitsForTheEndOfThePeriod() {
    pulses(1);
    out(CONTROL, 0x34);
    load(0, 100);
    pulses(51);
    load(0, 1000);
    assertThat(status(0, 6)).as("null count").isTrue();
    assertThat(latched(0)).isEqualTo(50);
    pulses(50);
    assertThat(irq.edges).as("counter 0 starts high").isEqualTo(2);
    assertThat(latched(0)).isEqualTo(1000);
    assertThat(status(0, 6)).isFalse();
    pulses(999);
    assertThat(irq.edges).isEqualTo(2);
    pulses(1);
    assertThat(irq.edges).isEqualTo(3);
  }

  @Test
  void modeThreeDrivesTheInterruptLineAsASquareWave() {
    out(CONTROL, 0x36);
    load(0, 0);
    clock.advance(1_000_000_000);
    assertThat(irq.edges).isBetween(18, 20);
    assertThat(clock.fired).as("two changes a period").isBetween(35, 38);
  }

  @Test
  void modeOneIsAOneShotThatTheGateTriggers() {
    pulses(1);
    out(CONTROL, 0xB2);
    load(2, 5);
    assertThat(out2()).isTrue();
    pulses(50);
    assertThat(out2()).isTrue();
    controlB(1);
    pulses(1);
    assertThat(out2()).isFalse();
    pulses(4);
    assertThat(out2()).isFalse();
    controlB(0);
    controlB(1);
    pulses(5);
    assertThat(out2()).as("triggered again").isFalse();
    pulses(1);
    assertThat(out2()).isTrue();
  }

  @Test
  void modeFourStrobesOnceForOnePulse() {
    pulses(1);
    controlB(1);
    out(CONTROL, 0xB8);
    load(2, 5);
    pulses(5);
    assertThat(out2()).isTrue();
    pulses(1);
    assertThat(out2()).isFalse();
    pulses(1);
    assertThat(out2()).isTrue();
  }

  @Test
  void modeFourInterruptsAtTheEndOfItsStrobe() {
    out(CONTROL, 0x38);
    load(0, 5000);
    clock.advance(10_000_000);
    assertThat(irq.edges).as("starts high, strobes once").isEqualTo(2);
    assertThat(clock.idle()).isTrue();
  }

  @Test
  void modeFiveStrobesAfterTheGateHasTriggeredIt() {
    pulses(1);
    out(CONTROL, 0xBA);
    load(2, 5);
    pulses(20);
    assertThat(out2()).isTrue();
    controlB(1);
    pulses(6);
    assertThat(out2()).isFalse();
    pulses(1);
    assertThat(out2()).isTrue();
  }

  @Test
  void theGateStopsAndContinuesModeZero() {
    pulses(1);
    controlB(1);
    out(CONTROL, 0xB0);
    load(2, 100);
    pulses(41);
    controlB(0);
    assertThat(latched(2)).isEqualTo(60);
    pulses(1000);
    assertThat(latched(2)).isEqualTo(60);
    assertThat(out2()).isFalse();
    controlB(1);
    pulses(60);
    assertThat(out2()).isTrue();
  }

  @Test
  void aClosedGateHoldsModeTwoHighAndOpeningItStartsOver() {
    pulses(1);
    controlB(1);
    out(CONTROL, 0xB4);
    load(2, 100);
    pulses(31);
    controlB(0);
    pulses(500);
    assertThat(out2()).isTrue();
    controlB(1);
    pulses(1);
    assertThat(latched(2)).isEqualTo(100);
  }

  @Test
  void linuxFindsTheSpeedOfTheProcessorWithCounterTwo() {
    controlB(1);
    out(CONTROL, 0xB0);
    load(2, 0xFFFF);
    int msb = 0xFF;
    long start = clock.nanos();
    while (msb > 0xF0) {
      clock.advance(1000);
      in(2);
      msb = in(2);
    }
    assertThat(clock.nanos() - start).isBetween(3_200_000L, 3_240_000L);
  }

  @Test
  void theOutputOfCounterTwoShowsWhenFiftyMillisecondsAreOver() {
    controlB(1);
    out(CONTROL, 0xB0);
    load(2, (int) (Pit8254.HZ / 20));
    clock.advance(49_990_000);
    assertThat(out2()).isFalse();
    clock.advance(20_000);
    assertThat(out2()).isTrue();
  }

  @Test
  void aLatchedCountStandsUntilItIsRead() {
    pulses(1);
    out(CONTROL, 0x34);
    load(0, 0x1234);
    pulses(1);
    out(CONTROL, 0x00);
    pulses(100);
    out(CONTROL, 0x00);
    assertThat(in(0) | in(0) << 8).isEqualTo(0x1234);
    assertThat(in(0) | in(0) << 8).isEqualTo(0x1234 - 100);
  }

  @Test
  void readBackGivesStatusBeforeCount() {
    pulses(1);
    out(CONTROL, 0x34);
    load(0, 500);
    pulses(1);
    out(CONTROL, 0xC2);
    assertThat(in(0)).isEqualTo(0x80 | 0x34);
    assertThat(in(0) | in(0) << 8).isEqualTo(500);
    out(CONTROL, 0x30);
    out(CONTROL, 0xE2);
    assertThat(in(0)).as("output low, null count").isEqualTo(0x40 | 0x30);
  }

  @Test
  void oneByteAccessLeavesTheOtherByteZero() {
    pulses(1);
    out(CONTROL, 0x24);
    out(0, 2);
    pulses(1);
    assertThat(status(0, 6)).isFalse();
    out(CONTROL, 0);
    assertThat(in(0)).as("0x200, high byte").isEqualTo(2);
    out(CONTROL, 0x14);
    out(0, 9);
    pulses(1);
    assertThat(in(0)).isEqualTo(9);
  }

  @Test
  void bcdCountsInDecimalDigits() {
    pulses(1);
    out(CONTROL, 0x31);
    load(0, 0x1000);
    pulses(1);
    assertThat(latched(0)).isEqualTo(0x1000);
    pulses(1);
    assertThat(latched(0)).isEqualTo(0x999);
    pulses(1000);
    assertThat(latched(0)).isEqualTo(0x9999);
    load(0, 0);
    pulses(2);
    assertThat(latched(0)).as("0 stands for 10000").isEqualTo(0x9999);
  }

  @Test
  void portSixtyOneKeepsItsLowBitsAndTogglesRefresh() {
    controlB(0xFF);
    assertThat(pit.systemControlB().read(0, 1) & 0xCF).isEqualTo(0x0F);
    int toggles = 0;
    long last = pit.systemControlB().read(0, 1) & 0x10;
    for (int i = 0; i < 1000; i++) {
      clock.advance(1000);
      long now = pit.systemControlB().read(0, 1) & 0x10;
      toggles += now != last ? 1 : 0;
      last = now;
    }
    assertThat(toggles).isBetween(65, 67);
  }

  @Test
  void aCountOfOneDoesNotSpinTheHost() {
    out(CONTROL, 0x34);
    load(0, 1);
    clock.advance(1_000_000_000);
    assertThat(clock.fired).isLessThanOrEqualTo(20_001);
  }

  @Test
  void savedStateBringsEverythingBack() {
    out(CONTROL, 0x34);
    load(0, 11932);
    controlB(1);
    clock.advance(5_000_000);
    Pit8254.State saved = Fuzz.roundTrip(pit);
    assertThat(pit.state()).isEqualTo(saved);
    int edges = irq.edges;
    clock.advance(10_000_000);
    assertThat(irq.edges).isEqualTo(edges + 1);
    assertThatThrownBy(
            () ->
                pit.restore(
                    new Pit8254.State(
                        saved.counter0(), saved.counter1(), saved.counter2(), 0x100, 0)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    for (int seed = 0; seed < 5; seed++) {
      Fuzz.hammer(seed, clock, pit, pit.systemControlB());
      Pit8254.State saved = Fuzz.roundTrip(pit);
      assertThat(pit.state()).isEqualTo(saved);
    }
    assertThat(pit.read(3, 1)).isEqualTo(-1);
  }
}
