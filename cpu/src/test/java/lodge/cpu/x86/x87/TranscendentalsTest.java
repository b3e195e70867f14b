package lodge.cpu.x86.x87;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Random;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The transcendental functions against arithmetic of arbitrary precision. */
class TranscendentalsTest {
  private static final int CASES = 150;
  private static final int ONE = 0x3FFF;
  private static final int NEAREST = X87.INITIAL_CONTROL;

  /** Units in the last place: the nearest number is at most half of one away. */
  private static final BigDecimal HALF = new BigDecimal("0.5000001");

  private final X87 x = new X87();
  private final Random random = new Random(8087);

  private int randomSe(int lowest, int highest) {
    return random.nextInt(lowest, highest + 1) | (random.nextBoolean() ? 0x8000 : 0);
  }

  private long randomSig() {
    return random.nextLong() & (random.nextInt(4) == 0 ? -1L << random.nextInt(60) : -1L)
        | 1L << 63;
  }

  private void execute(int function) {
    x.control = NEAREST;
    x.status = 0;
    Functions.execute(x, function);
  }

  private void assertNearest(BigDecimal expected, int i, String what) {
    BigDecimal actual = BigMath.value(x.se(i), x.sig(i));
    int exponent = (x.se(i) & 0x7FFF) - 16383 - 63;
    BigDecimal ulp =
        exponent >= 0
            ? BigDecimal.TWO.pow(exponent)
            : BigDecimal.ONE.divide(BigDecimal.TWO.pow(-exponent), new MathContext(60));
    BigDecimal error = actual.subtract(expected).abs().divide(ulp, new MathContext(20));
    assertThat(error).as(what).isLessThanOrEqualTo(HALF);
  }

  private void unary(int function, int lowest, int highest, UnaryOperator<BigDecimal> exact) {
    for (int i = 0; i < CASES; i++) {
      int se = randomSe(lowest, highest);
      long sig = randomSig();
      x.init();
      x.push(se, sig);
      execute(function);
      assertNearest(exact.apply(BigMath.value(se, sig)), 0, "%04X:%016X".formatted(se, sig));
    }
  }

  /** Applies to (ST(1), ST(0)). */
  private void binary(
      int function, int lowest, int highest, boolean positive, BinaryOperator<BigDecimal> exact) {
    for (int i = 0; i < CASES; i++) {
      int yse = randomSe(ONE - 20, ONE + 20);
      long ysig = randomSig();
      int xse = randomSe(lowest, highest) & (positive ? 0x7FFF : 0xFFFF);
      long xsig = randomSig();
      x.init();
      x.push(yse, ysig);
      x.push(xse, xsig);
      execute(function);
      BigDecimal expected = exact.apply(BigMath.value(yse, ysig), BigMath.value(xse, xsig));
      assertNearest(expected, 0, "%04X:%016X %04X:%016X".formatted(yse, ysig, xse, xsig));
      assertThat(x.empty(1)).isTrue();
    }
  }

  @Test
  void f2xm1IsTheNearestNumber() {
    unary(0xF0, ONE - 70, ONE - 1, BigMath::exp2m1);
  }

  @Test
  void sinesOfSmallAnglesAreTheNearestNumber() {
    unary(0xFE, ONE - 68, ONE + 2, a -> BigMath.sin(a, 0));
  }

  @Test
  void sinesOfLargeAnglesTurnByA66BitPi() {
    unary(0xFE, ONE + 3, ONE + 62, a -> BigMath.sin(a, 0));
  }

  @Test
  void cosinesTurnByA66BitPi() {
    unary(0xFF, ONE - 68, ONE + 62, a -> BigMath.sin(a, 1));
  }

  @Test
  void tangentsAreTheNearestNumberBelowAOne() {
    for (int i = 0; i < CASES; i++) {
      int se = randomSe(ONE - 68, ONE + 62);
      long sig = randomSig();
      x.init();
      x.push(se, sig);
      execute(0xF2);
      BigDecimal a = BigMath.value(se, sig);
      BigDecimal tangent = BigMath.sin(a, 0).divide(BigMath.sin(a, 1), new MathContext(60));
      assertNearest(tangent, 1, "%04X:%016X".formatted(se, sig));
      assertThat(x.se(0)).isEqualTo(ONE);
      assertThat(x.sig(0)).isEqualTo(1L << 63);
    }
  }

  @Test
  void fsincosLeavesTheCosineOnTopOfTheSine() {
    for (int i = 0; i < CASES; i++) {
      int se = randomSe(ONE - 10, ONE + 10);
      long sig = randomSig();
      x.init();
      x.push(se, sig);
      execute(0xFB);
      BigDecimal a = BigMath.value(se, sig);
      assertNearest(BigMath.sin(a, 1), 0, "cosine");
      assertNearest(BigMath.sin(a, 0), 1, "sine");
    }
  }

  @Test
  void fpatanIsTheNearestNumberInAllQuadrants() {
    binary(0xF3, ONE - 20, ONE + 20, false, BigMath::atan2);
  }

  @Test
  void fyl2xIsTheNearestNumber() {
    binary(0xF1, ONE - 100, ONE + 100, true, (y, a) -> y.multiply(BigMath.log2(a)));
  }

  @Test
  void fyl2xIsTheNearestNumberAroundOne() {
    binary(0xF1, ONE - 1, ONE, true, (y, a) -> y.multiply(BigMath.log2(a)));
  }

  @Test
  void fyl2xp1IsTheNearestNumber() {
    binary(
        0xF9, ONE - 60, ONE - 3, false, (y, a) -> y.multiply(BigMath.log2(a.add(BigDecimal.ONE))));
  }

  @Test
  void fyl2xp1GoesOnWhereItIsNotDefined() {
    binary(
        0xF9, ONE - 2, ONE + 70, true, (y, a) -> y.multiply(BigMath.log2(a.add(BigDecimal.ONE))));
  }

  @Test
  void anglesFrom2ToThe63AreLeftAloneWithC2() {
    for (int function : new int[] {0xF2, 0xFB, 0xFE, 0xFF}) {
      x.init();
      x.push(ONE + 63, 1L << 63);
      execute(function);
      assertThat(x.statusWord() & (X87.C2 | 0x3F)).isEqualTo(X87.C2);
      assertThat(x.se(0)).isEqualTo(ONE + 63);
      assertThat(x.empty(1)).isTrue();
    }
  }

  @Test
  void powersOfTwoHaveExactLogarithms() {
    x.init();
    x.push(ONE + 1, 3L << 62); // 3
    x.push(ONE - 40, 1L << 63);
    execute(0xF1);
    assertThat(BigMath.value(x.se(0), x.sig(0))).isEqualByComparingTo("-120");
  }
}
