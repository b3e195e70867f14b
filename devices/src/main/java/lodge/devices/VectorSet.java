package lodge.devices;

/**
 * 256 bits, one an interrupt vector: the shape of IRR, ISR and TMR (SDM vol. 3, 12.8.4). Not
 * thread-safe.
 */
final class VectorSet {
  private long w0;
  private long w1;
  private long w2;
  private long w3;

  /** The highest vector in the set, or -1. */
  int highest() {
    if (w3 != 0) {
      return 255 - Long.numberOfLeadingZeros(w3);
    }
    if (w2 != 0) {
      return 191 - Long.numberOfLeadingZeros(w2);
    }
    if (w1 != 0) {
      return 127 - Long.numberOfLeadingZeros(w1);
    }
    return w0 != 0 ? 63 - Long.numberOfLeadingZeros(w0) : -1;
  }

  boolean contains(int vector) {
    return (word(vector >> 6) >>> vector & 1) != 0;
  }

  void set(int vector, boolean member) {
    long bit = 1L << vector;
    switch (vector >> 6) {
      case 0 -> w0 = member ? w0 | bit : w0 & ~bit;
      case 1 -> w1 = member ? w1 | bit : w1 & ~bit;
      case 2 -> w2 = member ? w2 | bit : w2 & ~bit;
      default -> w3 = member ? w3 | bit : w3 & ~bit;
    }
  }

  /** One of the eight 32-bit registers that show the set to the guest. */
  int register(int index) {
    return (int) (word(index >> 1) >>> 32 * (index & 1));
  }

  long[] words() {
    return new long[] {w0, w1, w2, w3};
  }

  void restore(long[] words) {
    w0 = words[0];
    w1 = words[1];
    w2 = words[2];
    w3 = words[3];
  }

  void clear() {
    w0 = w1 = w2 = w3 = 0;
  }

  private long word(int index) {
    return switch (index) {
      case 0 -> w0;
      case 1 -> w1;
      case 2 -> w2;
      default -> w3;
    };
  }
}
