package lodge.cpu.x86.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Fused multiplication and addition, and half precision, against exact definitions on any host. */
class FusedFloatTest {
  private static final int NEAREST = 0;
  private static final int DOWN = 1;
  private static final int UP = 2;

  private final SplittableRandom random = new SplittableRandom(99);
  private final SimdFloat e = new SimdFloat();

  private void environment(int rounding) {
    e.mxcsr = Mxcsr.DEFAULT | rounding << Mxcsr.RC_SHIFT;
    e.raised = 0;
  }

  private double number() {
    return switch (random.nextInt(5)) {
      case 0 -> random.nextInt(-100, 100);
      case 1 -> Double.MIN_VALUE * random.nextInt(1000);
      case 2 -> Math.scalb(1 + random.nextDouble(), random.nextInt(-1074, 1000));
      case 3 -> -Math.scalb(1 + random.nextDouble(), random.nextInt(-60, 60));
      default -> 1 + random.nextInt(-8, 9) * 0x1p-52;
    };
  }

  /** An exact number as MXCSR's rounding mode makes it a double. */
  private static double rounded(BigDecimal exact, int mode) {
    double nearest = exact.doubleValue();
    if (mode == NEAREST) {
      return nearest;
    }
    boolean down = mode == DOWN || mode == 3 && exact.signum() > 0;
    if (Double.isInfinite(nearest)) {
      return down == nearest > 0 ? Math.copySign(Double.MAX_VALUE, nearest) : nearest;
    }
    int order = new BigDecimal(nearest).compareTo(exact);
    if (down) {
      return order > 0 ? Math.nextDown(nearest) : nearest;
    }
    return order < 0 ? Math.nextUp(nearest) : nearest;
  }

  @Test
  void aFusedSumIsTheExactOneRoundedOnce() {
    for (int i = 0; i < 100_000; i++) {
      double x = number();
      double y = number();
      double z = random.nextInt(3) == 0 ? -x * y : number();
      if (Double.isInfinite(z)) {
        continue;
      }
      BigDecimal exact = new BigDecimal(x).multiply(new BigDecimal(y)).add(new BigDecimal(z));
      int mode = random.nextInt(4);
      environment(mode);
      long bits =
          FusedFloat.multiplyAdd(
              e,
              Double.doubleToRawLongBits(x),
              Double.doubleToRawLongBits(y),
              Double.doubleToRawLongBits(z),
              0,
              SoftFloat.F64);
      double result = Double.longBitsToDouble(bits);
      if (exact.signum() == 0) {
        assertThat(result).isZero();
        assertThat(e.raised & ~Mxcsr.DE).isZero();
        continue;
      }
      String text = x + " * " + y + " + " + z + " mode " + mode;
      assertThat(result).as(text).isEqualTo(rounded(exact, mode));
      boolean inexact = Double.isInfinite(result) || new BigDecimal(result).compareTo(exact) != 0;
      assertThat((e.raised & Mxcsr.PE) != 0).as(text).isEqualTo(inexact);
    }
  }

  @Test
  void signsChangeTheProductOrTheAddend() {
    for (int i = 0; i < 20_000; i++) {
      float x = (float) number();
      float y = (float) number();
      float z = (float) number();
      for (int signs = 0; signs < 4; signs++) {
        environment(NEAREST);
        int bits =
            e.fused32(
                Float.floatToRawIntBits(x),
                Float.floatToRawIntBits(y),
                Float.floatToRawIntBits(z),
                signs);
        float product = (signs & FusedFloat.NEGATE_PRODUCT) != 0 ? -x : x;
        float addend = (signs & FusedFloat.NEGATE_ADDEND) != 0 ? -z : z;
        float expected = Math.fma(product, y, addend);
        if (!Float.isNaN(expected)) {
          assertThat(Float.intBitsToFloat(bits)).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void theFastWayGivesWhatTheExactOneGives() {
    for (int i = 0; i < 50_000; i++) {
      long x = Double.doubleToRawLongBits(number());
      long y = Double.doubleToRawLongBits(number());
      long z = Double.doubleToRawLongBits(number());
      environment(NEAREST);
      long exact = FusedFloat.multiplyAdd(e, x, y, z, 0, SoftFloat.F64);
      int raised = e.raised;
      e.mxcsr |= Mxcsr.PE;
      e.raised = 0;
      assertThat(e.fused64(x, y, z, 0)).isEqualTo(exact);
      assertThat(e.raised | Mxcsr.PE).isEqualTo(raised | Mxcsr.PE);
    }
  }

  @Test
  void infinitiesTimesZeroAreInvalidUnlessTheAddendIsANan() {
    long infinity = Double.doubleToRawLongBits(Double.POSITIVE_INFINITY);
    environment(NEAREST);
    assertThat(e.fused64(infinity, 0, 0, 0)).isEqualTo(0xFFF8_0000_0000_0000L);
    assertThat(e.raised).isEqualTo(Mxcsr.IE);
    environment(NEAREST);
    assertThat(e.fused64(infinity, 0, 0x7FF8_0000_0000_0123L, 0)).isEqualTo(0x7FF8_0000_0000_0123L);
    assertThat(e.raised).isZero();
    environment(NEAREST);
    assertThat(e.fused64(infinity, Double.doubleToRawLongBits(2), infinity, 1))
        .isEqualTo(0xFFF8_0000_0000_0000L);
    assertThat(e.raised).isEqualTo(Mxcsr.IE);
  }

  // ---------------------------------------------------------------- half precision

  @Test
  void everyHalfBecomesTheSingleOfItsValue() {
    for (int half = 0; half < 0x1_0000; half++) {
      environment(NEAREST);
      int expected = Float.floatToRawIntBits(Float.float16ToFloat((short) half));
      boolean nan = (half & 0x7FFF) > 0x7C00;
      assertThat(HalfFloat.toSingle(e, half)).isEqualTo(nan ? expected | 0x40_0000 : expected);
      assertThat(e.raised).isEqualTo(nan && (half & 0x200) == 0 ? Mxcsr.IE : 0);
    }
  }

  @Test
  void singlesBecomeTheNearestHalfOrTheOneOnTheWantedSide() {
    for (int i = 0; i < 200_000; i++) {
      int bits = random.nextInt();
      if (random.nextInt(2) == 0) {
        bits = bits & 0x807F_FFFF | random.nextInt(100, 145) << 23;
      }
      float single = Float.intBitsToFloat(bits);
      if (Float.isNaN(single)) {
        continue;
      }
      environment(random.nextInt(4));
      assertThat((short) HalfFloat.fromSingle(e, bits, NEAREST))
          .isEqualTo(Float.floatToFloat16(single));
      environment(DOWN);
      float down = Float.float16ToFloat((short) HalfFloat.fromSingle(e, bits, 4));
      float up = Float.float16ToFloat((short) HalfFloat.fromSingle(e, bits, UP));
      assertThat(down).isLessThanOrEqualTo(single);
      assertThat(up).isGreaterThanOrEqualTo(single);
      boolean exact = down == single;
      assertThat(up == single).isEqualTo(exact);
      assertThat((e.raised & Mxcsr.PE) == 0).isEqualTo(exact);
    }
  }
}
