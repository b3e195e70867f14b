package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.FloatOperation;
import lodge.cpu.x86.vector.FusedFloat;
import lodge.cpu.x86.vector.SimdFloat;

/**
 * FMA. Of the destination (1), the register in VEX.vvvv (2) and the last operand (3), the
 * mnemonic's digits name the two factors and then the addend.
 */
final class VexFused {
  private VexFused() {}

  static Op link(Insn insn, int offset) {
    String name = insn.form.mnemonic().name();
    if (!insn.form.feature().equals("FMA")) {
      return null;
    }
    return switch (name.substring(name.length() - 2)) {
      case "SD" -> new ScalarDouble(insn, offset);
      case "SS" -> new ScalarSingle(insn, offset);
      case "PD" -> new PackedDouble(insn, offset);
      default -> new PackedSingle(insn, offset);
    };
  }

  /** Knows which operand is which, and the signs. */
  abstract static class FusedOp extends VexOp {
    /** Digits of the mnemonic: 132, 213 or 231. */
    private final int order;

    /** As {@link FusedFloat} has them, for even and odd elements. */
    final int signs;

    final int oddSigns;

    FusedOp(Insn insn, int offset) {
      super(insn, offset);
      String name = insn.form.mnemonic().name();
      int digits = name.length() - 5;
      order = Integer.parseInt(name.substring(digits, digits + 3));
      String kind = name.substring(1, digits);
      signs =
          switch (kind) {
            case "FMADD", "FMSUBADD" -> 0;
            case "FMSUB", "FMADDSUB" -> FusedFloat.NEGATE_ADDEND;
            case "FNMADD" -> FusedFloat.NEGATE_PRODUCT;
            default -> FusedFloat.NEGATE_PRODUCT | FusedFloat.NEGATE_ADDEND;
          };
      boolean alternating = kind.equals("FMADDSUB") || kind.equals("FMSUBADD");
      oddSigns = alternating ? signs ^ FusedFloat.NEGATE_ADDEND : signs;
    }

    /** Of the operands' values, the first factor. */
    final long first(long one, long two) {
      return order == 132 ? one : two;
    }

    final long second(long one, long three) {
      return order == 213 ? one : three;
    }

    final long addend(long one, long two, long three) {
      return order == 132 ? two : order == 213 ? three : one;
    }

    final long fused64(SimdFloat e, long one, long two, long three, int elementSigns) {
      return e.fused64(first(one, two), second(one, three), addend(one, two, three), elementSigns);
    }

    final int fused32(SimdFloat e, long one, long two, long three, int elementSigns) {
      return e.fused32(
          (int) first(one, two),
          (int) second(one, three),
          (int) addend(one, two, three),
          elementSigns);
    }
  }

  static final class ScalarDouble extends FusedOp {
    ScalarDouble(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long source = narrow(c, 8);
      SimdFloat e = c.simd.begin(c);
      long result = fused64(e, c.xmm[reg], c.xmm[first], source, signs);
      e.commit(c);
      put(c, result, c.xmm[reg + 1]);
      return next;
    }
  }

  static final class ScalarSingle extends FusedOp {
    ScalarSingle(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long source = narrow(c, 4);
      SimdFloat e = c.simd.begin(c);
      long a = c.xmm[reg];
      int result = fused32(e, a, c.xmm[first], source, signs);
      e.commit(c);
      put(c, VexFloat.withSingle(a, result), c.xmm[reg + 1]);
      return next;
    }
  }

  static final class PackedDouble extends FusedOp {
    PackedDouble(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      SimdFloat e = c.simd.begin(c);
      long l0 = fused64(e, x[reg], x[first], x[b], signs);
      long l1 = fused64(e, x[reg + 1], x[first + 1], x[b + 1], oddSigns);
      long l2 = 0;
      long l3 = 0;
      if (wide) {
        l2 = fused64(e, x[reg + 2], x[first + 2], x[b + 2], signs);
        l3 = fused64(e, x[reg + 3], x[first + 3], x[b + 3], oddSigns);
      }
      e.commit(c);
      put(c, l0, l1, l2, l3);
      return next;
    }
  }

  static final class PackedSingle extends FusedOp {
    PackedSingle(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      int b = source(c);
      SimdFloat e = c.simd.begin(c);
      long l0 = lane(c, e, b, 0);
      long l1 = lane(c, e, b, 1);
      long l2 = wide ? lane(c, e, b, 2) : 0;
      long l3 = wide ? lane(c, e, b, 3) : 0;
      e.commit(c);
      put(c, l0, l1, l2, l3);
      return next;
    }

    private long lane(Cpu c, SimdFloat e, int b, int i) {
      long one = c.xmm[reg + i];
      long two = c.xmm[first + i];
      long three = c.xmm[b + i];
      return FloatOperation.singles(
          fused32(e, one, two, three, signs),
          fused32(e, one >>> 32, two >>> 32, three >>> 32, oddSigns));
    }
  }
}
