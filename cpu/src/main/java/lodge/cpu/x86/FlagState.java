package lodge.cpu.x86;

import static java.lang.Double.longBitsToDouble;

/**
 * How the arithmetic flags are kept in a region: the kind of the instruction that set them last and
 * up to three values, {@code a}, {@code b} (operands) and {@code r} (result). Of these only the
 * operand's bits count; what is above them may be anything. Each kind keeps no more than it needs,
 * and in the form in which the registers hold it, so that flags that nobody reads keep nothing
 * alive.
 */
public final class FlagState {
  /** {@code r} is {@link Cpu#flagResult}, {@code a} is {@link Cpu#flagAux}. */
  public static final int READY = 0;

  /** The sum {@code r} of something and {@code b}. */
  public static final int ADD = 1;

  /** {@code r = a + b + CF}. */
  public static final int ADC = 2;

  /** The difference {@code r} of something and {@code b}. */
  public static final int SUB = 3;

  /** {@code r = a - b - CF}. */
  public static final int SBB = 4;

  /** {@code r} by AND, OR or XOR. */
  public static final int LOGIC = 5;

  /** {@code r} is one more than something; {@code b < 0} is CF. */
  public static final int INC = 6;

  /** {@code r} is one less than something; {@code b < 0} is CF. */
  public static final int DEC = 7;

  /** {@code a} compared with {@code b}. */
  public static final int CMP = 8;

  /** The double {@code a} compared with the double {@code b}, both ordinary. */
  public static final int ORDER = 9;

  /** Known only when the region runs: the kind is in a local. */
  public static final int DYNAMIC = 10;

  private static final int KIND_BITS = 4;
  private static final int KIND_MASK = (1 << KIND_BITS) - 1;

  private FlagState() {}

  /** A kind for operands of so many bytes; without it they have 8. */
  public static int sized(int kind, int size) {
    return kind | 64 - 8 * size << KIND_BITS;
  }

  /** One of the constants. */
  public static int base(int kind) {
    return kind & KIND_MASK;
  }

  /** Bytes of the operands. */
  public static int size(int kind) {
    return 64 - (kind >> KIND_BITS) >> 3;
  }

  /** {@link Cpu#flagResult} for a state. */
  private static long result(int kind, long a, long b, long r) {
    int unused = kind >> KIND_BITS;
    return switch (base(kind)) {
      case CMP -> a - b << unused >> unused;
      // 1 has neither ZF nor PF, 0 has both.
      case ORDER -> longBitsToDouble(a) == longBitsToDouble(b) ? 0 : 1;
      default -> r << unused >> unused;
    };
  }

  /** {@link Cpu#flagAux} for a state. */
  private static long aux(int kind, long a, long b, long r) {
    int unused = kind >> KIND_BITS;
    return switch (base(kind)) {
      case READY -> a;
      case ADD -> sumAux(unused, r - b, b, r);
      case ADC -> sumAux(unused, a, b, r);
      case SUB -> differenceAux(unused, r + b, b, r);
      case SBB -> differenceAux(unused, a, b, r);
      case CMP -> differenceAux(unused, a, b, a - b);
      case INC -> pack(b, ~(r - 1) & r, r - 1 ^ 1 ^ r, unused);
      case ORDER -> orderAux(longBitsToDouble(a), longBitsToDouble(b));
      case DEC -> pack(b, r + 1 & ~r, r + 1 ^ 1 ^ r, unused);
      default -> 0;
    };
  }

  /** CF when less; PF never: the result has it, and bit 8 turns it over. */
  private static long orderAux(double a, double b) {
    return a < b ? Flags.AUX_CF | Flags.AUX_PO : a == b ? 0x100 : 0;
  }

  private static long sumAux(int unused, long a, long b, long r) {
    return pack(sumCarry(a, b, r) << unused, (a ^ r) & (b ^ r), a ^ b ^ r, unused);
  }

  private static long differenceAux(int unused, long a, long b, long r) {
    return pack(differenceCarry(a, b, r) << unused, (a ^ b) & (a ^ r), a ^ b ^ r, unused);
  }

  private static long sumCarry(long a, long b, long r) {
    return a & b | (a | b) & ~r;
  }

  private static long differenceCarry(long a, long b, long r) {
    return ~a & b | ~(a ^ b) & r;
  }

  /**
   * @param carry negative: CF; @param overflow has OF in the operand's highest bit; @param half bit
   *     4: AF; @param unused bits above the operand
   */
  private static long pack(long carry, long overflow, long half, int unused) {
    return carry & Flags.AUX_CF
        | (carry ^ overflow << unused) >>> 1 & Flags.AUX_PO
        | half >>> 1 & Flags.AUX_AF;
  }

  /** Makes a state that of the processor, {@link #READY} for everybody. */
  public static void store(Cpu c, int kind, long a, long b, long r) {
    c.flagResult = result(kind, a, b, r);
    c.flagAux = aux(kind, a, b, r);
    c.flagKind = READY;
  }

