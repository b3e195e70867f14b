package lodge.cpu.x86.x87;

/**
 * The instructions without operands, D9 E0 to D9 FF: signs, constants, remainders, roots and
 * transcendentals.
 */
public final class Functions {
  // Constants: exponent, 64 bits, the 64 bits that follow. FLD1 and FLDZ are exact.
  private static final int[] CONSTANT_SE = {0x3FFF, 0x4000, 0x3FFF, 0x4000, 0x3FFD, 0x3FFE, 0};
  private static final long[] CONSTANT = {
    1L << 63, // 1
    0xD49A784BCD1B8AFEL, // log2 10
    0xB8AA3B295C17F0BBL, // log2 e
    0xC90FDAA22168C234L, // pi
    0x9A209A84FBCFF798L, // log10 2
    0xB17217F7D1CF79ABL, // ln 2
    0
  };
  private static final long[] CONSTANT_LOW = {
    0,
    0x492B5776E8D7F7E2L,
    0xBE87FED0691D3E88L,
    0xC4C6628B80DC1CD1L,
    0x8F8959AC0B7C9178L,
    0xC9E3B39803F2F6AFL,
    0
  };

  private Functions() {}

  /**
   * @param function the second opcode byte, 0xE0 to 0xFF
   */
  public static void execute(X87 x, int function) {
    switch (function) {
      case 0xE0 -> sign(x, ExtFloat.SIGN, ExtFloat.SIGN);
      case 0xE1 -> sign(x, 0, 0);
      case 0xE4 -> Arithmetic.test(x);
      case 0xE5 -> examine(x);
      case 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xED, 0xEE -> constant(x, function - 0xE8);
      case 0xF0, 0xFA, 0xFC -> unary(x, function);
      case 0xF1, 0xF3, 0xF9 -> binaryPop(x, function);
      case 0xF2, 0xFB -> pushing(x, function);
      case 0xF4 -> extract(x);
      case 0xF5, 0xF8 -> remainder(x, function == 0xF5);
      case 0xF6 -> Transfers.rotate(x, -1);
      case 0xF7 -> Transfers.rotate(x, 1);
      case 0xFD -> scale(x);
      case 0xFE, 0xFF -> circular(x, function);
      default -> throw new IllegalArgumentException("no x87 function " + function);
    }
  }

  /** FCHS and FABS, which take NaNs and unsupported encodings as they are. */
  private static void sign(X87 x, int keep, int flip) {
    if (!x.empty(0)) {
      x.complete(0);
      int p = x.top;
      x.signExponent[p] = x.signExponent[p] & (ExtFloat.MAX_EXPONENT | keep) ^ flip;
    } else if (x.underflows()) {
      x.setIndefinite(0);
    }
  }

  /** FXAM, which looks at empty registers too: C1 is the sign. */
  private static void examine(X87 x) {
    int se = x.se(0);
    long sig = x.sig(0);
    int conditions;
    if (x.empty(0)) {
      conditions = X87.C3 | X87.C0;
    } else if (ExtFloat.unsupported(se, sig)) {
      conditions = 0;
    } else if (ExtFloat.nan(se, sig)) {
      conditions = X87.C0;
    } else if (ExtFloat.infinite(se, sig)) {
      conditions = X87.C2 | X87.C0;
    } else if (ExtFloat.zero(se, sig)) {
      conditions = X87.C3;
    } else if (ExtFloat.denormal(se, sig)) {
      conditions = X87.C3 | X87.C2;
    } else {
      conditions = X87.C2;
    }
    x.status = x.status & ~X87.CONDITIONS | conditions | ((se & ExtFloat.SIGN) != 0 ? X87.C1 : 0);
  }

  /** Constants are rounded as the control word says but raise nothing. */
  private static void constant(X87 x, int i) {
    if (x.pushFaults()) {
      return;
    }
    x.complete(0);
    ExtFloat f = x.number;
    if (CONSTANT_LOW[i] == 0) {
      f.set(CONSTANT_SE[i], CONSTANT[i]);
    } else {
      f.round(x.control | ExtFloat.PRECISION_64, 0, CONSTANT_SE[i], CONSTANT[i], CONSTANT_LOW[i]);
    }
    x.push(f.se, f.sig);
  }

  private static void unary(X87 x, int function) {
    if (x.empty(0)) {
      if (x.underflows()) {
        x.setIndefinite(0);
      }
      return;
    }
    ExtFloat f = x.number;
    switch (function) {
      case 0xF0 -> x.transcendentals.exponential(f, x.control, x.se(0), x.sig(0));
      case 0xFA -> ExtArithmetic.squareRoot(f, x.control, x.se(0), x.sig(0));
      default -> Conversions.roundToInteger(f, x.control, x.se(0), x.sig(0));
    }
    if (x.complete(f.flags)) {
      x.set(0, f.se, f.sig);
    }
  }

