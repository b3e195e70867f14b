package lodge.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class AcpiGpeTest {
  private final Probe sci = new Probe();
  private final AcpiGpe gpe = new AcpiGpe(sci);

  private long in(int offset, int size) {
    return gpe.read(offset, size) & (1L << 8 * size) - 1;
  }

  @Test
  void anEventInterruptsWhileItIsEnabledAndNotCleared() {
    gpe.raise(1);
    assertThat(sci.high).as("not enabled").isFalse();
    assertThat(in(0, 2)).isEqualTo(2);
    gpe.write(2, 1, 2);
    assertThat(sci.high).isTrue();
    gpe.write(0, 1, 1);
    assertThat(sci.high).as("another event is cleared").isTrue();
    gpe.write(0, 1, 2);
    assertThat(sci.high).isFalse();
    assertThat(in(0, 4)).isEqualTo(0x0002_0000);
    gpe.raise(1);
    assertThat(sci.edges).isEqualTo(2);
  }

  @Test
  void allSixteenEventsHaveTheirBits() {
    gpe.raise(15);
    gpe.write(0, 4, 0x8100_0000L);
    assertThat(in(0, 4)).isEqualTo(0x8100_8000L);
    assertThat(in(1, 1)).isEqualTo(0x80);
    assertThat(in(3, 1)).isEqualTo(0x81);
    assertThat(sci.high).isTrue();
    assertThat(in(-1, 1)).isEqualTo(0xFF);
    assertThat(in(4, 1)).isEqualTo(0xFF);
  }

  @Test
  void theStateGoesOnElsewhereAndAResetClearsIt() {
    gpe.write(2, 2, 2);
    gpe.raise(1);
    Probe otherSci = new Probe();
    AcpiGpe other = new AcpiGpe(otherSci);
    other.restore(gpe.state());
    assertThat(otherSci.high).isTrue();
    assertThat(other.state()).isEqualTo(gpe.state());
    other.reset();
    assertThat(otherSci.high).isFalse();
    assertThat(other.state()).isEqualTo(new AcpiGpe.State(0, 0));
    assertThatThrownBy(() -> other.restore(new AcpiGpe.State(0x1_0000, 0)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
