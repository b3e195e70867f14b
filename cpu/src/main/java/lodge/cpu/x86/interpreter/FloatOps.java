package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.FloatCompare;
import lodge.cpu.x86.vector.FloatConvert;
import lodge.cpu.x86.vector.FloatOperation;
import lodge.cpu.x86.vector.SimdFloat;

/** SSE floating-point arithmetic and comparison; the hottest forms are in {@link HotDouble}. */
final class FloatOps {
  private FloatOps() {}

  static Op link(Insn insn, int offset) {
    Mnemonic m = insn.form.mnemonic();
    if (FloatOperation.isArithmetic(m)) {
      String name = m.name();
      return switch (name.substring(name.length() - 2)) {
        case "SD" -> new ScalarDouble(insn, offset);
        case "SS" -> new ScalarSingle(insn, offset);
        case "PD" -> new PackedDouble(insn, offset);
        default -> new PackedSingle(insn, offset);
      };
    }
    return switch (m) {
      case UCOMISD, COMISD -> new OrderDouble(insn, offset);
      case UCOMISS, COMISS -> new OrderSingle(insn, offset);
      case CMPSD, CMPSS -> new CompareScalar(insn, offset);
      case CMPPD, CMPPS -> new ComparePacked(insn, offset);
      case ROUNDSD, ROUNDSS -> new RoundScalar(insn, offset);
      case ROUNDPD, ROUNDPS -> new RoundPacked(insn, offset);
      case HADDPD, HSUBPD, ADDSUBPD, HADDPS, HSUBPS, ADDSUBPS -> new Horizontal(insn, offset);
      case DPPD, DPPS -> new DotProductOp(insn, offset);
      default -> null;
    };
  }

  static final class ScalarDouble extends SimdOp {
    private final Mnemonic mnemonic;

