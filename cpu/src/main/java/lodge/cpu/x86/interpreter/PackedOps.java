package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.Packed;
import lodge.cpu.x86.vector.PackedOperation;
import lodge.cpu.x86.vector.PackedShift;
import lodge.cpu.x86.vector.PackedShuffle;

/**
 * Packed integer instructions on XMM registers with a whole 16-byte source, and the shifts by an
 * immediate.
 */
final class PackedOps {
  private PackedOps() {}

  static Op link(Insn insn, int offset) {
    Mnemonic m = insn.form.mnemonic();
    if (PackedOperation.isLane(m)) {
      return new Lane(insn, offset);
    }
    if (PackedOperation.isHalving(m)) {
      return new Halve(insn, offset);
    }
    if (PackedOperation.isInterleave(m)) {
      return new Interleave(insn, offset);
    }
    if (PackedOperation.isShift(m)) {
      boolean immediate = insn.form.operands()[1].charAt(0) == 'I';
      return immediate ? new ShiftImmediate(insn) : new Shift(insn, offset);
    }
    return switch (m) {
      case PSLLDQ, PSRLDQ -> new ShiftBytes(insn);
      case PSHUFB,
          PSHUFLW,
          PSHUFHW,
          SHUFPS,
          SHUFPD,
          PALIGNR,
          PBLENDW,
          BLENDPS,
          BLENDPD,
          PBLENDVB,
          BLENDVPS,
          BLENDVPD,
          MPSADBW,
          PHMINPOSUW,
          PTEST,
          MOVSHDUP,
          MOVSLDUP ->
          new Permute(insn, offset);
      default -> null;
    };
  }

  /** Each lane by itself. */
  static final class Lane extends WideOp {
    private final Mnemonic mnemonic;

    Lane(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long[] x = c.xmm;
      x[reg] = PackedOperation.lane(mnemonic, x[reg], low);
      x[reg + 1] = PackedOperation.lane(mnemonic, x[reg + 1], high);
    }
  }

  /** Each register becomes a lane. */
  static final class Halve extends WideOp {
    private final Mnemonic mnemonic;

    Halve(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long[] x = c.xmm;
      long upper = PackedOperation.halve(mnemonic, low, high);
      x[reg] = PackedOperation.halve(mnemonic, x[reg], x[reg + 1]);
      x[reg + 1] = upper;
    }
  }

  static final class Interleave extends WideOp {
    private final Mnemonic mnemonic;
    private final boolean upper;

    Interleave(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
      upper = PackedOperation.isInterleaveHigh(mnemonic);
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long[] x = c.xmm;
      long a = upper ? x[reg + 1] : x[reg];
      long b = upper ? high : low;
      x[reg] = PackedOperation.interleaveLow(mnemonic, a, b);
      x[reg + 1] = PackedOperation.interleaveHigh(mnemonic, a, b);
    }
  }

  static final class Shift extends WideOp {
    private final Mnemonic mnemonic;

    Shift(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long[] x = c.xmm;
      x[reg] = PackedOperation.shift(mnemonic, x[reg], low);
      x[reg + 1] = PackedOperation.shift(mnemonic, x[reg + 1], low);
    }
  }

  static final class ShiftImmediate extends Op {
    private final Mnemonic mnemonic;
    private final byte register;
    private final int count;

    ShiftImmediate(Insn insn) {
      mnemonic = insn.form.mnemonic();
      register = (byte) (4 * insn.rm);
      count = SimdOp.immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      long[] x = c.xmm;
      x[register] = PackedOperation.shift(mnemonic, x[register], count);
      x[register + 1] = PackedOperation.shift(mnemonic, x[register + 1], count);
      return next;
    }
  }

  /** PSLLDQ, PSRLDQ. */
  static final class ShiftBytes extends Op {
    private final boolean left;
    private final byte register;
    private final int count;

    ShiftBytes(Insn insn) {
      left = insn.form.mnemonic() == Mnemonic.PSLLDQ;
      register = (byte) (4 * insn.rm);
      count = SimdOp.immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      long low = c.xmm[register];
      long high = c.xmm[register + 1];
      if (left) {
        c.xmm[register] = PackedShift.leftBytesLow(low, count);
        c.xmm[register + 1] = PackedShift.leftBytesHigh(low, high, count);
      } else {
        c.xmm[register] = PackedShift.rightBytesLow(low, high, count);
        c.xmm[register + 1] = PackedShift.rightBytesHigh(high, count);
      }
      return next;
    }
  }

