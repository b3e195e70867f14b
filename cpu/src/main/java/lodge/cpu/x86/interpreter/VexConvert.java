package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.FloatConvert;
import lodge.cpu.x86.vector.FloatOperation;
import lodge.cpu.x86.vector.HalfFloat;
import lodge.cpu.x86.vector.SimdFloat;

/**
 * AVX conversions between the floating-point formats and integers, and F16C, whose memory operands
 * are exempt from alignment checks.
 */
final class VexConvert {
  private VexConvert() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case VCVTSI2SD, VCVTSI2SS -> new FromInteger(insn, offset);
      case VCVTSS2SD, VCVTSD2SS -> new Scalar(insn, offset);
      case VCVTPS2PD, VCVTDQ2PD -> new Lengthen(insn, offset);
      case VCVTPD2PS, VCVTPD2DQ, VCVTTPD2DQ -> new Shorten(insn, offset);
      case VCVTDQ2PS, VCVTPS2DQ, VCVTTPS2DQ -> new Convert(insn, offset);
      case VCVTPH2PS -> new FromHalf(insn, offset);
      case VCVTPS2PH -> new ToHalf(insn, offset);
      default -> null;
    };
  }

  /** VCVTSI2SD and VCVTSI2SS. */
  static final class FromInteger extends VexOp {
    private final byte general;
    private final byte size;
    private final boolean toDouble;

    FromInteger(Insn insn, int offset) {
      super(insn, offset);
      general = (byte) insn.rm;
      size = (byte) (insn.rexW ? 8 : 4);
      toDouble = insn.form.mnemonic() == Mnemonic.VCVTSI2SD;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long source = rm >= 0 ? c.r[general] : c.mmu.read(readAddress(c, size), size);
      long value = size == 8 ? source : (int) source;
      SimdFloat e = c.simd.begin(c);
      long result =
          toDouble
              ? FloatConvert.longToDouble(e, value)
              : VexFloat.withSingle(c.xmm[first], FloatConvert.longToSingle(e, value));
      e.commit(c);
      put(c, result, c.xmm[first + 1]);
      return next;
    }
  }

  /** VCVTSS2SD and VCVTSD2SS. */
  static final class Scalar extends VexOp {
    private final boolean toDouble;

    Scalar(Insn insn, int offset) {
      super(insn, offset);
      toDouble = insn.form.mnemonic() == Mnemonic.VCVTSS2SD;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long source = narrow(c, toDouble ? 4 : 8);
      SimdFloat e = c.simd.begin(c);
      long result =
          toDouble
              ? FloatConvert.singleToDouble(e, (int) source)
              : VexFloat.withSingle(c.xmm[first], FloatConvert.doubleToSingle(e, source));
      e.commit(c);
      put(c, result, c.xmm[first + 1]);
      return next;
    }
  }

  /** VCVTPS2PD and VCVTDQ2PD: from a source half as wide as the destination. */
  static final class Lengthen extends VexOp {
    private final boolean integers;

    Lengthen(Insn insn, int offset) {
      super(insn, offset);
      integers = insn.form.mnemonic() == Mnemonic.VCVTDQ2PD;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long low;
      long high = 0;
      if (wide) {
        int b = source128(c);
        low = c.xmm[b];
        high = c.xmm[b + 1];
      } else {
        low = narrow(c, 8);
      }
      SimdFloat e = c.simd.begin(c);
      long l0 = element(e, (int) low);
      long l1 = element(e, (int) (low >>> 32));
      long l2 = wide ? element(e, (int) high) : 0;
      long l3 = wide ? element(e, (int) (high >>> 32)) : 0;
      e.commit(c);
      put(c, l0, l1, l2, l3);
      return next;
    }

    private long element(SimdFloat e, int a) {
      return integers ? FloatConvert.intToDouble(a) : FloatConvert.singleToDouble(e, a);
    }
  }

  /** VCVTPD2PS, VCVTPD2DQ and VCVTTPD2DQ: to a destination half as wide as the source. */
  static final class Shorten extends VexOp {
    private final Mnemonic mnemonic;

    Shorten(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      SimdFloat e = c.simd.begin(c);
      long l0 = lane(e, x[b], x[b + 1]);
      long l1 = wide ? lane(e, x[b + 2], x[b + 3]) : 0;
      e.commit(c);
      put(c, l0, l1);
      return next;
    }

    private long lane(SimdFloat e, long low, long high) {
      return switch (mnemonic) {
        case VCVTPD2PS ->
            FloatOperation.singles(
                FloatConvert.doubleToSingle(e, low), FloatConvert.doubleToSingle(e, high));
        case VCVTPD2DQ -> ConvertOps.doublesToInts(e, low, high, FloatConvert.currentMode(e));
        default -> ConvertOps.doublesToInts(e, low, high, FloatConvert.TRUNCATE);
      };
    }
  }

  /** VCVTDQ2PS, VCVTPS2DQ and VCVTTPS2DQ. */
  static final class Convert extends VexFloat.Lanes {
    private final Mnemonic mnemonic;

    Convert(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    long lane(SimdFloat e, long a, long b) {
      return switch (mnemonic) {
        case VCVTDQ2PS -> ConvertOps.intsToSingles(e, b);
        case VCVTPS2DQ -> ConvertOps.singlesToInts(e, b, FloatConvert.currentMode(e));
        default -> ConvertOps.singlesToInts(e, b, FloatConvert.TRUNCATE);
      };
    }
  }

  /** VCVTPH2PS. */
  static final class FromHalf extends VexOp {
    FromHalf(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long low;
      long high = 0;
      if (wide) {
        int b = source128(c);
        low = c.xmm[b];
        high = c.xmm[b + 1];
      } else {
        low = rm >= 0 ? c.xmm[rm] : c.mmu.readLane(readAddress(c, 8));
      }
      SimdFloat e = c.simd.begin(c);
      long l0 = pair(e, (int) low);
      long l1 = pair(e, (int) (low >>> 32));
      long l2 = wide ? pair(e, (int) high) : 0;
      long l3 = wide ? pair(e, (int) (high >>> 32)) : 0;
      e.commit(c);
      put(c, l0, l1, l2, l3);
      return next;
    }

    private static long pair(SimdFloat e, int halves) {
      return FloatOperation.singles(
          HalfFloat.toSingle(e, halves & 0xFFFF), HalfFloat.toSingle(e, halves >>> 16));
    }
  }

  /** VCVTPS2PH. */
  static final class ToHalf extends VexOp {
    private final int control;

    ToHalf(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      SimdFloat e = c.simd.begin(c);
      long low = pair(e, x[reg]) | pair(e, x[reg + 1]) << 32;
      long high = wide ? pair(e, x[reg + 2]) | pair(e, x[reg + 3]) << 32 : 0;
      // The exceptions come before those of the store, and the flags stay when that faults.
      e.commit(c);
      if (rm < 0) {
        if (wide) {
          c.mmu.write128(writeAddress(c, 16), low, high);
        } else {
          c.mmu.writeLane(writeAddress(c, 8), low);
        }
      } else {
        x[rm] = low;
        x[rm + 1] = high;
        x[rm + 2] = 0;
        x[rm + 3] = 0;
      }
      return next;
    }

    private long pair(SimdFloat e, long lane) {
      long low = HalfFloat.fromSingle(e, (int) lane, control);
      long high = HalfFloat.fromSingle(e, (int) (lane >>> 32), control);
      return low | high << 16;
    }
  }
}
