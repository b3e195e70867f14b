package lodge.cpu.x86;

/**
 * Shifts and rotates of operands of any size (SDM volume 2: SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD,
 * SHRD). Values come zero-extended; a masked count of 0 changes no flag. OF for counts other than
 * 1, which the manual leaves undefined, is what the first of the single-bit steps would give, as in
 * Intel's processors.
 */
public final class Shifts {
  public static final int ROL = 0;
  public static final int ROR = 1;
  public static final int RCL = 2;
  public static final int RCR = 3;
  public static final int SHL = 4;
  public static final int SHR = 5;
  public static final int SAR = 7;

  private Shifts() {}

  /**
   * @param operation the ModRM.reg of the shift group; 6 is SHL
   * @param count as the instruction gives it, unmasked
   * @return the result; bits above the size are unspecified
   */
  public static long apply(Cpu c, int operation, int size, long a, int count) {
    int n = count & (size == 8 ? 63 : 31);
    if (n == 0) {
      return a;
    }
    return switch (operation) {
      case ROL -> rol(c, size, a, n);
      case ROR -> ror(c, size, a, n);
      case RCL -> rcl(c, size, a, n);
      case RCR -> rcr(c, size, a, n);
      case SHR -> shr(c, size, a, n);
      case SAR -> sar(c, size, a, n);
      default -> shl(c, size, a, n);
    };
  }

  /**
   * ROL or ROR of a register by an immediate: by more than 1 it leaves OF, which is undefined then,
   * on Intel's processors; the other rotations change it.
   */
  public static long rotateRegister(Cpu c, int operation, int size, long a, int count) {
    if (count <= 1) {
      return apply(c, operation, size, a, count);
    }
    boolean of = Flags.of(c);
    long result = apply(c, operation, size, a, count);
    Flags.setCfOf(c, Flags.cf(c), of);
    return result;
  }

  /**
   * @param n 1 to 31 (63 for 64 bits)
   */
  public static long shl(Cpu c, int size, long a, int n) {
    int bits = 8 * size;
    long result = a << n;
    boolean cf = n <= bits && (a >>> bits - n & 1) != 0;
    c.flagResult = Alu.signExtend(size, result);
    c.flagAux = carryAndOverflow(cf, topBitsDiffer(a, bits));
    return result;
  }

  /**
   * @param n 1 to 31 (63 for 64 bits)
   */
  public static long shr(Cpu c, int size, long a, int n) {
    long result = a >>> n;
    boolean cf = (a >>> n - 1 & 1) != 0;
    c.flagResult = Alu.signExtend(size, result);
    c.flagAux = carryAndOverflow(cf, (a >>> 8 * size - 1 & 1) != 0);
    return result;
  }

  /**
   * @param n 1 to 31 (63 for 64 bits)
   */
  public static long sar(Cpu c, int size, long a, int n) {
    long signed = Alu.signExtend(size, a);
    long result = signed >> n;
    c.flagResult = result;
    c.flagAux = (signed >> n - 1 & 1) != 0 ? Flags.AUX_CF | Flags.AUX_PO : 0;
    return result;
  }

  private static long carryAndOverflow(boolean cf, boolean of) {
    return (cf ? Flags.AUX_CF : 0) | (cf ^ of ? Flags.AUX_PO : 0);
  }

  private static boolean topBitsDiffer(long a, int bits) {
    return ((a >>> bits - 1 ^ a >>> bits - 2) & 1) != 0;
  }

  private static long rol(Cpu c, int size, long a, int n) {
    int bits = 8 * size;
    int by = n & bits - 1;
    long result = Alu.zeroExtend(size, a << by | a >>> bits - by);
    if (by == 0) {
      result = a;
    }
    boolean cf = (result & 1) != 0;
    Flags.setCfOf(c, cf, topBitsDiffer(a, bits));
    return result;
  }

  private static long ror(Cpu c, int size, long a, int n) {
    int bits = 8 * size;
    int by = n & bits - 1;
    long result = by == 0 ? a : Alu.zeroExtend(size, a >>> by | a << bits - by);
    boolean cf = (result >>> bits - 1 & 1) != 0;
    Flags.setCfOf(c, cf, ((a >>> bits - 1 ^ a) & 1) != 0);
    return result;
  }

  private static long rcl(Cpu c, int size, long a, int n) {
    int bits = 8 * size;
    boolean cf = Flags.cf(c);
    if (n % (bits + 1) == 0) {
      return a;
    }
    long result = a;
    for (int i = n % (bits + 1); i > 0; i--) {
      boolean out = (result >>> bits - 1 & 1) != 0;
      result = Alu.zeroExtend(size, result << 1 | (cf ? 1 : 0));
      cf = out;
    }
    Flags.setCfOf(c, cf, topBitsDiffer(a, bits));
    return result;
  }

  private static long rcr(Cpu c, int size, long a, int n) {
    int bits = 8 * size;
    boolean cf = Flags.cf(c);
    if (n % (bits + 1) == 0) {
      return a;
    }
    boolean of = cf ^ (a >>> bits - 1 & 1) != 0;
    long result = a;
    for (int i = n % (bits + 1); i > 0; i--) {
      boolean out = (result & 1) != 0;
      result = result >>> 1 | (cf ? 1L << bits - 1 : 0);
      cf = out;
    }
    Flags.setCfOf(c, cf, of);
    return result;
  }

  /** SHLD. */
  public static long shld(Cpu c, int size, long a, long b, int count) {
    int bits = 8 * size;
    int n = count & (size == 8 ? 63 : 31);
    if (n == 0) {
      return a;
    }
    long result;
    boolean cf;
    if (n > bits) {
      // 16 bits and a count of 17 to 31, undefined in the manual: the processors rotate through
      // dst:src:dst.
      int by = n - 16;
      result = b << by | a >>> 16 - by;
      cf = (b >>> 16 - by & 1) != 0;
    } else {
      result = n == bits ? b : a << n | b >>> bits - n;
      cf = (a >>> bits - n & 1) != 0;
    }
    c.flagResult = Alu.signExtend(size, result);
    c.flagAux = carryAndOverflow(cf, topBitsDiffer(a, bits));
    return result;
  }

  /** SHRD. */
  public static long shrd(Cpu c, int size, long a, long b, int count) {
    int bits = 8 * size;
    int n = count & (size == 8 ? 63 : 31);
    if (n == 0) {
      return a;
    }
    long result;
    boolean cf;
    if (n > bits) {
      int by = n - 16;
      result = b >>> by | a << 16 - by;
      cf = (b >>> by - 1 & 1) != 0;
    } else {
      result = n == bits ? b : a >>> n | b << bits - n;
      cf = (a >>> n - 1 & 1) != 0;
    }
    c.flagResult = Alu.signExtend(size, result);
    c.flagAux = carryAndOverflow(cf, ((a >>> bits - 1 ^ b) & 1) != 0);
    return result;
  }
}
