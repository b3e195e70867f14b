package lodge.cpu.x86.x87;

/**
 * The two-operand instructions: FADD, FMUL, FSUB, FDIV, FCOM and their kin. An operation is named
 * by the reg field of its encoding: the a operand is always ST(0), the b operand the other register
 * or the number from memory.
 */
public final class Arithmetic {
  public static final int ADD = 0;
  public static final int MULTIPLY = 1;
  public static final int COMPARE = 2;
  public static final int COMPARE_POP = 3;

  /** a - b. */
  public static final int SUBTRACT = 4;

  /** b - a. */
  public static final int SUBTRACT_REVERSED = 5;

  /** a / b. */
  public static final int DIVIDE = 6;

  /** b / a. */
  public static final int DIVIDE_REVERSED = 7;

  private static final int UNORDERED = X87.C3 | X87.C2 | X87.C0;

  private Arithmetic() {}

  /**
   * ST(0) = ST(0) operation n, or the comparison, where n is what {@link X87#number} holds from
   * {@link Conversions}.
   */
  public static void withMemory(X87 x, int operation) {
    ExtFloat f = x.number;
    if ((operation & ~1) == COMPARE) {
      compare(x, f.se, f.sig, f.flags & X87.DE, x.empty(0), false, operation - COMPARE);
      return;
    }
    if (x.empty(0)) {
      if (x.underflows()) {
        x.setIndefinite(0);
      }
      return;
    }
    int denormal = f.flags & X87.DE;
    int p = x.top;
    compute(f, x.control, operation, x.signExponent[p], x.significand[p], f.se, f.sig);
    if (denormal != 0 && (f.flags & X87.IE) == 0 && !ExtFloat.nan(f.se, f.sig)) {
      // The operand was denormal in its own format only. IE, ZE and NaNs go before it.
      f.flags |= (f.flags & X87.ZE) == 0 ? X87.DE : 0;
    }
    if (x.complete(f.flags)) {
      x.signExponent[p] = f.se;
      x.significand[p] = f.sig;
    }
  }

  /** ST({@code destination}) = ST(0) operation ST(i), where {@code destination} is 0 or i. */
  public static void withRegister(X87 x, int operation, int i, int destination, boolean pop) {
    if (x.empty(0) || x.empty(i)) {
      if (!x.underflows()) {
        return;
      }
      x.setIndefinite(destination);
    } else {
      ExtFloat f = x.number;
      int a = x.top;
      int b = x.top + i & 7;
      compute(
          f,
          x.control,
          operation,
          x.signExponent[a],
          x.significand[a],
          x.signExponent[b],
          x.significand[b]);
      if (!x.complete(f.flags)) {
        return;
      }
      int d = x.top + destination & 7;
      x.signExponent[d] = f.se;
      x.significand[d] = f.sig;
    }
    if (pop) {
      x.pop();
    }
  }

  private static void compute(
      ExtFloat f, int control, int operation, int ase, long asig, int bse, long bsig) {
    switch (operation) {
      case ADD -> ExtArithmetic.add(f, control, ase, asig, bse, bsig);
      case MULTIPLY -> ExtArithmetic.multiply(f, control, ase, asig, bse, bsig);
      case SUBTRACT -> ExtArithmetic.subtract(f, control, ase, asig, bse, bsig);
      case SUBTRACT_REVERSED -> ExtArithmetic.subtract(f, control, bse, bsig, ase, asig);
      case DIVIDE -> ExtArithmetic.divide(f, control, ase, asig, bse, bsig);
      default -> ExtArithmetic.divide(f, control, bse, bsig, ase, asig);
    }
  }

  /**
   * FCOM, FUCOM and their kin with a register.
   *
   * @param quiet FUCOM: quiet NaNs are valid
   * @param pops 0 to 2
   */
  public static void compareRegister(X87 x, int i, boolean quiet, int pops) {
    compare(x, x.se(i), x.sig(i), 0, x.empty(0) || x.empty(i), quiet, pops);
  }

  /** FTST: ST(0) against +0. */
  public static void test(X87 x) {
    compare(x, 0, 0, 0, x.empty(0), false, 0);
  }

  private static void compare(
      X87 x, int se, long sig, int denormal, boolean empty, boolean quiet, int pops) {
    int conditions = UNORDERED;
    int flags = X87.IE | X87.SF;
    if (!empty) {
      conditions = ExtArithmetic.compare(x.number, x.se(0), x.sig(0), se, sig, quiet);
      flags = x.number.flags | (conditions == UNORDERED ? 0 : denormal);
    }
    boolean completes = x.complete(flags);
    x.status = x.status & ~X87.CONDITIONS | conditions;
    if (completes) {
      pop(x, pops);
    }
  }

  private static void pop(X87 x, int pops) {
    for (int i = 0; i < pops; i++) {
      x.pop();
    }
  }

  /**
   * FCOMI and FUCOMI.
   *
   * @return C3, C2 and C0, which are to become ZF, PF and CF, also with an unmasked exception; C1
   *     stays
   */
  public static int compareToFlags(X87 x, int i, boolean quiet, boolean pop) {
    int conditions = UNORDERED;
    int flags = X87.IE | X87.SF;
    if (!x.empty(0) && !x.empty(i)) {
      conditions = ExtArithmetic.compare(x.number, x.se(0), x.sig(0), x.se(i), x.sig(i), quiet);
      flags = x.number.flags;
    }
    int c1 = (flags & X87.SF) != 0 ? 0 : x.status & X87.C1;
    if (x.complete(flags) && pop) {
      x.pop();
    }
    x.status |= c1;
    return conditions;
  }
}
