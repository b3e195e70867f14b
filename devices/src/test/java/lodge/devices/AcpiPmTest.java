package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class AcpiPmTest {
  private static final int STATUS = 0;
  private static final int ENABLE = 2;
  private static final int CONTROL = 4;
  private static final int TIMER = 8;
  private static final int POWER_BUTTON = 0x100;

  private final FakeClock clock = new FakeClock();
  private final Probe sci = new Probe();
  private int powerOffs;
  private final AcpiPm pm = new AcpiPm(sci, clock, 24, () -> powerOffs++);

  /** As the port bus reads. */
  private static long in(AcpiPm pm, int offset, int size) {
    return pm.read(offset, size) & (1L << 8 * size) - 1;
  }

  private void acpiMode() {
    pm.smiCommand().write(0, 1, AcpiPm.ACPI_ENABLE);
  }

  @Test
  void theSmiCommandPortSwitchesAcpiModeOnAndOff() {
    assertThat(in(pm, CONTROL, 2)).isZero();
    pm.write(CONTROL, 2, 1);
    assertThat(in(pm, CONTROL, 2)).as("not from here").isZero();
    acpiMode();
    assertThat(in(pm, CONTROL, 2)).isEqualTo(1);
    pm.write(CONTROL, 2, 0);
    assertThat(in(pm, CONTROL, 2)).isEqualTo(1);
    pm.smiCommand().write(0, 1, AcpiPm.ACPI_DISABLE);
    assertThat(in(pm, CONTROL, 2)).isZero();
    assertThat(pm.smiCommand().read(0, 1)).isEqualTo(AcpiPm.ACPI_DISABLE);
    pm.smiCommand().write(1, 1, 0x77);
    assertThat(pm.smiCommand().read(1, 1)).isEqualTo(0x77);
  }

  @Test
  void sleepTypeFivePowersOff() {
    pm.write(CONTROL, 2, 5 << 10);
    assertThat(powerOffs).as("no SLP_EN").isZero();
    pm.write(CONTROL, 2, 1 << 13 | 1 << 10);
    assertThat(powerOffs).as("another sleep state").isZero();
    pm.write(CONTROL, 2, 1 << 13 | 5 << 10);
    assertThat(powerOffs).isEqualTo(1);
    assertThat(in(pm, CONTROL, 2)).as("SLP_EN reads as 0").isEqualTo(5 << 10);
    pm.write(CONTROL + 1, 1, 0x34);
    assertThat(powerOffs).as("the high byte alone").isEqualTo(2);
    pm.write(STATUS, 8, (1L << 13 | 5 << 10) << 32);
    assertThat(powerOffs).isEqualTo(3);
  }

  @Test
  void thePowerButtonRaisesTheSystemControlInterrupt() {
    acpiMode();
    pm.pressPowerButton();
    assertThat(sci.high).isFalse();
    pm.write(ENABLE, 2, POWER_BUTTON);
    assertThat(sci.high).isTrue();
    assertThat(in(pm, STATUS, 2)).isEqualTo(POWER_BUTTON);
    assertThat(in(pm, STATUS, 4)).isEqualTo(POWER_BUTTON | POWER_BUTTON << 16);
    pm.write(STATUS, 2, 1);
    assertThat(sci.high).isTrue();
    pm.write(STATUS, 2, POWER_BUTTON);
    assertThat(sci.high).isFalse();
    assertThat(in(pm, STATUS, 2)).isZero();
  }

  @Test
  void theTimerCountsAtItsFrequency() {
    long start = in(pm, TIMER, 4);
    clock.advance(1_000_000_000);
    assertThat(in(pm, TIMER, 4) - start).isEqualTo(AcpiPm.TIMER_HZ);
    clock.advance(10_000_000_000L);
    assertThat(in(pm, TIMER, 4)).isLessThan(1 << 24);
    AcpiPm wide = new AcpiPm(sci, clock, () -> {});
    assertThat(in(wide, TIMER, 4)).isGreaterThan(1 << 24);
    assertThat(in(wide, TIMER + 1, 1)).isEqualTo(in(wide, TIMER, 4) >> 8 & 0xFF);
    pm.write(TIMER, 4, 0);
    assertThat(in(pm, TIMER, 4)).isNotZero();
  }

  @Test
  void theTimersTopBitSetsItsStatusWhenItChanges() {
    clock.advance(2_300_000_000L);
    assertThat(in(pm, STATUS, 2)).isZero();
    clock.advance(100_000_000);
    assertThat(in(pm, STATUS, 2)).isEqualTo(1);
    pm.write(STATUS, 2, 1);
    assertThat(clock.idle()).isTrue();
    acpiMode();
    pm.write(ENABLE, 2, 1);
    clock.advance(2_400_000_000L);
    assertThat(sci.high).isTrue();
    assertThat(sci.edges).isEqualTo(1);
  }

  @Test
  void savedStateBringsEverythingBack() {
    acpiMode();
    pm.write(ENABLE, 2, POWER_BUTTON);
    pm.pressPowerButton();
    AcpiPm.State saved = Fuzz.roundTrip(pm);
    assertThat(pm.state()).isEqualTo(saved);
    assertThat(sci.high).isTrue();
    assertThatThrownBy(() -> pm.restore(new AcpiPm.State(2, 0, 0, 0, 0, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new AcpiPm(sci, clock, 16, () -> {}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void survivesAnyAccess() {
    Fuzz.hammer(9, clock, pm, pm.smiCommand());
    AcpiPm.State saved = Fuzz.roundTrip(pm);
    assertThat(pm.state()).isEqualTo(saved);
    assertThat(in(pm, 16, 1)).isEqualTo(0xFF);
  }
}
