package lodge.cpu.x86;

/**
 * What CPUID leaf 0x15 says of the time-stamp counter's pace: the crystal's, times a fraction (SDM
 * volume 2, CPUID).
 *
 * @param numerator EBX
 * @param denominator EAX
 */
record TscRatio(int numerator, int denominator) {
  /** Linux multiplies the crystal's kilohertz by the numerator in 32 bits. */
  private static final long PRODUCT = 1L << 32;

  /**
   * The fraction closest to a pace among those that Linux can compute with: less than 30 parts of a
   * million beside it when the crystal has 1 GHz.
   *
   * @param crystalKhz at least 1
   * @param tscKhz at least 1
   */
  static TscRatio of(int crystalKhz, int tscKhz) {
    long highest = Math.max(1, (PRODUCT - 1) / crystalKhz);
    TscRatio best = new TscRatio(1, 1);
    double least = Double.MAX_VALUE;
    for (int denominator = 1; denominator <= highest && least > 0; denominator++) {
      long numerator = Math.round((double) denominator * tscKhz / crystalKhz);
      if (numerator > highest) {
        break;
      }
      double error = Math.abs((double) numerator * crystalKhz / denominator - tscKhz);
      if (numerator > 0 && error < least) {
        best = new TscRatio((int) numerator, denominator);
        least = error;
      }
    }
    return best;
  }
}
