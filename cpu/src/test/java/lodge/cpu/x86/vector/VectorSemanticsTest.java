package lodge.cpu.x86.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The lane functions against plain definitions, on any host. */
class VectorSemanticsTest {
  private final SplittableRandom random = new SplittableRandom(7);

  private interface Element {
    int apply(int a, int b);
  }

  private static int saturate(int value, int low, int high) {
    return Math.max(low, Math.min(high, value));
  }

  /** Applies a definition to each element of two lanes. */
  private static long elements(long a, long b, int width, boolean signed, Element element) {
    long result = 0;
    for (int i = 0; i < 64; i += width) {
      int x = (int) (a << 64 - width - i >>> 64 - width);
      int y = (int) (b << 64 - width - i >>> 64 - width);
      if (signed) {
        x = x << 32 - width >> 32 - width;
        y = y << 32 - width >> 32 - width;
      }
      result |= (element.apply(x, y) & (1L << width) - 1) << i;
    }
    return result;
  }

  @Test
  void bytesAndWordsAreComputedAsIfOneByOne() {
    for (int i = 0; i < 20_000; i++) {
      long a = random.nextLong();
      long b = random.nextInt(4) == 0 ? a ^ 1L << random.nextInt(64) : random.nextLong();
      for (int width : new int[] {8, 16}) {
        long h = width == 8 ? Packed.B : Packed.W;
        int top = 1 << width - 1;
        assertThat(Packed.add(a, b, h)).isEqualTo(elements(a, b, width, false, Integer::sum));
        assertThat(Packed.subtract(a, b, h))
            .isEqualTo(elements(a, b, width, false, (x, y) -> x - y));
        assertThat(Packed.addSigned(a, b, h))
            .isEqualTo(elements(a, b, width, true, (x, y) -> saturate(x + y, -top, top - 1)));
        assertThat(Packed.subtractSigned(a, b, h))
            .isEqualTo(elements(a, b, width, true, (x, y) -> saturate(x - y, -top, top - 1)));
        assertThat(Packed.addUnsigned(a, b, h))
            .isEqualTo(elements(a, b, width, false, (x, y) -> saturate(x + y, 0, 2 * top - 1)));
        assertThat(Packed.subtractUnsigned(a, b, h))
            .isEqualTo(elements(a, b, width, false, (x, y) -> Math.max(0, x - y)));
        assertThat(Packed.equal(a, b, h))
            .isEqualTo(elements(a, b, width, false, (x, y) -> x == y ? -1 : 0));
        assertThat(Packed.greater(a, b, h))
            .isEqualTo(elements(a, b, width, true, (x, y) -> x > y ? -1 : 0));
        assertThat(Packed.minSigned(a, b, h)).isEqualTo(elements(a, b, width, true, Math::min));
        assertThat(Packed.maxUnsigned(a, b, h)).isEqualTo(elements(a, b, width, false, Math::max));
        assertThat(Packed.average(a, b, h))
            .isEqualTo(elements(a, b, width, false, (x, y) -> x + y + 1 >> 1));
        assertThat(Packed.abs(a, h)).isEqualTo(elements(a, b, width, true, (x, y) -> Math.abs(x)));
        assertThat(Packed.sign(a, b, h))
            .isEqualTo(elements(a, b, width, true, (x, y) -> x * Integer.signum(y)));
      }
    }
  }

  @Test
  void theChecksumIsCastagnolis() {
    byte[] text = "123456789".getBytes(StandardCharsets.US_ASCII);
    int crc = -1;
    for (byte b : text) {
      crc = Crc32c.update(crc, b, 1);
    }
    assertThat(~crc).isEqualTo(0xE306_9283);
    assertThat(~Crc32c.update(Crc32c.update(-1, 0x3837_3635_3433_3231L, 8), '9', 1))
        .isEqualTo(~crc);
  }

  @Test
  void approximationsAreAsCloseAsPromised() {
    for (int i = 0; i < 200_000; i++) {
      int bits = random.nextInt(2, 252) << 23 | random.nextInt(1 << 23);
      float a = Float.intBitsToFloat(bits);
      double reciprocal = Float.intBitsToFloat(Reciprocal.reciprocal(bits));
      double root = Float.intBitsToFloat(Reciprocal.reciprocalRoot(bits));
      assertThat(Math.abs(reciprocal * a - 1)).isLessThanOrEqualTo(1.5 / 4096);
      assertThat(Math.abs(root * Math.sqrt(a) - 1)).isLessThanOrEqualTo(1.5 / 4096);
    }
  }

