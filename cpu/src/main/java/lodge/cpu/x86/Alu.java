package lodge.cpu.x86;

/**
 * Integer arithmetic with its flags (SDM volume 2, the instruction pages; volume 1, appendix A).
 * Every function returns the result and sets the lazy flags. Where the manual leaves a flag
 * undefined, it gets the value that Intel's processors give.
 */
public final class Alu {
  private Alu() {}

  public static long add64(Cpu c, long a, long b) {
    long result = a + b;
    c.flagResult = result;
    c.flagAux = Flags.aux64(a & b | (a | b) & ~result);
    return result;
  }

  public static int add32(Cpu c, int a, int b) {
    int result = a + b;
    c.flagResult = result;
    c.flagAux = Flags.aux32(a & b | (a | b) & ~result);
    return result;
  }

  public static long sub64(Cpu c, long a, long b) {
    long result = a - b;
    c.flagResult = result;
    c.flagAux = Flags.aux64(~a & b | ~(a ^ b) & result);
    return result;
  }

  public static int sub32(Cpu c, int a, int b) {
    int result = a - b;
    c.flagResult = result;
    c.flagAux = Flags.aux32(~a & b | ~(a ^ b) & result);
    return result;
  }

  public static long adc64(Cpu c, long a, long b) {
    long result = a + b + (c.flagAux >>> 63);
    c.flagResult = result;
    c.flagAux = Flags.aux64(a & b | (a | b) & ~result);
    return result;
  }

  public static int adc32(Cpu c, int a, int b) {
    int result = a + b + (int) (c.flagAux >>> 63);
    c.flagResult = result;
    c.flagAux = Flags.aux32(a & b | (a | b) & ~result);
    return result;
  }

  public static long sbb64(Cpu c, long a, long b) {
    long result = a - b - (c.flagAux >>> 63);
    c.flagResult = result;
    c.flagAux = Flags.aux64(~a & b | ~(a ^ b) & result);
    return result;
  }

  public static int sbb32(Cpu c, int a, int b) {
    int result = a - b - (int) (c.flagAux >>> 63);
    c.flagResult = result;
    c.flagAux = Flags.aux32(~a & b | ~(a ^ b) & result);
    return result;
  }

  public static long logic64(Cpu c, long result) {
    c.flagResult = result;
    c.flagAux = 0;
    return result;
  }

  public static int logic32(Cpu c, int result) {
    c.flagResult = result;
    c.flagAux = 0;
    return result;
  }

  /** {@code value} cut to {@code size} bytes and sign-extended. */
  public static long signExtend(int size, long value) {
    int unused = 64 - 8 * size;
    return value << unused >> unused;
  }

  /** {@code value} cut to {@code size} bytes and zero-extended. */
  public static long zeroExtend(int size, long value) {
    int unused = 64 - 8 * size;
    return value << unused >>> unused;
  }

  /** Operations in the order of opcode bits 5:3. */
  public static final int ADD = 0;

  public static final int OR = 1;
  public static final int ADC = 2;
  public static final int SBB = 3;
  public static final int AND = 4;
  public static final int SUB = 5;
  public static final int XOR = 6;
  public static final int CMP = 7;

  /** AND without a destination. */
  public static final int TEST = 8;

  /**
   * Any of the two-operand operations on operands of {@code size} bytes.
   *
   * @return the result; bits above the size are unspecified. For CMP and TEST the value of {@code
   *     a}
   */
  public static long apply(Cpu c, int operation, int size, long a, long b) {
    long carry = 0;
    switch (operation) {
      case ADC, SBB -> carry = c.flagAux >>> 63;
      default -> {}
    }
    switch (operation) {
      case ADD, ADC -> {
        long result = a + b + carry;
        c.flagResult = signExtend(size, result);
        c.flagAux = Flags.aux(size, a & b | (a | b) & ~result);
        return result;
      }
      case SUB, SBB, CMP -> {
        long result = a - b - carry;
        c.flagResult = signExtend(size, result);
        c.flagAux = Flags.aux(size, ~a & b | ~(a ^ b) & result);
        return operation == CMP ? a : result;
      }
      default -> {
        long result = operation == OR ? a | b : operation == XOR ? a ^ b : a & b;
        c.flagResult = signExtend(size, result);
        c.flagAux = 0;
        return operation == TEST ? a : result;
      }
    }
  }

  /** INC: CF stays. */
  public static long inc(Cpu c, int size, long a) {
    long result = signExtend(size, a + 1);
    incFlags(c, size, result, a & 1 | (a | 1) & ~result);
    return result;
  }

  /** DEC: CF stays. */
  public static long dec(Cpu c, int size, long a) {
    long result = signExtend(size, a - 1);
    incFlags(c, size, result, ~a & 1 | ~(a ^ 1) & result);
    return result;
  }

  private static void incFlags(Cpu c, int size, long result, long carries) {
    long aux = Flags.aux(size, carries);
    // Bits 63 and 62 of aux differ when there is an overflow; keep CF and make them differ
    // likewise.
    if ((aux ^ c.flagAux) < 0) {
      aux ^= Flags.AUX_CF | Flags.AUX_PO;
    }
    c.flagResult = result;
    c.flagAux = aux;
  }

  public static long neg(Cpu c, int size, long a) {
    long result = signExtend(size, -a);
    c.flagResult = result;
    c.flagAux = Flags.aux(size, a | result);
    return result;
  }

  /**
   * Flags of MUL and IMUL: CF = OF = the high half says something; ZF and AF are clear, SF and PF
   * follow the low half.
   */
  public static void mulFlags(Cpu c, int size, long low, boolean significantHigh) {
    c.flagResult = signExtend(size, low);
    c.flagAux = significantHigh ? Flags.AUX_CF : 0;
    if (c.flagResult == 0) {
      c.flagResult = 1;
      c.flagAux |= 0x100;
    }
  }
}
