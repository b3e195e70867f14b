package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.EnumSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Places and layouts are those of Linux, Documentation/virt/kvm/x86/msr.rst. */
class ParavirtualTest {
  private static final int WALL_CLOCK = 0x4B56_4D00;
  private static final int SYSTEM_TIME = 0x4B56_4D01;
  private static final int STEAL_TIME = 0x4B56_4D03;
  private static final int PV_EOI = 0x4B56_4D04;
  private static final int TSC = 0x10;
  private static final long PLACE = 0x5_0040;
  private static final long NOWHERE = 0x40_0000_0000L;

  private final FakeApic apic = new FakeApic();
  private final TestMachine m = new TestMachine(apic);
  private final Cpu c = m.c;
  private long stolen = 500;

  ParavirtualTest() {
    c.paravirtual.stolenTime(() -> stolen);
  }

  @AfterEach
  void close() {
    m.close();
  }

  @Test
  void guestsFindItByKvmsSignature() {
    int[] out = new int[4];
    Cpuid.read(c, 0x4000_0000, 0, out);
    assertThat(out).containsExactly(0x4000_0001, 0x4B4D_564B, 0x564B_4D56, 0x4D);
    Cpuid.read(c, 0x4000_0001, 0, out);
    assertThat(out)
        .containsExactly(1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 9 | 1 << 11 | 1 << 24, 0, 0, 0);
    Cpuid.leaf(CpuModels.parse("max,-hypervisor"), 0, 0x4000_0000, 0, out);
    assertThat(out).containsExactly(0, 0, 0, 0);
  }

  @Test
  void thePlaceOfTheSystemTimeHasTheClockAndWhatTheCounterWasThen() {
    m.clock.now = 1_000;
    c.msrs.write(TSC, 70_000);
    m.clock.now = 3_000;
    c.msrs.write(SYSTEM_TIME, PLACE | 1);
    assertThat(c.msrs.read(SYSTEM_TIME)).isEqualTo(PLACE | 1);
    assertClock(72_000, 3_000);
    int version = m.memory.getInt(PLACE);
    assertThat(version & 1).isZero();

    m.clock.now = 4_000;
    c.msrs.write(TSC, 5);
    assertClock(5, 4_000);
    assertThat(m.memory.getInt(PLACE)).as("version").isEqualTo(version + 2);
  }

  private void assertClock(long tsc, long nanos) {
    assertThat(m.memory.getLong(PLACE + 8)).isEqualTo(tsc);
    assertThat(m.memory.getLong(PLACE + 16)).isEqualTo(nanos);
    long factor = m.memory.getInt(PLACE + 24) & 0xFFFF_FFFFL;
    long ticks = 1_000_000;
    assertThat((ticks << m.memory.getByte(PLACE + 28)) * factor >>> 32)
        .as("nanoseconds of a million ticks")
        .isEqualTo(1_000_000);
    assertThat(m.memory.getByte(PLACE + 29)).as("the same on all processors").isEqualTo((byte) 1);
  }

  @Test
  void theClockIsTheSameWhateverTheCountersPace() {
    for (int khz : new int[] {1, 700_000, 1_000_000, 1_999_999, 2_000_001, 2_600_123, 5_900_000}) {
      c.msrs.setTscPace(khz);
      m.clock.now += 1_000_000;
      c.msrs.write(SYSTEM_TIME, PLACE | 1);
      long ticks = 3L * khz;
      int shift = m.memory.getByte(PLACE + 28);
      long factor = m.memory.getInt(PLACE + 24) & 0xFFFF_FFFFL;
      long nanos = (shift < 0 ? ticks >> -shift : ticks << shift) * factor >>> 32;
      assertThat(nanos).as(khz + " ticks a millisecond").isCloseTo(3_000_000, within(5L));
      long counted = c.tsc() - m.memory.getLong(PLACE + 8);
      assertThat(counted).isZero();
    }
  }

  @Test
  void aClockThatIsOffOrNowhereIsNotWritten() {
    c.msrs.write(SYSTEM_TIME, PLACE);
    assertThat(m.memory.getInt(PLACE)).isZero();
    c.msrs.write(SYSTEM_TIME, NOWHERE | 1);
    c.msrs.write(WALL_CLOCK, NOWHERE);
    c.msrs.write(SYSTEM_TIME, -1L);
    c.msrs.write(SYSTEM_TIME, PLACE | 1);
    c.reset();
    m.memory.putInt(PLACE, 0);
    c.msrs.write(TSC, 1);
    assertThat(m.memory.getInt(PLACE)).as("after a reset").isZero();
    assertThat(c.msrs.read(SYSTEM_TIME)).isZero();
  }

