package lodge.cpu.x86.vector;

/**
 * RCPSS and RSQRTSS, to the bit as Intel's processors have them.
 *
 * <p>The architecture promises a relative error of at most 1.5 * 2^-12; processors look the top
 * eleven bits of the operand up in a table (RSQRT: the parity of the exponent and ten bits). Each
 * entry is the exact function at the middle of the interval that shares it, rounded to the nearest
 * number of 13 significant bits; denormal operands count as zero and denormal results become zero
 * whatever MXCSR says, and nothing is ever raised.
 */
public final class Reciprocal {
  private static final int EXPONENT_ONE = 127 << 23;
  private static final short[] RECIPROCAL = new short[2048];
  private static final short[] ROOT = new short[2048];

  static {
    for (int i = 0; i < 2048; i++) {
      // 4096 to 8191, without its leading bit: the top 12 bits of the fraction.
      RECIPROCAL[i] = (short) (Math.round(8192 / (1 + (i + 0.5) / 2048)) - 4096);
      double middle = 1 + ((i & 1023) + 0.5) / 1024;
      ROOT[i] = (short) (Math.round(8192 / Math.sqrt(i < 1024 ? middle : 2 * middle)) - 4096);
    }
  }

  private Reciprocal() {}

  public static int reciprocal(int a) {
    int sign = a & Integer.MIN_VALUE;
    int exponent = a >>> 23 & 0xFF;
    if (exponent == 0) {
      return sign | 0x7F80_0000;
    }
    if (exponent == 0xFF) {
      return (a & 0x7F_FFFF) == 0 ? sign : a | 0x40_0000;
    }
    // The function's value is below 1 (or 1, which no entry is): one exponent lower.
    int resultExponent = 253 - exponent;
    if (resultExponent <= 0) {
      return sign;
    }
    return sign | resultExponent << 23 | RECIPROCAL[a >>> 12 & 0x7FF] << 11;
  }

  public static int reciprocalRoot(int a) {
    int exponent = a >>> 23 & 0xFF;
    if (exponent == 0) {
      return a & Integer.MIN_VALUE | 0x7F80_0000;
    }
    if (exponent == 0xFF && (a & 0x7F_FFFF) != 0) {
      return a | 0x40_0000;
    }
    if (a < 0) {
      return 0xFFC0_0000;
    }
    if (exponent == 0xFF) {
      return 0;
    }
    int odd = exponent - 127 & 1;
    int half = exponent - 127 - odd >> 1;
    return EXPONENT_ONE - (half + 1 << 23) + (ROOT[odd << 10 | a >>> 13 & 0x3FF] << 11);
  }
}