    ScalarDouble(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = narrow(c, 8);
      SimdFloat e = c.simd.begin(c);
      long result = FloatOperation.arithmetic64(e, mnemonic, c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class ScalarSingle extends SimdOp {
    private final Mnemonic mnemonic;

    ScalarSingle(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      int source = (int) narrow(c, 4);
      SimdFloat e = c.simd.begin(c);
      int result = FloatOperation.arithmetic32(e, mnemonic, (int) c.xmm[reg], source);
      e.commit(c);
      putSingle(c, reg, result);
      return next;
    }
  }

  static final class PackedDouble extends WideOp {
    private final Mnemonic mnemonic;

    PackedDouble(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      SimdFloat e = c.simd.begin(c);
      long first = FloatOperation.arithmetic64(e, mnemonic, c.xmm[reg], low);
      long second = FloatOperation.arithmetic64(e, mnemonic, c.xmm[reg + 1], high);
      e.commit(c);
      c.xmm[reg] = first;
      c.xmm[reg + 1] = second;
    }
  }

  static final class PackedSingle extends WideOp {
    private final Mnemonic mnemonic;

    PackedSingle(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      SimdFloat e = c.simd.begin(c);
      long first = FloatOperation.arithmetic32x2(e, mnemonic, c.xmm[reg], low);
      long second = FloatOperation.arithmetic32x2(e, mnemonic, c.xmm[reg + 1], high);
      e.commit(c);
      c.xmm[reg] = first;
      c.xmm[reg + 1] = second;
    }
  }

  /** Replaces the low single of a register. */
  static void putSingle(Cpu c, int index, int value) {
    c.xmm[index] = c.xmm[index] & -1L << 32 | value & 0xFFFF_FFFFL;
  }

  /** ZF, PF and CF say the order; OF, SF and AF are 0. */
  private static void setOrder(Cpu c, int order) {
    // See Flags: a result of 1 has neither ZF nor PF, of 0 both.
    switch (order) {
      case FloatCompare.GREATER -> {
        c.flagResult = 1;
        c.flagAux = 0;
      }
      case FloatCompare.LESS -> {
        c.flagResult = 1;
        c.flagAux = Flags.AUX_CF | Flags.AUX_PO;
      }
      case FloatCompare.EQUAL -> {
        c.flagResult = 0;
        c.flagAux = 0x100;
      }
      default -> {
        c.flagResult = 0;
        c.flagAux = Flags.AUX_CF | Flags.AUX_PO;
      }
    }
  }

  /** UCOMISD and COMISD. */
  static final class OrderDouble extends SimdOp {
    private final boolean signaling;

    OrderDouble(Insn insn, int offset) {
      super(insn, offset);
      signaling = VexLinker.operation(insn) == Mnemonic.COMISD;
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      long source = narrow(c, 8);
      SimdFloat e = c.simd.begin(c);
      int order = FloatCompare.order64(e, c.xmm[reg], source, signaling);
      e.commit(c);
      setOrder(c, order);
      return next;
    }
  }

  /** UCOMISS and COMISS. */
  static final class OrderSingle extends SimdOp {
    private final boolean signaling;

    OrderSingle(Insn insn, int offset) {
      super(insn, offset);
      signaling = VexLinker.operation(insn) == Mnemonic.COMISS;
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      int source = (int) narrow(c, 4);
      SimdFloat e = c.simd.begin(c);
      int order = FloatCompare.order32(e, (int) c.xmm[reg], source, signaling);
      e.commit(c);
      setOrder(c, order);
      return next;
    }
  }

  private static long allOnes(boolean holds) {
    return holds ? -1L : 0;
  }

  /** CMPSD and CMPSS. */
  static final class CompareScalar extends SimdOp {
    private final boolean wide;
    private final int predicate;

    CompareScalar(Insn insn, int offset) {
      super(insn, offset);
      wide = insn.form.mnemonic() == Mnemonic.CMPSD;
      predicate = immediate(insn) & 7;
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long a = c.xmm[reg];
      long source = narrow(c, wide ? 8 : 4);
      SimdFloat e = c.simd.begin(c);
      boolean holds =
          wide
              ? FloatCompare.holds64(e, a, source, predicate)
              : FloatCompare.holds32(e, (int) a, (int) source, predicate);
      e.commit(c);
      if (wide) {
        c.xmm[reg] = allOnes(holds);
      } else {
        putSingle(c, reg, (int) allOnes(holds));
      }
      return next;
    }
  }

  /** CMPPD and CMPPS. */
  static final class ComparePacked extends WideOp {
    private final boolean wide;
    private final int predicate;

    ComparePacked(Insn insn, int offset) {
      super(insn, offset);
      wide = insn.form.mnemonic() == Mnemonic.CMPPD;
      predicate = immediate(insn) & 7;
    }

    @Override
    void apply(Cpu c, long low, long high) {
      SimdFloat e = c.simd.begin(c);
      long first = lane(e, c.xmm[reg], low);
      long second = lane(e, c.xmm[reg + 1], high);
      e.commit(c);
      c.xmm[reg] = first;
      c.xmm[reg + 1] = second;
    }

    private long lane(SimdFloat e, long a, long b) {
      if (wide) {
        return allOnes(FloatCompare.holds64(e, a, b, predicate));
      }
      boolean low = FloatCompare.holds32(e, (int) a, (int) b, predicate);
      boolean high = FloatCompare.holds32(e, (int) (a >>> 32), (int) (b >>> 32), predicate);
      return FloatOperation.singles((int) allOnes(low), (int) allOnes(high));
    }
  }

  /** ROUNDSD and ROUNDSS. */
  static final class RoundScalar extends SimdOp {
    private final boolean wide;
    private final int control;

    RoundScalar(Insn insn, int offset) {
      super(insn, offset);
      wide = insn.form.mnemonic() == Mnemonic.ROUNDSD;
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = narrow(c, wide ? 8 : 4);
      SimdFloat e = c.simd.begin(c);
      long result =
          wide
              ? FloatConvert.round64(e, source, control)
              : FloatConvert.round32(e, (int) source, control);
      e.commit(c);
      if (wide) {
        c.xmm[reg] = result;
      } else {
        putSingle(c, reg, (int) result);
      }
      return next;
    }
  }

  /** ROUNDPD and ROUNDPS. */
  static final class RoundPacked extends WideOp {
    private final boolean wide;
    private final int control;

    RoundPacked(Insn insn, int offset) {
      super(insn, offset);
      wide = insn.form.mnemonic() == Mnemonic.ROUNDPD;
      control = immediate(insn);
    }

    @Override
    void apply(Cpu c, long low, long high) {
      SimdFloat e = c.simd.begin(c);
      long first = lane(e, low);
      long second = lane(e, high);
      e.commit(c);
      c.xmm[reg] = first;
      c.xmm[reg + 1] = second;
    }

    private long lane(SimdFloat e, long a) {
      if (wide) {
        return FloatConvert.round64(e, a, control);
      }
      return FloatOperation.singles(
          FloatConvert.round32(e, (int) a, control),
          FloatConvert.round32(e, (int) (a >>> 32), control));
    }
  }

  /** HADDxx, HSUBxx and ADDSUBxx. */
  static final class Horizontal extends WideOp {
    private final Mnemonic mnemonic;

    Horizontal(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      SimdFloat e = c.simd.begin(c);
      long a = c.xmm[reg];
      long b = c.xmm[reg + 1];
      long first;
      long second;
      switch (mnemonic) {
        case HADDPD -> {
          first = e.add64(a, b);
          second = e.add64(low, high);
        }
        case HSUBPD -> {
          first = e.subtract64(a, b);
          second = e.subtract64(low, high);
        }
        case ADDSUBPD -> {
          first = e.subtract64(a, low);
          second = e.add64(b, high);
        }
        case HADDPS, HSUBPS -> {
          first = FloatOperation.singles(neighbours(e, a), neighbours(e, b));
          second = FloatOperation.singles(neighbours(e, low), neighbours(e, high));
        }
        default -> {
          first = addSubtract(e, a, low);
          second = addSubtract(e, b, high);
        }
      }
      e.commit(c);
      c.xmm[reg] = first;
      c.xmm[reg + 1] = second;
    }

    private int neighbours(SimdFloat e, long lane) {
      return mnemonic == Mnemonic.HADDPS
          ? e.add32((int) lane, (int) (lane >>> 32))
          : e.subtract32((int) lane, (int) (lane >>> 32));
    }

    private static long addSubtract(SimdFloat e, long a, long b) {
      return FloatOperation.singles(
          e.subtract32((int) a, (int) b), e.add32((int) (a >>> 32), (int) (b >>> 32)));
    }
  }
}
