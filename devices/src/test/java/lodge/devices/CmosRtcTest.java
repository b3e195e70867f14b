package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

class CmosRtcTest {
  private static final int A = 10;
  private static final int B = 11;
  private static final int C = 12;
  private static final int D = 13;
  private static final int CENTURY = 0x32;
  private static final long SECOND = 1_000_000_000;
  private static final long GIB = 1L << 30;

  private final FakeClock clock = new FakeClock();
  private final Probe irq = new Probe();
  private final CmosRtc rtc = new CmosRtc(irq, clock, 512 << 20, 0);

  private int in(int register) {
    rtc.write(0, 1, register);
    return (int) rtc.read(1, 1);
  }

  private void out(int register, int value) {
    rtc.write(0, 1, register);
    rtc.write(1, 1, value);
  }

  private int[] time() {
    return new int[] {in(CENTURY), in(9), in(8), in(7), in(6), in(4), in(2), in(0)};
  }

  @Test
  void tellsTheHostsTimeInUtcAsBcd() {
    assertThat(time()).containsExactly(0x20, 0x26, 0x03, 0x14, 7, 0x15, 0x09, 0x26);
    assertThat(in(D)).isEqualTo(0x80);
  }

  @Test
  void tellsItInBinaryAndWithTwelveHoursToo() {
    out(B, 6);
    assertThat(time()).containsExactly(20, 26, 3, 14, 7, 15, 9, 26);
    out(B, 4);
    assertThat(in(4)).isEqualTo(0x80 | 3);
    out(B, 0);
    assertThat(in(4)).isEqualTo(0x83);
    clock.advance(9 * 3600 * SECOND);
    assertThat(in(4)).as("midnight").isEqualTo(0x12);
    clock.advance(12 * 3600 * SECOND);
    assertThat(in(4)).as("noon").isEqualTo(0x92);
  }

  @Test
  void timeGoesOn() {
    clock.advance(SECOND);
    assertThat(in(0)).isEqualTo(0x27);
    clock.advance(18 * 24 * 3600 * SECOND);
    assertThat(in(8)).isEqualTo(4);
    assertThat(in(7)).isEqualTo(1);
    assertThat(in(6)).as("a Wednesday").isEqualTo(4);
  }

  @Test
  void updateInProgressWarnsBeforeTheSecondChanges() {
    assertThat(in(A)).isEqualTo(0x26);
    clock.advance(497_000_000 - 1_000_000);
    assertThat(in(A) & 0x80).isZero();
    clock.advance(2_000_000);
    assertThat(in(A) & 0x80).isNotZero();
    int second = in(0);
    clock.advance(2_000_000);
    assertThat(in(A) & 0x80).isZero();
    assertThat(in(0)).isEqualTo(second + 1);
  }

  @Test
  void theGuestCanSetTheTimeWhileTheClockIsStopped() {
    out(B, 0x82);
    out(CENTURY, 0x19);
    out(9, 0x99);
    out(8, 0x12);
    out(7, 0x31);
    out(6, 6);
    out(4, 0x23);
    out(2, 0x59);
    out(0, 0x58);
    clock.advance(5 * SECOND);
    assertThat(in(0)).isEqualTo(0x58);
    out(B, 2);
    assertThat(time()).containsExactly(0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x58);
    clock.advance(2 * SECOND);
    assertThat(time()).containsExactly(0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00);
  }

  @Test
  void theGuestCanSetTheTimeWhileTheClockRuns() {
    out(2, 0x30);
    assertThat(time()).containsExactly(0x20, 0x26, 0x03, 0x14, 7, 0x15, 0x30, 0x26);
    clock.advance(60 * SECOND);
    assertThat(in(2)).isEqualTo(0x31);
  }

  @Test
  void afterADividerResetTheFirstUpdateComesInHalfASecond() {
    out(A, 0x66);
    int second = in(0);
    clock.advance(10 * SECOND);
    assertThat(in(0)).isEqualTo(second);
    out(A, 0x26);
    clock.advance(SECOND / 2 - 1000);
    assertThat(in(0)).isEqualTo(second);
    clock.advance(2000);
    assertThat(in(0)).isEqualTo(second + 1);
  }

  @Test
  void updateEndedInterruptsEverySecondOnceItIsRead() {
    out(B, 0x12);
    in(C);
    clock.advance(SECOND);
    assertThat(irq.high).isTrue();
    clock.advance(3 * SECOND);
    assertThat(irq.edges).as("not again before register C is read").isEqualTo(1);
    assertThat(in(C) & 0xB0).isEqualTo(0x90);
    assertThat(irq.high).isFalse();
    assertThat(in(C)).isZero();
    clock.advance(SECOND);
    assertThat(irq.edges).isEqualTo(2);
  }

  @Test
  void theAlarmInterruptsAtItsTime() {
    out(5, 0x15);
    out(3, 0x10);
    out(1, 0x05);
    out(B, 0x22);
    clock.advance(38 * SECOND);
    assertThat(irq.high).isFalse();
    clock.advance(SECOND);
    assertThat(irq.high).isTrue();
    assertThat(in(C) & 0xB0).isEqualTo(0xB0);
    clock.advance(24 * 3600 * SECOND - 2 * SECOND);
    assertThat(irq.high).isFalse();
    clock.advance(2 * SECOND);
    assertThat(irq.high).as("every day").isTrue();
  }

  @Test
  void anAlarmThatDoesNotCareComesEveryMinute() {
    out(5, 0xFF);
    out(3, 0xC0);
    out(1, 0x00);
    out(B, 0x22);
    for (int i = 1; i <= 3; i++) {
      clock.advance(60 * SECOND);
      assertThat(irq.edges).isEqualTo(i);
      in(C);
    }
  }