  @Test
  void theWallClockIsTheTimeOfDayWhenTheMachineStarted() {
    m.clock.now = 7_000;
    c.msrs.write(WALL_CLOCK, PLACE);
    long start = StoppedClock.EPOCH;
    assertThat(m.memory.getInt(PLACE) & 1).isZero();
    assertThat(m.memory.getInt(PLACE + 4) & 0xFFFF_FFFFL).isEqualTo(start / 1_000_000_000);
    assertThat(m.memory.getInt(PLACE + 8)).isEqualTo((int) (start % 1_000_000_000));
  }

  @Test
  void timeThatTheHostTookSinceTheGuestAskedIsAddedUp() {
    m.memory.putLong(PLACE, 10_000);
    c.msrs.write(STEAL_TIME, PLACE | 1);
    stolen += 300;
    m.clock.now += 5_000_000;
    c.paravirtual.account();
    assertThat(m.memory.getLong(PLACE)).isEqualTo(10_300);
    int version = m.memory.getInt(PLACE + 8);
    assertThat(version & 1).isZero();

    stolen += 40;
    c.paravirtual.account();
    assertThat(m.memory.getLong(PLACE)).as("not at once again").isEqualTo(10_300);
    m.clock.now += 5_000_000;
    c.paravirtual.account();
    assertThat(m.memory.getLong(PLACE)).isEqualTo(10_340);
    assertThat(m.memory.getInt(PLACE + 8)).isEqualTo(version + 2);
  }

  @Test
  void aHaltedProcessorIsLeftWordToDropItsTranslations() {
    m.longMode(0);
    c.msrs.write(STEAL_TIME, PLACE | 1);
    assertThat(m.memory.getByte(PLACE + 16)).isZero();
    c.paravirtual.park();
    assertThat(m.memory.getByte(PLACE + 16)).as("preempted").isEqualTo((byte) 1);
    assertThat(dropsTranslations()).isFalse();

    c.paravirtual.park();
    m.memory.putByte(PLACE + 16, (byte) 3);
    assertThat(dropsTranslations()).isTrue();
    assertThat(m.memory.getByte(PLACE + 16)).isZero();
  }

  /** Whether, after {@code unpark}, a page that was moved is found at its new place. */
  private boolean dropsTranslations() {
    long page = 0x20_0000;
    long entry = TestMachine.PML4 + 0x2000 + 8;
    long before = m.memory.getLong(entry);
    m.memory.putInt(page, 1);
    m.memory.putInt(0x40_0000, 2);
    c.mmu.read32(page);
    m.memory.putLong(entry, 0x40_0087);
    c.paravirtual.unpark();
    int seen = c.mmu.read32(page);
    m.memory.putLong(entry, before);
    c.mmu.flushAll();
    return seen == 2;
  }

  @Test
  void flagsOfInterruptsEndsHaveToStandInRam() {
    c.msrs.write(PV_EOI, PLACE | 1);
    assertThat(apic.eoiFlag).isEqualTo(PLACE);
    c.msrs.write(PV_EOI, NOWHERE | 1);
    assertThat(apic.eoiFlag).isEqualTo(-1);
    c.msrs.write(PV_EOI, PLACE | 1);
    c.init();
    assertThat(apic.eoiFlag).as("after INIT").isEqualTo(-1);
  }

  @Test
  void reservedBitsAndRegistersOfWhatTheModelHasNotAreRefused() {
    for (int bit = 1; bit < 6; bit++) {
      refused(STEAL_TIME, PLACE | 1 << bit);
    }
    refused(PV_EOI, PLACE | 2);
    refused(0x4B56_4D02, 0);
    EnumSet<Feature> without = EnumSet.copyOf(CpuModels.features());
    without.removeIf(feature -> feature.leaf() == 0x4000_0001);
    try (TestMachine other = new TestMachine(new CpuModel("none", without, 1))) {
      for (int msr : new int[] {WALL_CLOCK, SYSTEM_TIME, STEAL_TIME, PV_EOI}) {
        assertThatThrownBy(() -> other.c.msrs.read(msr)).isInstanceOf(CpuException.class);
      }
    }
  }

  private void refused(int msr, long value) {
    assertThatThrownBy(() -> c.msrs.write(msr, value)).isInstanceOf(CpuException.class);
  }
}
