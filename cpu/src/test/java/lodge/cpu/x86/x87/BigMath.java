package lodge.cpu.x86.x87;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/** Elementary functions to 60 digits, by other ways than the processor's. */
final class BigMath {
  private static final MathContext C = new MathContext(70);
  private static final BigDecimal TINY = new BigDecimal("1e-68");
  private static final BigDecimal TWO = BigDecimal.TWO;

  /** The processor's pi: 66 bits. */
  static final BigDecimal PI_66 =
      new BigDecimal(new BigInteger("3243F6A8885A308D3", 16)).divide(TWO.pow(64));

  static final BigDecimal PI =
      atanOfInverse(5)
          .multiply(BigDecimal.valueOf(16))
          .subtract(atanOfInverse(239).multiply(BigDecimal.valueOf(4)), C);
  static final BigDecimal LN2 = ln(TWO);

  private BigMath() {}

  static BigDecimal value(int se, long sig) {
    BigDecimal v = new BigDecimal(new BigInteger(Long.toUnsignedString(sig)));
    int exponent = (se & 0x7FFF) - 16383 - 63;
    v =
        exponent >= 0
            ? v.multiply(TWO.pow(exponent))
            : v.multiply(BigDecimal.valueOf(5).pow(-exponent)).movePointLeft(-exponent);
    return (se & 0x8000) != 0 ? v.negate() : v;
  }

  private static BigDecimal atanOfInverse(int n) {
    return atanSeries(BigDecimal.ONE.divide(BigDecimal.valueOf(n), C));
  }

  private static BigDecimal atanSeries(BigDecimal t) {
    BigDecimal square = t.multiply(t, C);
    BigDecimal power = t;
    BigDecimal sum = t;
    for (int n = 3; power.abs().compareTo(t.abs().multiply(TINY)) > 0; n += 2) {
      power = power.multiply(square, C).negate();
      sum = sum.add(power.divide(BigDecimal.valueOf(n), C), C);
    }
    return sum;
  }

  /** The angle of (x, y). */
  static BigDecimal atan2(BigDecimal y, BigDecimal x) {
    BigDecimal t = y.abs().divide(x.abs(), C);
    boolean steep = t.compareTo(BigDecimal.ONE) > 0;
    if (steep) {
      t = BigDecimal.ONE.divide(t, C);
    }
    int halvings = 0;
    while (t.compareTo(new BigDecimal("0.1")) > 0) { // tan(a / 2) = t / (1 + sqrt(1 + t^2))
      t = t.divide(BigDecimal.ONE.add(BigDecimal.ONE.add(t.multiply(t, C), C).sqrt(C), C), C);
      halvings++;
    }
    BigDecimal a = atanSeries(t).multiply(TWO.pow(halvings), C);
    if (steep) {
      a = PI.divide(TWO).subtract(a, C);
    }
    if (x.signum() < 0) {
      a = PI.subtract(a, C);
    }
    return y.signum() < 0 ? a.negate() : a;
  }

  static BigDecimal ln(BigDecimal x) {
    int k = 0;
    while (x.compareTo(new BigDecimal("1.1")) > 0) { // square roots until it is near 1
      x = x.sqrt(new MathContext(90));
      k++;
    }
    while (x.compareTo(new BigDecimal("0.9")) < 0) {
      x = x.sqrt(new MathContext(90));
      k++;
    }
    BigDecimal s = x.subtract(BigDecimal.ONE).divide(x.add(BigDecimal.ONE), C);
    BigDecimal square = s.multiply(s, C);
    BigDecimal power = s;
    BigDecimal sum = s;
    for (int n = 3; power.abs().compareTo(s.abs().multiply(TINY)) > 0; n += 2) {
      power = power.multiply(square, C);
      sum = sum.add(power.divide(BigDecimal.valueOf(n), C), C);
    }
    return sum.multiply(TWO.pow(k + 1), C);
  }

  static BigDecimal log2(BigDecimal x) {
    return ln(x).divide(LN2, C);
  }

  /** e^y - 1 for small y. */
  static BigDecimal expm1(BigDecimal y) {
    BigDecimal term = y;
    BigDecimal sum = y;
    for (int n = 2; term.abs().compareTo(y.abs().multiply(TINY)) > 0; n++) {
      term = term.multiply(y, C).divide(BigDecimal.valueOf(n), C);
      sum = sum.add(term, C);
    }
    return sum;
  }

  static BigDecimal exp2m1(BigDecimal x) {
    return expm1(x.multiply(LN2, C));
  }

  /**
   * The sine of an angle that is reduced by {@link #PI_66} first; {@code quarters} pi/2 are added.
   */
  static BigDecimal sin(BigDecimal x, int quarters) {
    BigDecimal half = PI_66.divide(TWO);
    BigDecimal q = x.divide(half, 0, RoundingMode.HALF_EVEN);
    BigDecimal r = x.subtract(q.multiply(half));
    int quadrant =
        q.toBigInteger().add(BigInteger.valueOf(quarters)).and(BigInteger.valueOf(3)).intValue();
    BigDecimal square = r.multiply(r, C);
    BigDecimal term = (quadrant & 1) == 0 ? r : BigDecimal.ONE;
    BigDecimal first = term.abs();
    BigDecimal sum = term;
    for (int n = (quadrant & 1) == 0 ? 2 : 1;
        term.abs().compareTo(first.multiply(TINY)) > 0;
        n += 2) {
      term = term.multiply(square, C).divide(BigDecimal.valueOf((long) n * (n + 1)), C).negate();
      sum = sum.add(term, C);
    }
    return (quadrant & 2) == 0 ? sum : sum.negate();
  }
}