  /** What moves elements about in its own way. */
  static final class Permute extends WideOp {
    private final Mnemonic mnemonic;
    private final int control;

    Permute(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
      control = immediate(insn);
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long a = c.xmm[reg];
      long b = c.xmm[reg + 1];
      switch (mnemonic) {
        case PSHUFB ->
            set(c, PackedShuffle.shuffleBytes(a, b, low), PackedShuffle.shuffleBytes(a, b, high));
        case PSHUFLW -> set(c, PackedShuffle.words(low, control), high);
        case PSHUFHW -> set(c, low, PackedShuffle.words(high, control));
        case SHUFPS ->
            set(
                c,
                PackedShuffle.doublewords(a, b, control),
                PackedShuffle.doublewords(low, high, control >> 4));
        case SHUFPD -> set(c, (control & 1) == 0 ? a : b, (control & 2) == 0 ? low : high);
        case PALIGNR -> align(c, a, b, low, high);
        case PBLENDW ->
            set(
                c,
                PackedShuffle.blendWords(a, low, control),
                PackedShuffle.blendWords(b, high, control >> 4));
        case BLENDPS ->
            set(
                c,
                PackedShuffle.blendDoublewords(a, low, control),
                PackedShuffle.blendDoublewords(b, high, control >> 2));
        case BLENDPD -> set(c, (control & 1) == 0 ? a : low, (control & 2) == 0 ? b : high);
        case PBLENDVB ->
            set(
                c,
                PackedShuffle.blendVariableBytes(a, low, c.xmm[0]),
                PackedShuffle.blendVariableBytes(b, high, c.xmm[1]));
        case BLENDVPS ->
            set(
                c,
                PackedShuffle.blendVariableDoublewords(a, low, c.xmm[0]),
                PackedShuffle.blendVariableDoublewords(b, high, c.xmm[1]));
        case BLENDVPD ->
            set(
                c,
                PackedShuffle.blendVariableQuadwords(a, low, c.xmm[0]),
                PackedShuffle.blendVariableQuadwords(b, high, c.xmm[1]));
        case MPSADBW -> sumDifferences(c, a, b, low, high);
        case PHMINPOSUW -> set(c, Packed.minimumPosition(low, high), 0);
        case MOVSHDUP ->
            set(
                c,
                PackedShuffle.doublewords(low, low, 5),
                PackedShuffle.doublewords(high, high, 5));
        case MOVSLDUP ->
            set(
                c,
                PackedShuffle.doublewords(low, low, 0),
                PackedShuffle.doublewords(high, high, 0));
        default -> {
          // PTEST
          boolean zf = ((a & low) | (b & high)) == 0;
          boolean cf = ((~a & low) | (~b & high)) == 0;
          Flags.setArithmetic(c, (zf ? Flags.ZF : 0) | (cf ? Flags.CF : 0));
        }
      }
    }

    private void set(Cpu c, long low, long high) {
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
    }

    /** The source below the destination, shifted right by bytes. */
    private void align(Cpu c, long a, long b, long low, long high) {
      if (control < 16) {
        set(
            c,
            PackedShift.rightBytesLow(low, high, control)
                | PackedShift.leftBytesLow(a, 16 - control),
            PackedShift.rightBytesHigh(high, control)
                | PackedShift.leftBytesHigh(a, b, 16 - control));
      } else {
        set(
            c,
            PackedShift.rightBytesLow(a, b, control - 16),
            PackedShift.rightBytesHigh(b, control - 16));
      }
    }

    private void sumDifferences(Cpu c, long a, long b, long low, long high) {
      int block = (int) PackedShuffle.doubleword(low, high, control);
      int from = (control & 4) != 0 ? 4 : 0;
      long first = PackedShift.rightBytesLow(a, b, from);
      long second = PackedShift.rightBytesLow(a, b, from + 4);
      long third = PackedShift.rightBytesLow(a, b, from + 8);
      set(
          c,
          Packed.windowDifferences(first, third, block),
          Packed.windowDifferences(second, third >>> 32, block));
    }
  }
}