  /** FYL2X, FPATAN and FYL2XP1: the result replaces ST(1), then ST(0) is popped. */
  private static void binaryPop(X87 x, int function) {
    if (x.empty(0) || x.empty(1)) {
      if (x.underflows()) {
        x.setIndefinite(1);
        x.pop();
      }
      return;
    }
    ExtFloat f = x.number;
    Transcendentals t = x.transcendentals;
    switch (function) {
      case 0xF1 -> t.logarithm(f, x.control, x.se(0), x.sig(0), x.se(1), x.sig(1));
      case 0xF3 -> t.arcTangent(f, x.control, x.se(0), x.sig(0), x.se(1), x.sig(1));
      default -> t.logarithmPlus1(f, x.control, x.se(0), x.sig(0), x.se(1), x.sig(1));
    }
    if (x.complete(f.flags)) {
      x.set(1, f.se, f.sig);
      x.pop();
    }
  }

  /** FPREM and FPREM1. */
  private static void remainder(X87 x, boolean nearest) {
    if (x.empty(0) || x.empty(1)) {
      x.status &= ~X87.C2;
      if (x.underflows()) {
        x.setIndefinite(0);
      }
      return;
    }
    ExtFloat f = x.number;
    int conditions = Scaling.remainder(f, x.control, x.se(0), x.sig(0), x.se(1), x.sig(1), nearest);
    x.status &= ~X87.C2;
    if (conditions == Scaling.UNCHANGED) {
      conditions = x.status & X87.CONDITIONS & ~X87.C1;
    }
    if (x.complete(f.flags & ~X87.C1)) {
      x.status = x.status & ~X87.CONDITIONS | conditions;
      x.set(0, f.se, f.sig);
    }
  }

  private static void scale(X87 x) {
    if (x.empty(0) || x.empty(1)) {
      if (x.underflows()) {
        x.setIndefinite(0);
      }
      return;
    }
    ExtFloat f = x.number;
    Scaling.scale(f, x.control, x.se(0), x.sig(0), x.se(1), x.sig(1));
    if (x.complete(f.flags)) {
      x.set(0, f.se, f.sig);
    }
  }

  private static void extract(X87 x) {
    if (x.empty(0)) {
      if (x.underflows()) {
        x.setIndefinite(0);
        x.push(ExtFloat.INDEFINITE_SE, ExtFloat.INDEFINITE_SIG);
      }
      return;
    }
    if (!x.empty(-1)) {
      boolean masked = x.complete(X87.IE | X87.SF);
      x.status |= X87.C1;
      if (masked) {
        x.setIndefinite(0);
        x.push(ExtFloat.INDEFINITE_SE, ExtFloat.INDEFINITE_SIG);
      }
      return;
    }
    ExtFloat f = x.number;
    int se = x.se(0);
    long sig = x.sig(0);
    Scaling.exponent(f, se, sig);
    if (x.complete(f.flags)) {
      x.set(0, f.se, f.sig);
      Scaling.significand(f, se, sig);
      x.push(f.se, f.sig);
    }
  }

  /** FSIN and FCOS. */
  private static void circular(X87 x, int function) {
    if (x.empty(0)) {
      x.status &= ~X87.C2;
      if (x.underflows()) {
        x.setIndefinite(0);
      }
      return;
    }
    ExtFloat f = x.number;
    Circular t = x.circular;
    boolean inRange =
        function == 0xFE
            ? t.sine(f, x.control, x.se(0), x.sig(0))
            : t.cosine(f, x.control, x.se(0), x.sig(0));
    if (!inRange) {
      x.status = x.status & ~X87.C1 | X87.C2;
    } else {
      x.status &= ~X87.C2;
      if (x.complete(f.flags)) {
        x.set(0, f.se, f.sig);
      }
    }
  }

  /** FPTAN, which pushes 1, and FSINCOS, which pushes the cosine. */
  private static void pushing(X87 x, int function) {
    x.status &= ~X87.C2;
    boolean under = x.empty(0);
    if (under || !x.empty(-1)) {
      boolean masked = x.complete(X87.IE | X87.SF);
      if (!under) {
        x.status |= X87.C1;
      }
      if (masked) {
        x.setIndefinite(0);
        x.push(ExtFloat.INDEFINITE_SE, ExtFloat.INDEFINITE_SIG);
      }
      return;
    }
    ExtFloat f = x.number;
    Circular t = x.circular;
    int se = x.se(0);
    long sig = x.sig(0);
    if (function == 0xF2) {
      if (!t.tangent(f, x.control, se, sig)) {
        x.status = x.status & ~X87.C1 | X87.C2;
      } else if (x.complete(f.flags)) {
        x.set(0, f.se, f.sig);
        boolean nan = ExtFloat.nan(f.se, f.sig);
        x.push(nan ? f.se : ExtFloat.BIAS, nan ? f.sig : ExtFloat.INTEGER_BIT);
      }
      return;
    }
    if (!t.cosine(f, x.control, se, sig)) {
      x.status = x.status & ~X87.C1 | X87.C2;
      return;
    }
    int cosineSe = f.se;
    long cosineSig = f.sig;
    int cosineFlags = f.flags;
    t.sine(f, x.control, se, sig);
    if (x.complete(f.flags & ~X87.C1 | cosineFlags)) {
      x.set(0, f.se, f.sig);
      x.push(cosineSe, cosineSig);
    }
  }
}
