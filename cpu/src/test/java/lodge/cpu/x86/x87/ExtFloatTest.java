package lodge.cpu.x86.x87;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExtFloatTest {
  private static final int NEAREST = 0x37F;
  private static final int DOWN = 0x77F;
  private static final int UP = 0xB7F;
  private static final int CHOP = 0xF7F;
  private static final int DOUBLE = 0x27F;
  private static final int SINGLE = 0x07F;
  private static final int ONE = 0x3FFF;
  private static final long TOP = 1L << 63;

  private final ExtFloat f = new ExtFloat();

  private void assertResult(int se, long sig, int flags) {
    assertThat("%04X:%016X flags %X".formatted(f.se, f.sig, f.flags))
        .isEqualTo("%04X:%016X flags %X".formatted(se, sig, flags));
  }

  @Test
  void oneThirdIsRoundedAsTheControlWordSays() {
    ExtArithmetic.divide(f, NEAREST, ONE, TOP, ONE + 1, 3L << 62);
    assertResult(ONE - 2, 0xAAAA_AAAA_AAAA_AAABL, X87.PE | X87.C1);
    ExtArithmetic.divide(f, DOWN, ONE, TOP, ONE + 1, 3L << 62);
    assertResult(ONE - 2, 0xAAAA_AAAA_AAAA_AAAAL, X87.PE);
    ExtArithmetic.divide(f, CHOP, ONE | 0x8000, TOP, ONE + 1, 3L << 62);
    assertResult(ONE - 2 | 0x8000, 0xAAAA_AAAA_AAAA_AAAAL, X87.PE);
    ExtArithmetic.divide(f, UP, ONE, TOP, ONE + 1, 3L << 62);
    assertResult(ONE - 2, 0xAAAA_AAAA_AAAA_AAABL, X87.PE | X87.C1);
    ExtArithmetic.divide(f, DOUBLE, ONE, TOP, ONE + 1, 3L << 62);
    assertResult(ONE - 2, 0xAAAA_AAAA_AAAA_A800L, X87.PE);
    ExtArithmetic.divide(f, SINGLE, ONE, TOP, ONE + 1, 3L << 62);
    assertResult(ONE - 2, 0xAAAA_AB00_0000_0000L, X87.PE | X87.C1);
  }

  @Test
  void withDoublePrecisionResultsAreThoseOfJava() {
    Random random = new Random(53);
    for (int i = 0; i < 20_000; i++) {
      double a = random.nextGaussian() * Math.scalb(1.0, random.nextInt(80) - 40);
      double b = random.nextGaussian() * Math.scalb(1.0, random.nextInt(80) - 40);
      Conversions.fromDouble(f, Double.doubleToRawLongBits(a));
      int ase = f.se;
      long asig = f.sig;
      Conversions.fromDouble(f, Double.doubleToRawLongBits(b));
      int bse = f.se;
      long bsig = f.sig;
      ExtArithmetic.add(f, DOUBLE, ase, asig, bse, bsig);
      assertDouble(a + b);
      ExtArithmetic.subtract(f, DOUBLE, ase, asig, bse, bsig);
      assertDouble(a - b);
      ExtArithmetic.multiply(f, DOUBLE, ase, asig, bse, bsig);
      assertDouble(a * b);
      ExtArithmetic.divide(f, DOUBLE, ase, asig, bse, bsig);
      assertDouble(a / b);
      ExtArithmetic.squareRoot(f, DOUBLE, ase & 0x7FFF, asig);
      assertDouble(Math.sqrt(Math.abs(a)));
    }
  }

  private void assertDouble(double expected) {
    long bits = Conversions.toDouble(f, NEAREST, f.se, f.sig);
    assertThat(Double.longBitsToDouble(bits)).isEqualTo(expected);
    assertThat(f.flags).isZero();
  }

  @Test
  void squareRootsAreTheIntegerRootsOfTheirSquares() {
    Random random = new Random(64);
    for (int i = 0; i < 20_000; i++) {
      long sig = (i < 64 ? -1L << i : random.nextLong()) | TOP;
      int exponent = ONE + (i & 1);
      ExtArithmetic.squareRoot(f, CHOP, exponent, sig);
      BigInteger radicand = new BigInteger(Long.toUnsignedString(sig)).shiftLeft(63 + (i & 1));
      assertThat(Long.toUnsignedString(f.sig)).isEqualTo(radicand.sqrt().toString());
      assertThat(f.se).isEqualTo(ONE);
    }
  }

  @Test
  void sumsAndProductsAreRoundedFromTheExactValue() {
    Random random = new Random(80);
    for (int i = 0; i < 2_000; i++) {
      int ase = ONE + random.nextInt(140) - 70 | (random.nextBoolean() ? 0x8000 : 0);
      int bse = ONE + random.nextInt(140) - 70 | (random.nextBoolean() ? 0x8000 : 0);
      long asig = random.nextLong() | TOP;
      long bsig = random.nextLong() | TOP;
      BigDecimal a = BigMath.value(ase, asig);
      BigDecimal b = BigMath.value(bse, bsig);
      ExtArithmetic.add(f, DOWN, ase, asig, bse, bsig);
      BigDecimal low = BigMath.value(f.se, f.sig);
      boolean exact = (f.flags & X87.PE) == 0;
      ExtArithmetic.add(f, UP, ase, asig, bse, bsig);
      assertBetween(low, a.add(b), BigMath.value(f.se, f.sig), exact);
      ExtArithmetic.multiply(f, DOWN, ase, asig, bse, bsig);
      low = BigMath.value(f.se, f.sig);
      exact = (f.flags & X87.PE) == 0;
      ExtArithmetic.multiply(f, UP, ase, asig, bse, bsig);
      assertBetween(low, a.multiply(b), BigMath.value(f.se, f.sig), exact);
    }
  }

  private static void assertBetween(
      BigDecimal low, BigDecimal value, BigDecimal high, boolean exact) {
    assertThat(low.compareTo(value)).isEqualTo(exact ? 0 : -1);
    assertThat(high.compareTo(value)).isEqualTo(exact ? 0 : 1);
  }

  @Test
  void theLargerSignificandOfTwoQuietNansIsTheResult() {
    ExtArithmetic.add(f, NEAREST, 0x7FFF, 0xC000_0000_0000_0001L, 0xFFFF, 0xC000_0000_0000_0002L);
    assertResult(0xFFFF, 0xC000_0000_0000_0002L, 0);
    ExtArithmetic.multiply(
        f, NEAREST, 0xFFFF, 0xC000_0000_0000_0001L, 0x7FFF, 0xC000_0000_0000_0001L);
    assertResult(0x7FFF, 0xC000_0000_0000_0001L, 0);
  }

  @Test
  void aQuietNanGoesBeforeASignalingOneWhichIsInvalid() {
    ExtArithmetic.subtract(
        f, NEAREST, 0x7FFF, 0xBFFF_FFFF_FFFF_FFFFL, 0xFFFF, 0xC000_0000_0000_0002L);
    assertResult(0xFFFF, 0xC000_0000_0000_0002L, X87.IE);
    ExtArithmetic.subtract(f, NEAREST, 0x7FFF, 0x8000_0000_0000_0009L, ONE, TOP);
    assertResult(0x7FFF, 0xC000_0000_0000_0009L, X87.IE);
  }

  @Test
  void invalidOperationsGiveTheIndefinite() {
    ExtArithmetic.subtract(f, NEAREST, 0x7FFF, TOP, 0x7FFF, TOP); // inf - inf
    assertResult(0xFFFF, 3L << 62, X87.IE);
    ExtArithmetic.multiply(f, NEAREST, 0, 0, 0x7FFF, TOP); // 0 * inf
    assertResult(0xFFFF, 3L << 62, X87.IE);
    ExtArithmetic.divide(f, NEAREST, 0, 0, 0x8000, 0); // 0 / 0
    assertResult(0xFFFF, 3L << 62, X87.IE);
    ExtArithmetic.squareRoot(f, NEAREST, 0x8000 | ONE, TOP);
    assertResult(0xFFFF, 3L << 62, X87.IE);
    ExtArithmetic.add(f, NEAREST, ONE, TOP >>> 1, ONE, TOP); // an unnormal
    assertResult(0xFFFF, 3L << 62, X87.IE);
  }

  @Test
  void divisionByZeroGivesASignedInfinity() {
    ExtArithmetic.divide(f, NEAREST, ONE | 0x8000, TOP, 0, 0);
    assertResult(0xFFFF, TOP, X87.ZE);
  }

  @Test
  void denormalsAreNumbersWithTheirOwnFlag() {
    ExtArithmetic.add(f, NEAREST, 0, 1, 0, 2);
    assertResult(0, 3, X87.DE);
    ExtArithmetic.add(f, NEAREST, 0, TOP, 0, 0); // a pseudo-denormal is the smallest normal number
    assertResult(1, TOP, X87.DE);
  }

  @Test
  void maskedUnderflowGivesADenormalAndUnmaskedOneAScaledNumber() {
    ExtArithmetic.multiply(f, NEAREST, 1, TOP | 1, ONE - 1, TOP);
    assertResult(0, TOP >>> 1, X87.UE | X87.PE);
    ExtArithmetic.multiply(f, NEAREST, 1, TOP, ONE - 1, TOP); // exact: no underflow while masked
    assertResult(0, TOP >>> 1, 0);
    ExtArithmetic.multiply(f, NEAREST & ~X87.UE, 1, TOP, ONE - 1, TOP);
    assertResult(24576, TOP, X87.UE);
  }

  @Test
  void maskedOverflowGivesWhatTheRoundingDirectionAllows() {
    ExtArithmetic.add(f, NEAREST, 0x7FFE, -1L, 0x7FFE, -1L);
    assertResult(0x7FFF, TOP, X87.OE | X87.PE | X87.C1);
    ExtArithmetic.add(f, CHOP, 0x7FFE, -1L, 0x7FFE, -1L);
    assertResult(0x7FFE, -1L, X87.OE | X87.PE);
    ExtArithmetic.add(f, NEAREST & ~X87.OE, 0x7FFE, -1L, 0x7FFE, -1L);
    assertResult(0x7FFF - 24576, -1L, X87.OE);
  }

  @Test
  void anExactDifferenceOfZeroIsNegativeOnlyWhenRoundingDown() {
    ExtArithmetic.subtract(f, NEAREST, ONE, TOP, ONE, TOP);
    assertResult(0, 0, 0);
    ExtArithmetic.subtract(f, DOWN, ONE, TOP, ONE, TOP);
    assertResult(0x8000, 0, 0);
  }

  @Test
  void comparisonsKnowOrderEqualityAndNans() {
    assertThat(ExtArithmetic.compare(f, ONE, TOP, ONE + 1, TOP, false)).isEqualTo(X87.C0);
    assertThat(ExtArithmetic.compare(f, ONE, TOP, ONE | 0x8000, TOP, false)).isZero();
    assertThat(ExtArithmetic.compare(f, 0, 0, 0x8000, 0, false)).isEqualTo(X87.C3);
    int unordered = X87.C3 | X87.C2 | X87.C0;
    assertThat(ExtArithmetic.compare(f, 0x7FFF, 3L << 62, ONE, TOP, true)).isEqualTo(unordered);
    assertThat(f.flags).isZero();
    assertThat(ExtArithmetic.compare(f, 0x7FFF, 3L << 62, ONE, TOP, false)).isEqualTo(unordered);
    assertThat(f.flags).isEqualTo(X87.IE);
  }

  @Test
  void remaindersHaveTheSignOfTheDividendAndTheQuotientsLowBits() {
    Conversions.fromInteger(f, -17);
    int se = f.se;
    long sig = f.sig;
    Conversions.fromInteger(f, 5);
    int conditions = Scaling.remainder(f, NEAREST, se, sig, f.se, f.sig, false);
    assertThat(BigMath.value(f.se, f.sig)).isEqualByComparingTo("-2");
    assertThat(conditions).isEqualTo(X87.C3 | X87.C1); // 3
    Conversions.fromInteger(f, 5);
    conditions = Scaling.remainder(f, NEAREST, 0x4003, 18L << 59, f.se, f.sig, true);
    assertThat(BigMath.value(f.se, f.sig)).isEqualByComparingTo("-2");
    assertThat(conditions).isEqualTo(X87.C0); // 4
  }

  @Test
  void remaindersOfFarApartNumbersTakeSeveralSteps() {
    int se = ONE + 1000;
    long sig = 0xDEAD_BEEF_CAFE_F00DL;
    BigInteger divisor = BigInteger.valueOf(1_000_003);
    BigInteger dividend = new BigInteger(Long.toUnsignedString(sig)).shiftLeft(1000 - 63);
    int steps = 0;
    do {
      Conversions.fromInteger(f, divisor.longValueExact());
      int bse = f.se;
      long bsig = f.sig;
      int conditions = Scaling.remainder(f, NEAREST, se, sig, bse, bsig, false);
      se = f.se;
      sig = f.sig;
      steps++;
      if ((conditions & X87.C2) == 0) {
        break;
      }
    } while (steps < 100);
    assertThat(BigMath.value(se, sig).toBigIntegerExact()).isEqualTo(dividend.mod(divisor));
  }

  @Test
  void packedBcdHasEighteenDigits() {
    Conversions.fromBcd(f, 0x1234_5678_9012_3456L, 0x8099);
    assertThat(BigMath.value(f.se, f.sig)).isEqualByComparingTo("-991234567890123456");
    Conversions.toBcd(f, NEAREST, f.se, f.sig);
    assertThat(f.se).isEqualTo(0x8099);
    assertThat(f.sig).isEqualTo(0x1234_5678_9012_3456L);
    Conversions.toBcd(f, NEAREST, ONE + 60, TOP); // 2^60 has 19 digits
    assertThat(f.se).isEqualTo(0xFFFF);
    assertThat(f.sig).isEqualTo(0xC000L << 48);
    assertThat(f.flags).isEqualTo(X87.IE);
  }

  @Test
  void integersThatDoNotFitAreIndefinite() {
    assertThat(Conversions.toInteger(f, NEAREST, 0x400E, TOP, 2, false)).isEqualTo(-32768);
    assertThat(f.flags).isEqualTo(X87.IE); // 32768
    assertThat(Conversions.toInteger(f, NEAREST, 0xC00E, TOP, 2, false)).isEqualTo(-32768);
    assertThat(f.flags).isZero();
    assertThat(Conversions.toInteger(f, NEAREST, 0xC03E, TOP, 8, false)).isEqualTo(Long.MIN_VALUE);
    assertThat(f.flags).isZero();
    assertThat(Conversions.toInteger(f, NEAREST, ONE, 5L << 61, 4, false)).isEqualTo(1);
    assertThat(f.flags).isEqualTo(X87.PE);
    assertThat(Conversions.toInteger(f, UP, ONE, 5L << 61, 4, false)).isEqualTo(2);
    assertThat(Conversions.toInteger(f, UP, ONE, 5L << 61, 4, true)).isEqualTo(1);
  }

  @Test
  void singlesAndDoublesSurviveTheWayThereAndBack() {
    Random random = new Random(32);
    for (int i = 0; i < 20_000; i++) {
      int bits = random.nextInt();
      Conversions.fromSingle(f, bits);
      int quiet = (bits & 0x7F80_0000) == 0x7F80_0000 && bits << 9 != 0 ? 1 << 22 : 0;
      assertThat(Conversions.toSingle(f, NEAREST, f.se, f.sig)).isEqualTo(bits | quiet);
      long wide = random.nextLong() & (i % 3 == 0 ? 0x800F_FFFF_FFFF_FFFFL : -1L);
      Conversions.fromDouble(f, wide);
      assertThat((f.flags & X87.DE) != 0).isEqualTo(wide << 1 != 0 && wide << 1 >>> 53 == 0);
      if (!Double.isNaN(Double.longBitsToDouble(wide))) {
        assertThat(Conversions.toDouble(f, NEAREST, f.se, f.sig)).isEqualTo(wide);
      }
    }
  }
}
