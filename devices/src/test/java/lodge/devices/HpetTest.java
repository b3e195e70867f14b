package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class HpetTest {
  private static final int CONFIGURATION = 0x10;
  private static final int STATUS = 0x20;
  private static final int COUNTER = 0xF0;

  private static final int ENABLE = 1;
  private static final int LEGACY = 2;

  private static final int LEVEL = 1 << 1;
  private static final int INTERRUPT = 1 << 2;
  private static final int PERIODIC = 1 << 3;
  private static final int VALUE_SET = 1 << 6;
  private static final int BITS_32 = 1 << 8;
  private static final int PIN_17 = 17 << 9;

  private static final long MICROSECOND = 1_000;
  private static final long MILLISECOND = 1_000_000;
  private static final long SECOND = 1_000_000_000;

  private final FakeClock clock = new FakeClock();
  private final Probe irq0 = new Probe();
  private final Probe irq8 = new Probe();
  private final List<Probe> pins = Stream.generate(Probe::new).limit(8).toList();
  private final Probe pin17 = pins.get(1);
  private final Hpet hpet = new Hpet(irq0, irq8, List.copyOf(pins), clock);

  private static int config(int timer) {
    return 0x100 + 0x20 * timer;
  }

  private static int comparator(int timer) {
    return 0x108 + 0x20 * timer;
  }

  private long in(int register) {
    return hpet.read(register, 8);
  }

  private long in32(int register) {
    return hpet.read(register, 4) & 0xFFFF_FFFFL;
  }

  private void out(int register, long value) {
    hpet.write(register, 8, value);
  }

  private void out32(int register, long value) {
    hpet.write(register, 4, value & 0xFFFF_FFFFL);
  }

  @Test
  void saysWhatItIs() {
    assertThat(in(0)).isEqualTo(10_000_000L << 32 | 0x8086_A201L);
    assertThat(in32(4)).as("femtoseconds a tick").isEqualTo(10_000_000);
    for (int n = 0; n < 3; n++) {
      assertThat(in(config(n))).as("periodic, 64 bits, pins").isEqualTo(0x00FF_0000_0000_0030L);
      assertThat(in(comparator(n))).isEqualTo(-1);
    }
    assertThat(in(config(3))).as("no fourth timer").isZero();
    out(0, 0);
    assertThat(in32(0)).isEqualTo(0x8086_A201L);
  }

  @Test
  void theCounterCountsWhileItIsEnabledAndCanBeSetWhileItIsNot() {
    clock.advance(SECOND);
    assertThat(in(COUNTER)).isZero();
    out(CONFIGURATION, ENABLE);
    clock.advance(SECOND);
    assertThat(in(COUNTER)).isEqualTo(100_000_000);
    out(COUNTER, 5);
    assertThat(in(COUNTER)).as("it runs").isEqualTo(100_000_000);
    out(CONFIGURATION, 0);
    clock.advance(SECOND);
    assertThat(in(COUNTER)).isEqualTo(100_000_000);
    out32(COUNTER, 0xFFFF_FFFE);
    out32(COUNTER + 4, 7);
    out(CONFIGURATION, ENABLE);
    clock.advance(30);
    assertThat(in(COUNTER)).isEqualTo(0x8_0000_0001L);
    assertThat(in32(COUNTER + 4)).isEqualTo(8);
  }

  @Test
  void aOneShotInterruptsWhenTheCounterMatches() {
    out(CONFIGURATION, ENABLE);
    out(config(2), INTERRUPT | PIN_17);
    out(comparator(2), 100_000);
    clock.advance(MILLISECOND - 1);
    assertThat(pin17.edges).isZero();
    clock.advance(1);
    assertThat(pin17.edges).isEqualTo(1);
    assertThat(pin17.high).as("an edge").isFalse();
    assertThat(in(STATUS)).as("no status of edges").isZero();
    assertThat(in(comparator(2))).isEqualTo(100_000);
    assertThat(clock.idle()).isTrue();
    out(comparator(2), 200_000);
    clock.advance(MILLISECOND);
    assertThat(pin17.edges).isEqualTo(2);
  }

  @Test
  void aLevelStandsUntilItsStatusIsCleared() {
    out(CONFIGURATION, ENABLE);
    out(config(1), LEVEL | INTERRUPT | PIN_17);
    out(comparator(1), 100);
    clock.advance(MICROSECOND);
    assertThat(pin17.high).isTrue();
    assertThat(in(STATUS)).isEqualTo(2);
    out(STATUS, 5);
    assertThat(pin17.high).isTrue();
    out(STATUS, 2);
    assertThat(pin17.high).isFalse();
    assertThat(in(STATUS)).isZero();
  }

  @Test
  void twoLevelsOnOnePinAreOneUntilBothAreCleared() {
    out(CONFIGURATION, ENABLE);
    out(config(1), LEVEL | INTERRUPT | PIN_17);
    out(config(2), LEVEL | INTERRUPT | PIN_17);
    out(comparator(1), 100);
    out(comparator(2), 100);
    clock.advance(MICROSECOND);
    assertThat(in(STATUS)).isEqualTo(6);
    out(STATUS, 4);
    assertThat(pin17.high).isTrue();
    out(STATUS, 2);
    assertThat(pin17.high).isFalse();
    assertThat(pin17.edges).isEqualTo(1);
  }

  @Test
  void aTimerThatMayNotInterruptStillHasItsStatus() {
    out(CONFIGURATION, ENABLE);
    out(config(0), LEVEL | PIN_17);
    out(comparator(0), 100);
    assertThat(clock.idle()).as("nobody waits for it").isTrue();
    clock.advance(MICROSECOND);
    assertThat(in(STATUS)).isEqualTo(1);
    assertThat(pin17.high).isFalse();
    out(config(0), LEVEL | INTERRUPT | PIN_17);
    assertThat(pin17.high).isTrue();
    out(config(0), INTERRUPT | PIN_17);
    assertThat(in(STATUS)).as("edges have none").isZero();
    assertThat(pin17.high).isFalse();
  }

  @Test
  void haltingTheCounterHoldsInterruptsBackButKeepsTheirStatus() {
    out(CONFIGURATION, ENABLE);
    out(config(0), LEVEL | INTERRUPT | PIN_17);
    out(comparator(0), 100);
    clock.advance(MICROSECOND);
    out(CONFIGURATION, 0);
    assertThat(pin17.high).isFalse();
    assertThat(in(STATUS)).isEqualTo(1);
    assertThat(clock.idle()).isTrue();
    out(CONFIGURATION, ENABLE);
    assertThat(pin17.high).isTrue();
  }

  @Test
  void aPeriodicTimerInterruptsAgainAndAgain() {
    out(COUNTER, 1000);
    out(config(0), INTERRUPT | PERIODIC | VALUE_SET | PIN_17);
    assertThat(in(config(0)) & VALUE_SET).as("write only").isZero();
    out(comparator(0), 101_000);
    out(comparator(0), 50_000);
    out(CONFIGURATION, ENABLE);
    clock.advance(MILLISECOND);
    assertThat(pin17.edges).isEqualTo(1);
    assertThat(in(comparator(0))).as("the next match").isEqualTo(151_000);
    clock.advance(10 * MILLISECOND);
    assertThat(pin17.edges).isEqualTo(21);
    assertThat(clock.fired).isEqualTo(21);
  }

  @Test
  void oneWriteSetsFirstMatchAndPeriodWhereTheCounterStartsAtZero() {
    out(config(0), INTERRUPT | PERIODIC | VALUE_SET | BITS_32 | PIN_17);
    out32(comparator(0), 100_000);
    out(CONFIGURATION, ENABLE);
    clock.advance(5 * MILLISECOND);
    assertThat(pin17.edges).isEqualTo(5);
  }

  @Test
  void aNewPeriodBeginsWithTheNextMatch() {
    out(config(0), INTERRUPT | PERIODIC | VALUE_SET | PIN_17);
    out(comparator(0), 100_000);
    out(CONFIGURATION, ENABLE);
    clock.advance(MILLISECOND / 2);
    out(comparator(0), 300_000);
    assertThat(in(comparator(0))).isEqualTo(100_000);
    clock.advance(MILLISECOND / 2);
    assertThat(in(comparator(0))).isEqualTo(400_000);
  }

  @Test
  void softwareOf32BitsSetsAComparatorOf64InHalves() {
    out(config(0), PERIODIC | VALUE_SET);
    out32(comparator(0), 0x1234);
    out(config(0), PERIODIC | VALUE_SET);
    out32(comparator(0) + 4, 0x5);
    assertThat(in(comparator(0))).isEqualTo(0x5_0000_1234L);
    assertThat(in32(comparator(0) + 4)).isEqualTo(5);
    out32(comparator(0), 1);
    assertThat(in(comparator(0))).as("only the period").isEqualTo(0x5_0000_1234L);
  }

  @Test
  void aTimerForcedTo32BitsMatchesEachTimeTheLowHalfDoes() {
    out(COUNTER, 0x7_FFFF_FF9CL);
    out(CONFIGURATION, ENABLE);
    out(config(0), INTERRUPT | BITS_32 | PIN_17);
    assertThat(in(comparator(0))).isEqualTo(0xFFFF_FFFFL);
    out(comparator(0), 0x3_0000_0064L);
    assertThat(in(comparator(0))).isEqualTo(100);
    clock.advance(2 * MICROSECOND);
    assertThat(pin17.edges).isEqualTo(1);
    clock.advance(10 * 0x1_0000_0000L - 10);
    assertThat(pin17.edges).isEqualTo(1);
    clock.advance(10);
    assertThat(pin17.edges).isEqualTo(2);
  }

  @Test
  void aComparatorWrittenALittleTooLateMatchesAtOnce() {
    out(CONFIGURATION, ENABLE);
    clock.advance(10 * SECOND);
    out(config(0), INTERRUPT | PIN_17);
    out(comparator(0), 999_999_000);
    assertThat(pin17.edges).isEqualTo(1);
    out(comparator(0), 1_000_000_000);
    assertThat(pin17.edges).as("this very tick").isEqualTo(2);
    out32(comparator(0) + 4, 0xFFFF_FFFF);
    out(comparator(0), 800_000_000);
    assertThat(pin17.edges).as("long ago").isEqualTo(2);
  }

  @Test
  void aPeriodicTimerThatStartsLateCatchesUpInOneInterrupt() {
    out(CONFIGURATION, ENABLE);
    clock.advance(SECOND / 2);
    out(config(0), INTERRUPT | PERIODIC | VALUE_SET | PIN_17);
    out(comparator(0), 100_000);
    assertThat(pin17.edges).isEqualTo(1);
    assertThat(in(comparator(0))).isEqualTo(50_100_000);
    clock.skip(100 * MILLISECOND);
    clock.advance(0);
    assertThat(pin17.edges).as("the host is late").isEqualTo(2);
    assertThat(in(comparator(0))).isEqualTo(60_100_000);
  }

  @Test
  void theShortestPeriodDoesNotHoldTheHost() {
    out(config(0), INTERRUPT | PERIODIC | VALUE_SET | PIN_17);
    out(comparator(0), 1);
    out(CONFIGURATION, ENABLE);
    clock.advance(100 * MILLISECOND);
    assertThat(clock.fired).isBetween(1000, 2001);
    out(config(0), INTERRUPT | PERIODIC | VALUE_SET | PIN_17);
    out(comparator(0), 0);
    clock.advance(SECOND);
    assertThat(clock.idle()).as("no period, no next match").isTrue();
  }

  @Test
  void legacyReplacementCutsThe8254AndTheRealTimeClock() {
    hpet.pit().set(true);
    hpet.rtc().pulse();
    assertThat(irq0.high).isTrue();
    assertThat(irq8.edges).isEqualTo(1);
    out(CONFIGURATION, ENABLE | LEGACY);
    assertThat(irq0.high).isFalse();
    hpet.pit().pulse();
    hpet.rtc().set(true);
    assertThat(irq0.edges).isEqualTo(1);
    assertThat(irq8.edges).isEqualTo(1);
    out(CONFIGURATION, ENABLE);
    assertThat(irq8.high).as("what the clock says now").isTrue();
    assertThat(irq0.high).isFalse();
  }

  @Test
  void inLegacyReplacementTimers0And1AreIrq0And8WhereverTheyAreRouted() {
    out(CONFIGURATION, ENABLE | LEGACY);
    out(config(0), INTERRUPT | PIN_17);
    out(config(1), INTERRUPT | LEVEL);
    out(config(2), INTERRUPT | PIN_17);
    for (int n = 0; n < 3; n++) {
      out(comparator(n), 100 * (n + 1));
    }
    clock.advance(MICROSECOND);
    assertThat(irq0.edges).isEqualTo(1);
    clock.advance(MICROSECOND);
    assertThat(irq8.high).isTrue();
    assertThat(pin17.edges).isZero();
    clock.advance(MICROSECOND);
    assertThat(pin17.edges).isEqualTo(1);
  }

  @Test
  void withoutLegacyReplacementATimerThatIsRoutedNowhereInterruptsNobody() {
    out(CONFIGURATION, ENABLE);
    out(config(0), INTERRUPT);
    out(comparator(0), 100);
    clock.advance(MICROSECOND);
    assertThat(irq0.edges).isZero();
    assertThat(pins).allMatch(pin -> pin.edges == 0);
  }

  @Test
  void aTimerIsRoutedToPinsThatItCanDriveOnly() {
    out(config(0), PIN_17);
    out(config(0), 5 << 9);
    assertThat(in(config(0)) & 0x3E00).isEqualTo(PIN_17);
    out(config(0), 23 << 9);
    assertThat(in(config(0)) & 0x3E00).isEqualTo(23 << 9);
  }

  @Test
  void savedStateBringsEverythingBack() {
    hpet.rtc().set(true);
    out(CONFIGURATION, ENABLE);
    out(config(0), INTERRUPT | LEVEL | PIN_17);
    out(comparator(0), 100);
    out(config(1), INTERRUPT | PERIODIC | VALUE_SET | 18 << 9);
    out(comparator(1), 10_000);
    clock.advance(MICROSECOND);
    Hpet.State saved = hpet.state();
    hpet.reset();
    assertThat(pin17.high).isFalse();
    assertThat(irq8.high).as("another chip's").isTrue();
    assertThat(clock.idle()).isTrue();
    hpet.restore(saved);
    assertThat(hpet.state()).isEqualTo(saved);
    assertThat(pin17.high).isTrue();
    clock.advance(99 * MICROSECOND);
    assertThat(pins.get(2).edges).isEqualTo(1);
    HpetTimer.State timer = saved.timers().getFirst();
    assertThatThrownBy(
            () -> hpet.restore(new Hpet.State(4, 0, 0, 0, 0, List.of(timer, timer, timer))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> hpet.restore(new Hpet.State(0, 0, 0, 0, 0, List.of(timer))))
        .isInstanceOf(IllegalArgumentException.class);
    HpetTimer.State nowhere = new HpetTimer.State(3 << 9, 0, 0);
    assertThatThrownBy(
            () -> hpet.restore(new Hpet.State(0, 0, 0, 0, 0, List.of(timer, timer, nowhere))))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    for (int seed = 0; seed < 3; seed++) {
      Random random = new Random(seed);
      for (int i = 0; i < 30_000; i++) {
        int register = new int[] {CONFIGURATION, STATUS, COUNTER, 0}[random.nextInt(4)];
        if (random.nextInt(4) != 0) {
          register = 0x100 + 8 * random.nextInt(12);
        }
        long value = random.nextLong() >>> random.nextInt(64);
        hpet.write(register + 4 * random.nextInt(2), random.nextBoolean() ? 4 : 8, value);
        hpet.read(register, 8);
        clock.advance(random.nextLong(200_000));
        if (i % 1000 == 0) {
          clock.skip(random.nextLong(100_000 * SECOND));
        }
      }
      Fuzz.hammer(seed, clock, hpet);
      List<Boolean> levels = levels();
      Hpet.State saved = Fuzz.roundTrip(hpet);
      assertThat(hpet.state()).isEqualTo(saved);
      assertThat(levels()).isEqualTo(levels);
    }
  }

  private List<Boolean> levels() {
    List<Boolean> all = new ArrayList<>(List.of(irq0.high, irq8.high));
    pins.forEach(pin -> all.add(pin.high));
    return all;
  }
}