  @Test
  void anAlarmThatWasNeverLookedAtIsFlaggedAllTheSame() {
    out(5, 0x03);
    out(3, 0x00);
    out(1, 0x00);
    in(C);
    clock.skip(30 * 24 * 3600 * SECOND);
    assertThat(in(C) & 0x20).isNotZero();
    assertThat(irq.high).isFalse();
  }

  @Test
  void thePeriodicInterruptComesAtItsRate() {
    out(A, 0x26);
    out(B, 0x42);
    in(C);
    int ticks = 0;
    for (int i = 0; i < 10_000; i++) {
      clock.advance(100_000);
      if (irq.high) {
        ticks++;
        assertThat(in(C) & 0xC0).isEqualTo(0xC0);
      }
    }
    assertThat(ticks).as("1024 Hz").isBetween(1023, 1025);
  }

  @Test
  void eachRateHasItsPeriodAndRateZeroHasNone() {
    out(B, 0x42);
    for (int rate = 0; rate < 16; rate++) {
      out(A, 0x20 | rate);
      in(C);
      int before = irq.edges;
      for (int i = 0; i < 2 * 8192; i++) {
        clock.advance(SECOND / 8192);
        in(C);
      }
      int hz = rate == 0 ? 0 : 32_768 >> (rate < 3 ? rate + 7 : rate) - 1;
      assertThat(irq.edges - before).as("rate %d", rate).isBetween(2 * hz - 2, 2 * hz);
    }
  }

  @Test
  void thePeriodicInterruptGoesOnWhileTheTimeIsBeingSetAndUpdatesDoNot() {
    out(B, 0x52);
    out(A, 0x2F);
    out(B, 0xD2);
    assertThat(in(B)).as("SET takes the update-ended interrupt away").isEqualTo(0xC2);
    in(C);
    clock.advance(2 * SECOND);
    assertThat(in(C)).isEqualTo(0xC0);
    assertThat(in(A) & 0x80).as("no update is in progress").isZero();
    out(A, 0x6F);
    in(C);
    clock.advance(2 * SECOND);
    assertThat(in(C)).as("without divider nothing counts").isZero();
  }

  @Test
  void theAlarmIsComparedInTheRegistersOwnFormat() {
    out(B, 4);
    out(5, 0x80 | 3);
    out(3, 10);
    out(1, 5);
    out(B, 0x24);
    clock.advance(38 * SECOND);
    assertThat(irq.high).isFalse();
    clock.advance(SECOND);
    assertThat(irq.high).as("10 minutes past 3 in the afternoon").isTrue();
  }

  @Test
  void anIdleClockNeedsNoTimer() {
    assertThat(clock.idle()).isTrue();
  }

  @Test
  void memorySizesAreInTheCmos() {
    assertThat(in(0x15) | in(0x16) << 8).isEqualTo(640);
    assertThat(in(0x17) | in(0x18) << 8).isEqualTo(0xFFFF);
    assertThat(in(0x34) | in(0x35) << 8).isEqualTo(496 * 16);
    CmosRtc big = new CmosRtc(irq, clock, 3 * GIB, 5 * GIB);
    int[] above = new int[3];
    for (int i = 0; i < 3; i++) {
      big.write(0, 1, 0x5B + i);
      above[i] = (int) big.read(1, 1);
    }
    assertThat(above).as("80 K blocks of 64 KiB").containsExactly(0, 0x40, 1);
    CmosRtc small = new CmosRtc(irq, clock, 8 << 20, 0);
    small.write(0, 1, 0x31);
    assertThat(small.read(1, 1)).isEqualTo(7 * 1024 >> 8);
    small.write(0, 1, 0x34);
    assertThat(small.read(1, 1)).isZero();
  }

  @Test
  void theRestIsMemoryThatSurvivesAReset() {
    out(0x40, 0xA7);
    rtc.store(0x5F, 3);
    rtc.reset();
    assertThat(in(0x40)).isEqualTo(0xA7);
    assertThat(in(0x5F)).isEqualTo(3);
    assertThatThrownBy(() -> rtc.store(9, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aResetTakesTheInterruptsAwayAndLeavesTheTime() {
    out(4, 0x01);
    out(B, 0x12);
    clock.advance(SECOND);
    rtc.reset();
    assertThat(irq.high).isFalse();
    assertThat(in(B)).isEqualTo(2);
    assertThat(in(4)).isEqualTo(1);
    assertThat(clock.idle()).isTrue();
  }

  @Test
  void savedStateBringsEverythingBack() {
    out(2, 0x45);
    out(B, 0x12);
    clock.advance(SECOND);
    int[] before = time();
    CmosRtc.State saved = rtc.state();
    out(4, 0x02);
    rtc.reset();
    rtc.restore(saved);
    assertThat(rtc.state()).usingRecursiveComparison().isEqualTo(saved);
    assertThat(time()).isEqualTo(before);
    assertThat(irq.high).isTrue();
  }

  @Test
  void survivesAnyAccess() {
    for (int seed = 0; seed < 3; seed++) {
      Random random = new Random(seed);
      for (int i = 0; i < 50_000; i++) {
        out(random.nextInt(16), random.nextInt(256));
        in(random.nextInt(128));
        clock.advance(random.nextLong(100_000));
        if (i % 1000 == 0) {
          clock.skip(random.nextLong(100_000 * SECOND));
        }
      }
      Fuzz.hammer(seed, clock, rtc);
      CmosRtc.State saved = rtc.state();
      rtc.restore(saved);
      assertThat(rtc.state()).usingRecursiveComparison().isEqualTo(saved);
    }
  }
}
