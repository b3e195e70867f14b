package lodge.cpu.x86.vector;

/** Multiplication of polynomials over GF(2) (PCLMULQDQ). */
public final class CarryLess {
  /** Every fourth bit. */
  private static final long SPARSE = 0x1111_1111_1111_1111L;

  private CarryLess() {}

  /**
   * Low 64 bits of the product. An ordinary multiplication of numbers in which only every fourth
   * bit may be set sums at most 16 products at each place; the sum's lowest bit is their xor, and
   * its carries end before they reach the next place that counts, but for the very last of them.
   */
  public static long low(long a, long b) {
    long a0 = a & SPARSE;
    long a1 = a & SPARSE << 1;
    long a2 = a & SPARSE << 2;
    long a3 = a & SPARSE << 3;
    long b0 = b & SPARSE;
    long b1 = b & SPARSE << 1;
    long b2 = b & SPARSE << 2;
    long b3 = b & SPARSE << 3;
    return (a0 * b0 ^ a1 * b3 ^ a2 * b2 ^ a3 * b1) & SPARSE
        | (a0 * b1 ^ a1 * b0 ^ a2 * b3 ^ a3 * b2) & SPARSE << 1
        | (a0 * b2 ^ a1 * b1 ^ a2 * b0 ^ a3 * b3) & SPARSE << 2
        | (a0 * b3 ^ a1 * b2 ^ a2 * b1 ^ a3 * b0) & SPARSE << 3;
  }

  /** High 64 bits of the product: the low ones of the mirrored factors, mirrored. */
  public static long high(long a, long b) {
    return Long.reverse(low(Long.reverse(a), Long.reverse(b))) >>> 1;
  }
}
