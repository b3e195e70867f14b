package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TscRatioTest {
  private static final int CRYSTAL_KHZ = CpuModel.CRYSTAL_HZ / 1000;

  @ParameterizedTest
  @ValueSource(
      ints = {1_553, 999_999, 1_000_000, 2_099_998, 2_599_965, 2_600_000, 3_892_723, 5_800_000})
  void linuxComputesThePaceFromItIn32Bits(int tscKhz) {
    TscRatio ratio = TscRatio.of(CRYSTAL_KHZ, tscKhz);
    // As native_calibrate_tsc() of Linux does.
    int khz = Integer.divideUnsigned(CRYSTAL_KHZ * ratio.numerator(), ratio.denominator());
    assertThat((double) khz).isCloseTo(tscKhz, Percentage.withPercentage(0.003));
  }
}