  /**
   * Leaves a state to who comes next: most regions overwrite the flags before anybody asks for
   * them. All others have to {@link #settle} them first.
   */
  public static void hand(Cpu c, int kind, long a, long b, long r) {
    c.flagKind = kind;
    c.flagAux = a;
    c.flagB = b;
    c.flagResult = r;
  }

  /** Makes a state that was handed over {@link #READY}. */
  public static void settle(Cpu c) {
    int kind = c.flagKind;
    if (kind != READY) {
      store(c, kind, c.flagAux, c.flagB, c.flagResult);
    }
  }

  /** A condition code, 0 to 15, of a state. */
  public static boolean condition(int kind, long a, long b, long r, int code) {
    long aux = aux(kind, a, b, r);
    long result = result(kind, a, b, r);
    boolean holds =
        switch (code >> 1) {
          case 0 -> (aux ^ aux << 1) < 0;
          case 1 -> aux < 0;
          case 2 -> result == 0;
          case 3 -> aux < 0 || result == 0;
          case 4 -> (result ^ aux << 63) < 0;
          case 5 -> (Integer.bitCount((int) (result ^ aux >>> 8) & 0xFF) & 1) == 0;
          case 6 -> (result ^ aux << 63 ^ aux ^ aux << 1) < 0;
          default -> result == 0 || (result ^ aux << 63 ^ aux ^ aux << 1) < 0;
        };
    return holds ^ (code & 1) != 0;
  }

  /** CF as a number below 0 (set) or not. */
  public static long carry(int kind, long a, long b, long r) {
    int unused = kind >> KIND_BITS;
    return switch (base(kind)) {
      case READY -> a;
      case ADD -> sumCarry(r - b, b, r) << unused;
      case ADC -> sumCarry(a, b, r) << unused;
      case SUB -> differenceCarry(r + b, b, r) << unused;
      case SBB -> differenceCarry(a, b, r) << unused;
      case CMP -> differenceCarry(a, b, a - b) << unused;
      case INC, DEC -> b;
      case ORDER -> longBitsToDouble(a) < longBitsToDouble(b) ? -1 : 0;
      default -> 0;
    };
  }

  /** {@link Cpu#flagAux} of SHL by {@code n} of a value of {@code bits} bits. */
  public static long shlAux(long value, int bits, int n) {
    long carry = value << 63 - (bits - n);
    long overflow = value << 64 - bits ^ value << 65 - bits;
    return carry & Flags.AUX_CF | (carry ^ overflow) >>> 1 & Flags.AUX_PO;
  }

  /** {@link Cpu#flagAux} of SHR by {@code n} of a sign-extended value. */
  public static long shrAux(long value, int bits, int n) {
    long carry = value << 64 - n;
    return carry & Flags.AUX_CF | (carry ^ value) >>> 1 & Flags.AUX_PO;
  }

  /** {@link Cpu#flagAux} of SAR by {@code n} of a sign-extended value. */
  public static long sarAux(long value, int bits, int n) {
    long carry = value << 64 - n;
    return carry & Flags.AUX_CF | carry >>> 1 & Flags.AUX_PO;
  }

  /** CF becomes a bit of a value, the other flags of the processor stay. */
  public static void setCarry(Cpu c, long value, int bit) {
    Flags.setCf(c, (value >>> bit & 1) != 0);
  }

  /** {@link Cpu#flagAux} of BSF and BSR, with a {@link Cpu#flagResult} of 1: PF is the index's. */
  public static long scanAux(int index) {
    return (Integer.bitCount(index) & 1) == 0 ? 0x100 : 0;
  }

  /** {@link Cpu#flagAux} of LZCNT and TZCNT, with a {@link #countResult}: CF for a source of 0. */
  public static long countAux(long source, int count) {
    return (source == 0 ? Flags.AUX_CF | Flags.AUX_PO : 0) | (count == 0 ? 0x100 : 0);
  }

  /** {@link Cpu#flagResult} of counts: 1 has neither ZF nor PF. */
  public static long countResult(int count) {
    return count == 0 ? 0 : 1;
  }

  /** {@link Cpu#flagAux} of POPCNT, with a {@link #countResult}: only ZF may be set. */
  public static long populationAux(long source, int count) {
    return count == 0 ? 0x100 : 0;
  }

  /** {@link Cpu#flagAux} of a multiplication; see {@link lodge.cpu.x86.Alu#mulFlags}. */
  public static long mulAux(long significantHigh, long low) {
    return (significantHigh != 0 ? Flags.AUX_CF : 0) | (low == 0 ? 0x100 : 0);
  }

  /** {@link Cpu#flagResult} of a multiplication. */
  public static long mulResult(long low) {
    return low == 0 ? 1 : low;
  }
}
