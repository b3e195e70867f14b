package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.FloatConvert;
import lodge.cpu.x86.vector.FloatOperation;
import lodge.cpu.x86.vector.SimdFloat;

/** Conversions between the floating-point formats and integers on XMM and general registers. */
final class ConvertOps {
  private ConvertOps() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case CVTSI2SD -> insn.rexW ? new LongToDouble(insn, offset) : new IntToDouble(insn, offset);
      case CVTSI2SS -> new IntegerToSingle(insn, offset);
      case CVTSD2SI, CVTTSD2SI -> new DoubleToInteger(insn, offset);
      case CVTSS2SI, CVTTSS2SI -> new SingleToInteger(insn, offset);
      case CVTSS2SD -> new SingleToDouble(insn, offset);
      case CVTSD2SS -> new DoubleToSingle(insn, offset);
      case CVTPS2PD, CVTDQ2PD -> new Lengthen(insn, offset);
      case CVTPD2PS, CVTPD2DQ, CVTTPD2DQ, CVTDQ2PS, CVTPS2DQ, CVTTPS2DQ ->
          new Convert(insn, offset);
      default -> null;
    };
  }

  /** An op between a general register (or memory) and an XMM register. */
  abstract static class GeneralOp extends SimdOp {
    final byte general;
    final boolean wide;

    GeneralOp(Insn insn, int offset, int general) {
      super(insn, offset);
      this.general = (byte) general;
      this.wide = insn.rexW;
    }
  }

  /** CVTSI2SD from 32 bits: always exact. */
  static final class IntToDouble extends GeneralOp {
    IntToDouble(Insn insn, int offset) {
      super(insn, offset, insn.rm);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      int value = rm >= 0 ? (int) c.r[general] : c.mmu.read32(readAddress(c, 4));
      c.xmm[reg] = FloatConvert.intToDouble(value);
      return next;
    }
  }

  /** CVTSI2SD from 64 bits. */
  static final class LongToDouble extends GeneralOp {
    LongToDouble(Insn insn, int offset) {
      super(insn, offset, insn.rm);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value = rm >= 0 ? c.r[general] : c.mmu.read64(readAddress(c, 8));
      SimdFloat e = c.simd.begin(c);
      long result = FloatConvert.longToDouble(e, value);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  /** CVTSI2SS. */
  static final class IntegerToSingle extends GeneralOp {
    IntegerToSingle(Insn insn, int offset) {
      super(insn, offset, insn.rm);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      int size = wide ? 8 : 4;
      long value = rm >= 0 ? c.r[general] : c.mmu.read(readAddress(c, size), size);
      SimdFloat e = c.simd.begin(c);
      int result = FloatConvert.longToSingle(e, wide ? value : (int) value);
      e.commit(c);
      FloatOps.putSingle(c, reg, result);
      return next;
    }
  }

  /** CVTSD2SI and CVTTSD2SI. */
  static final class DoubleToInteger extends GeneralOp {
    private final boolean truncate;

    DoubleToInteger(Insn insn, int offset) {
      super(insn, offset, insn.reg);
      truncate = VexLinker.operation(insn) == Mnemonic.CVTTSD2SI;
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      long source = narrow(c, 8);
      SimdFloat e = c.simd.begin(c);
      int mode = truncate ? FloatConvert.TRUNCATE : FloatConvert.currentMode(e);
      long result =
          wide
              ? FloatConvert.toLong(e, source, mode)
              : FloatConvert.toInt(e, source, mode) & 0xFFFF_FFFFL;
      e.commit(c);
      c.r[general] = result;
      return next;
    }
  }

  /** CVTSS2SI and CVTTSS2SI. */
  static final class SingleToInteger extends GeneralOp {
    private final boolean truncate;

    SingleToInteger(Insn insn, int offset) {
      super(insn, offset, insn.reg);
      truncate = VexLinker.operation(insn) == Mnemonic.CVTTSS2SI;
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      int source = (int) narrow(c, 4);
      SimdFloat e = c.simd.begin(c);
      int mode = truncate ? FloatConvert.TRUNCATE : FloatConvert.currentMode(e);
      long widened = FloatConvert.widen(e, source);
      long result =
          wide
              ? FloatConvert.toLong(e, widened, mode)
              : FloatConvert.toInt(e, widened, mode) & 0xFFFF_FFFFL;
      e.commit(c);
      c.r[general] = result;
      return next;
    }
  }

  /** CVTSS2SD. */
  static final class SingleToDouble extends SimdOp {
    SingleToDouble(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      int source = (int) narrow(c, 4);
      SimdFloat e = c.simd.begin(c);
      long result = FloatConvert.singleToDouble(e, source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  /** CVTSD2SS. */
  static final class DoubleToSingle extends SimdOp {
    DoubleToSingle(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = narrow(c, 8);
      SimdFloat e = c.simd.begin(c);
      int result = FloatConvert.doubleToSingle(e, source);
      e.commit(c);
      FloatOps.putSingle(c, reg, result);
      return next;
    }
  }

  /** CVTPS2PD and CVTDQ2PD: from the low half of a register or 8 bytes of memory. */
  static final class Lengthen extends SimdOp {
    private final boolean integers;

    Lengthen(Insn insn, int offset) {
      super(insn, offset);
      integers = insn.form.mnemonic() == Mnemonic.CVTDQ2PD;
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = narrow(c, 8);
      long low;
      long high;
      if (integers) {
        low = FloatConvert.intToDouble((int) source);
        high = FloatConvert.intToDouble((int) (source >>> 32));
      } else {
        SimdFloat e = c.simd.begin(c);
        low = FloatConvert.singleToDouble(e, (int) source);
        high = FloatConvert.singleToDouble(e, (int) (source >>> 32));
        e.commit(c);
      }
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
      return next;
    }
  }

  /** Packed conversions that read 16 bytes. */
  static final class Convert extends WideOp {
    private final Mnemonic mnemonic;

    Convert(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      SimdFloat e = c.simd.begin(c);
      long first;
      long second = 0;
      switch (mnemonic) {
        case CVTPD2PS ->
            first =
                FloatOperation.singles(
                    FloatConvert.doubleToSingle(e, low), FloatConvert.doubleToSingle(e, high));
        case CVTPD2DQ, CVTTPD2DQ -> first = doublesToInts(e, low, high, mode(e));
        case CVTDQ2PS -> {
          first = intsToSingles(e, low);
          second = intsToSingles(e, high);
        }
        default -> {
          first = singlesToInts(e, low, mode(e));
          second = singlesToInts(e, high, mode(e));
        }
      }
      e.commit(c);
      c.xmm[reg] = first;
      c.xmm[reg + 1] = second;
    }

    private int mode(SimdFloat e) {
      boolean truncate = mnemonic == Mnemonic.CVTTPD2DQ || mnemonic == Mnemonic.CVTTPS2DQ;
      return truncate ? FloatConvert.TRUNCATE : FloatConvert.currentMode(e);
    }
  }

  static long doublesToInts(SimdFloat e, long low, long high, int mode) {
    return FloatOperation.singles(
        FloatConvert.toInt(e, low, mode), FloatConvert.toInt(e, high, mode));
  }

  static long singlesToInts(SimdFloat e, long lane, int mode) {
    return FloatOperation.singles(
        FloatConvert.toInt(e, FloatConvert.widen(e, (int) lane), mode),
        FloatConvert.toInt(e, FloatConvert.widen(e, (int) (lane >>> 32)), mode));
  }

  static long intsToSingles(SimdFloat e, long lane) {
    return FloatOperation.singles(
        FloatConvert.longToSingle(e, (int) lane),
        FloatConvert.longToSingle(e, (int) (lane >>> 32)));
  }
}
