package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.FloatCompare;
import lodge.cpu.x86.vector.FloatConvert;
import lodge.cpu.x86.vector.FloatOperation;
import lodge.cpu.x86.vector.SimdFloat;

/** AVX floating-point arithmetic, comparison and rounding. */
final class VexFloat {
  private VexFloat() {}

  static Op link(Insn insn, int offset) {
    Mnemonic m = VexLinker.operation(insn);
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
      case CMPSD, CMPSS -> new CompareScalar(insn, offset);
      case CMPPD, CMPPS -> new ComparePacked(insn, offset);
      case ROUNDSD, ROUNDSS -> new RoundScalar(insn, offset);
      case ROUNDPD, ROUNDPS -> new RoundPacked(insn, offset);
      case HADDPD, HSUBPD, ADDSUBPD, HADDPS, HSUBPS, ADDSUBPS -> new Horizontal(insn, offset);
      case DPPD, DPPS -> new VexDotProductOp(insn, offset);
      default -> null;
    };
  }

  /** The low single of a lane replaced. */
  static long withSingle(long lane, int value) {
    return lane & -1L << 32 | value & 0xFFFF_FFFFL;
  }

  static final class ScalarDouble extends VexOp {
    private final Mnemonic mnemonic;

    ScalarDouble(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long source = narrow(c, 8);
      SimdFloat e = c.simd.begin(c);
      long result = FloatOperation.arithmetic64(e, mnemonic, c.xmm[first], source);
      e.commit(c);
      put(c, result, c.xmm[first + 1]);
      return next;
    }
  }

  static final class ScalarSingle extends VexOp {
    private final Mnemonic mnemonic;

    ScalarSingle(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      int source = (int) narrow(c, 4);
      SimdFloat e = c.simd.begin(c);
      long a = c.xmm[first];
      int result = FloatOperation.arithmetic32(e, mnemonic, (int) a, source);
      e.commit(c);
      put(c, withSingle(a, result), c.xmm[first + 1]);
      return next;
    }
  }

  /** Computes all lanes, raises what they raised, and only then writes them. */
  abstract static class Lanes extends VexOp {
    Lanes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public final Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      SimdFloat e = c.simd.begin(c);
      long l0 = lane(e, x[first], x[b]);
      long l1 = lane(e, x[first + 1], x[b + 1]);
      long l2 = wide ? lane(e, x[first + 2], x[b + 2]) : 0;
      long l3 = wide ? lane(e, x[first + 3], x[b + 3]) : 0;
      e.commit(c);
      put(c, l0, l1, l2, l3);
      return next;
    }

    /** One lane of the result from the same lane of both sources. */
    abstract long lane(SimdFloat e, long a, long b);
  }

  static final class PackedDouble extends Lanes {
    private final Mnemonic mnemonic;

    PackedDouble(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    long lane(SimdFloat e, long a, long b) {
      return FloatOperation.arithmetic64(e, mnemonic, a, b);
    }
  }

  static final class PackedSingle extends Lanes {
    private final Mnemonic mnemonic;

    PackedSingle(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    long lane(SimdFloat e, long a, long b) {
      return FloatOperation.arithmetic32x2(e, mnemonic, a, b);
    }
  }

  private static long allOnes(boolean holds) {
    return holds ? -1L : 0;
  }

  /** VCMPSD and VCMPSS, with 32 predicates. */
  static final class CompareScalar extends VexOp {
    private final boolean doubles;
    private final int predicate;

    CompareScalar(Insn insn, int offset) {
      super(insn, offset);
      doubles = insn.form.mnemonic() == Mnemonic.VCMPSD;
      predicate = immediate(insn) & 31;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long a = c.xmm[first];
      long source = narrow(c, doubles ? 8 : 4);
      SimdFloat e = c.simd.begin(c);
      boolean holds =
          doubles
              ? FloatCompare.holds64(e, a, source, predicate)
              : FloatCompare.holds32(e, (int) a, (int) source, predicate);
      e.commit(c);
      long mask = allOnes(holds);
      put(c, doubles ? mask : withSingle(a, (int) mask), c.xmm[first + 1]);
      return next;
    }
  }

  /** VCMPPD and VCMPPS, with 32 predicates. */
  static final class ComparePacked extends Lanes {
    private final boolean doubles;
    private final int predicate;

    ComparePacked(Insn insn, int offset) {
      super(insn, offset);
      doubles = insn.form.mnemonic() == Mnemonic.VCMPPD;
      predicate = immediate(insn) & 31;
    }

    @Override
    long lane(SimdFloat e, long a, long b) {
      if (doubles) {
        return allOnes(FloatCompare.holds64(e, a, b, predicate));
      }
      boolean low = FloatCompare.holds32(e, (int) a, (int) b, predicate);
      boolean high = FloatCompare.holds32(e, (int) (a >>> 32), (int) (b >>> 32), predicate);
      return FloatOperation.singles((int) allOnes(low), (int) allOnes(high));
    }
  }

  /** VROUNDSD and VROUNDSS. */
  static final class RoundScalar extends VexOp {
    private final boolean doubles;
    private final int control;

    RoundScalar(Insn insn, int offset) {
      super(insn, offset);
      doubles = insn.form.mnemonic() == Mnemonic.VROUNDSD;
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long a = c.xmm[first];
      long source = narrow(c, doubles ? 8 : 4);
      SimdFloat e = c.simd.begin(c);
      long result =
          doubles
              ? FloatConvert.round64(e, source, control)
              : withSingle(a, FloatConvert.round32(e, (int) source, control));
      e.commit(c);
      put(c, result, c.xmm[first + 1]);
      return next;
    }
  }

  /** VROUNDPD and VROUNDPS. */
  static final class RoundPacked extends Lanes {
    private final boolean doubles;
    private final int control;

    RoundPacked(Insn insn, int offset) {
      super(insn, offset);
      doubles = insn.form.mnemonic() == Mnemonic.VROUNDPD;
      control = immediate(insn);
    }

    @Override
    long lane(SimdFloat e, long a, long b) {
      if (doubles) {
        return FloatConvert.round64(e, b, control);
      }
      return FloatOperation.singles(
          FloatConvert.round32(e, (int) b, control),
          FloatConvert.round32(e, (int) (b >>> 32), control));
    }
  }

  /** VHADDxx, VHSUBxx and VADDSUBxx. */
  static final class Horizontal extends VexOp {
    private final Mnemonic mnemonic;

    Horizontal(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      SimdFloat e = c.simd.begin(c);
      long l0 = low(e, x[first], x[first + 1], x[b]);
      long l1 = high(e, x[first + 1], x[b], x[b + 1]);
      long l2 = 0;
      long l3 = 0;
      if (wide) {
        l2 = low(e, x[first + 2], x[first + 3], x[b + 2]);
        l3 = high(e, x[first + 3], x[b + 2], x[b + 3]);
      }
      e.commit(c);
      put(c, l0, l1, l2, l3);
      return next;
    }

    /** Low lane of a half, from the first source's lanes and the second one's low lane. */
    private long low(SimdFloat e, long low, long high, long other) {
      return switch (mnemonic) {
        case HADDPD -> e.add64(low, high);
        case HSUBPD -> e.subtract64(low, high);
        case ADDSUBPD -> e.subtract64(low, other);
        case HADDPS, HSUBPS -> neighbours(e, low, high);
        default -> addSubtract(e, low, other);
      };
    }

    /** High lane of a half, from the first source's high lane and the second one's lanes. */
    private long high(SimdFloat e, long high, long otherLow, long otherHigh) {
      return switch (mnemonic) {
        case HADDPD -> e.add64(otherLow, otherHigh);
        case HSUBPD -> e.subtract64(otherLow, otherHigh);
        case ADDSUBPD -> e.add64(high, otherHigh);
        case HADDPS, HSUBPS -> neighbours(e, otherLow, otherHigh);
        default -> addSubtract(e, high, otherHigh);
      };
    }

    private long neighbours(SimdFloat e, long a, long b) {
      return FloatOperation.singles(pair(e, a), pair(e, b));
    }

    private int pair(SimdFloat e, long lane) {
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