  private static SimdFloat environment(int mxcsr) {
    SimdFloat e = new SimdFloat();
    e.mxcsr = mxcsr;
    return e;
  }

  @Test
  void exactArithmeticAgreesWithTheHostsInTheDefaultEnvironment() {
    SimdFloat e = environment(Mxcsr.DEFAULT);
    for (int i = 0; i < 200_000; i++) {
      long a = random.nextLong();
      long b = random.nextInt(3) == 0 ? a ^ random.nextInt() : random.nextLong();
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      if (Double.isNaN(x) || Double.isNaN(y)) {
        continue;
      }
      assertThat(SoftFloat.multiply(e, a, b, 52)).isEqualTo(bits(x * y));
      assertThat(SoftFloat.divide(e, a, b, 52)).isEqualTo(bits(x / y));
      assertThat(SoftFloat.add(e, a, b, 52)).isEqualTo(bits(x + y));
      assertThat(SoftFloat.subtract(e, a, b, 52)).isEqualTo(bits(x - y));
      assertThat(SoftFloat.squareRoot(e, a & Long.MAX_VALUE, 52))
          .isEqualTo(bits(Math.sqrt(Math.abs(x))));
      assertThat((int) SoftFloat.convert(e, a, 52, 23))
          .isEqualTo(Float.floatToRawIntBits((float) x));
    }
  }

  private static long bits(double value) {
    // Invalid operations yield the negative quiet NaN here.
    return Double.isNaN(value) ? 0xFFF8_0000_0000_0000L : Double.doubleToRawLongBits(value);
  }

  @Test
  void directedRoundingEnclosesTheExactResult() {
    for (int i = 0; i < 50_000; i++) {
      long a = Double.doubleToRawLongBits(random.nextDouble(-1, 1));
      long b = Double.doubleToRawLongBits(random.nextDouble(-1e-3, 1e3));
      double down = Double.longBitsToDouble(environment(0x3F80).multiply64(a, b));
      double up = Double.longBitsToDouble(environment(0x5F80).multiply64(a, b));
      double zero = Double.longBitsToDouble(environment(0x7F80).multiply64(a, b));
      double near = Double.longBitsToDouble(environment(0x1F80).multiply64(a, b));
      assertThat(down).isLessThanOrEqualTo(near);
      assertThat(up).isGreaterThanOrEqualTo(near);
      assertThat(up == down || Math.nextUp(down) == up).isTrue();
      assertThat(zero).isEqualTo(near > 0 ? down : up);
    }
  }

  @Test
  void theFastWayFindsInexactResultsWhileTheFlagIsClear() {
    SimdFloat e = environment(Mxcsr.DEFAULT);
    for (int i = 0; i < 100_000; i++) {
      long a =
          Double.doubleToRawLongBits(
              random.nextInt(1 << 20) * Math.scalb(1.0, random.nextInt(-9, 9)));
      long b =
          Double.doubleToRawLongBits(
              1 + random.nextInt(1 << 10) * Math.scalb(1.0, random.nextInt(-60, 9)));
      SimdFloat exact = environment(Mxcsr.DEFAULT);
      e.raised = 0;
      assertThat(e.add64(a, b)).isEqualTo(SoftFloat.add(exact, a, b, 52));
      assertThat(e.multiply64(a, b)).isEqualTo(SoftFloat.multiply(exact, a, b, 52));
      assertThat(e.raised).isEqualTo(exact.raised);
      e.raised = 0;
      exact.raised = 0;
      assertThat(e.divide64(a, b)).isEqualTo(SoftFloat.divide(exact, a, b, 52));
      assertThat(e.squareRoot64(b)).isEqualTo(SoftFloat.squareRoot(exact, b, 52));
      assertThat(e.raised).isEqualTo(exact.raised);
    }
  }

  @Test
  void stringsEndWhereTheyShould() {
    long low = 0x0000_6C6C_6568L; // "hell"
    assertThat(StringCompare.implicitLength(low, -1, 0)).isEqualTo(4);
    assertThat(StringCompare.explicitLength(-7, 0)).isEqualTo(7);
    assertThat(StringCompare.explicitLength(Long.MIN_VALUE, 1)).isEqualTo(8);
    // Where is "l" in it? First match, then last one.
    int control = 0;
    int result = StringCompare.compare('l', 0, 1, low, 0, 4, control);
    assertThat(StringCompare.index(result, control)).isEqualTo(2);
    assertThat(StringCompare.index(result, control | 0x40)).isEqualTo(3);
  }
}
