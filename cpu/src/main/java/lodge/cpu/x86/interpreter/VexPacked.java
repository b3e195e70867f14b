package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.Packed;
import lodge.cpu.x86.vector.PackedOperation;
import lodge.cpu.x86.vector.PackedShift;
import lodge.cpu.x86.vector.PackedShuffle;

/** AVX and AVX2 integer instructions that work within 16-byte halves. */
final class VexPacked {
  private VexPacked() {}

  static Op link(Insn insn, int offset) {
    Mnemonic m = VexLinker.operation(insn);
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
      boolean immediate = insn.form.operands()[2].charAt(0) == 'I';
      return immediate ? new ShiftImmediate(insn) : new Shift(insn, offset);
    }
    return switch (m) {
      case PSLLDQ, PSRLDQ -> new ShiftBytes(insn);
      case VPSLLVD, VPSLLVQ, VPSRLVD, VPSRLVQ, VPSRAVD -> new ShiftEach(insn, offset);
      case PSHUFB, PSHUFD, PSHUFLW, PSHUFHW, SHUFPS, SHUFPD, PALIGNR -> new Shuffle(insn, offset);
      case MOVSHDUP, MOVSLDUP, MPSADBW, VPERMILPS, VPERMILPD -> new Shuffle(insn, offset);
      case PBLENDW, BLENDPS, BLENDPD, VPBLENDD -> new Blend(insn, offset);
      case VPBLENDVB, VBLENDVPS, VBLENDVPD, PBLENDVB, BLENDVPS, BLENDVPD ->
          new BlendVariable(insn, offset);
      case PHMINPOSUW -> new MinimumPosition(insn, offset);
      default -> null;
    };
  }

  /** Each lane by itself. */
  static final class Lane extends VexWide {
    private final Mnemonic mnemonic;

    Lane(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long[] x = c.xmm;
      x[reg + at] = PackedOperation.lane(mnemonic, x[first + at], low);
      x[reg + at + 1] = PackedOperation.lane(mnemonic, x[first + at + 1], high);
    }
  }

  /** Each 16 bytes become a lane. */
  static final class Halve extends VexWide {
    private final Mnemonic mnemonic;

    Halve(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long[] x = c.xmm;
      set(
          c,
          at,
          PackedOperation.halve(mnemonic, x[first + at], x[first + at + 1]),
          PackedOperation.halve(mnemonic, low, high));
    }
  }

  static final class Interleave extends VexWide {
    private final Mnemonic mnemonic;
    private final boolean upper;

    Interleave(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
      upper = PackedOperation.isInterleaveHigh(mnemonic);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long a = c.xmm[upper ? first + at + 1 : first + at];
      long b = upper ? high : low;
      set(
          c,
          at,
          PackedOperation.interleaveLow(mnemonic, a, b),
          PackedOperation.interleaveHigh(mnemonic, a, b));
    }
  }

  /** All elements by one count, in the low lane of a 16-byte source. */
  static final class Shift extends VexOp {
    private final Mnemonic mnemonic;

    Shift(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      long count = x[source128(c)];
      for (int i = 0; i < (wide ? 4 : 2); i++) {
        x[reg + i] = PackedOperation.shift(mnemonic, x[first + i], count);
      }
      if (!wide) {
        clearUpper(c);
      }
      return next;
    }
  }

  /** An op on two registers, the first of which VEX.vvvv names. */
  abstract static class RegisterOp extends Op {
    /** Indexes of the lowest lanes. */
    final byte to;

    final byte from;
    final boolean wide;
    final int count;

    RegisterOp(Insn insn) {
      to = (byte) (4 * insn.vexRegister);
      from = (byte) (4 * insn.rm);
      wide = insn.vexL != 0;
      count = SimdOp.immediate(insn);
    }
  }

  static final class ShiftImmediate extends RegisterOp {
    private final Mnemonic mnemonic;

    ShiftImmediate(Insn insn) {
      super(insn);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      long[] x = c.xmm;
      x[to] = PackedOperation.shift(mnemonic, x[from], count);
      x[to + 1] = PackedOperation.shift(mnemonic, x[from + 1], count);
      x[to + 2] = wide ? PackedOperation.shift(mnemonic, x[from + 2], count) : 0;
      x[to + 3] = wide ? PackedOperation.shift(mnemonic, x[from + 3], count) : 0;
      return next;
    }
  }

  /** VPSLLDQ, VPSRLDQ. */
  static final class ShiftBytes extends RegisterOp {
    private final boolean left;

    ShiftBytes(Insn insn) {
      super(insn);
      left = insn.form.mnemonic() == Mnemonic.VPSLLDQ;
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      half(c, 0);
      if (wide) {
        half(c, 2);
      } else {
        c.xmm[to + 2] = 0;
        c.xmm[to + 3] = 0;
      }
      return next;
    }

    private void half(Cpu c, int at) {
      long low = c.xmm[from + at];
      long high = c.xmm[from + at + 1];
      if (left) {
        c.xmm[to + at] = PackedShift.leftBytesLow(low, count);
        c.xmm[to + at + 1] = PackedShift.leftBytesHigh(low, high, count);
      } else {
        c.xmm[to + at] = PackedShift.rightBytesLow(low, high, count);
        c.xmm[to + at + 1] = PackedShift.rightBytesHigh(high, count);
      }
    }
  }

  /** Each element by its own count. */
  static final class ShiftEach extends VexWide {
    private final Mnemonic mnemonic;

    ShiftEach(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      set(c, at, lane(c.xmm[first + at], low), lane(c.xmm[first + at + 1], high));
    }

    private long lane(long a, long counts) {
      return switch (mnemonic) {
        case VPSLLVD -> PackedShift.leftEachDoubleword(a, counts);
        case VPSLLVQ -> PackedShift.leftQuadwords(a, counts);
        case VPSRLVD -> PackedShift.rightEachDoubleword(a, counts);
        case VPSRLVQ -> PackedShift.rightQuadwords(a, counts);
        default -> PackedShift.arithmeticEachDoubleword(a, counts);
      };
    }
  }

  /** What moves elements about within 16 bytes. */
  static final class Shuffle extends VexWide {
    private final Mnemonic mnemonic;
    private final int control;

    /** VPERMILPS and VPERMILPD take their selectors from the second source. */
    private final boolean variable;

    Shuffle(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
      control = immediate(insn);
      variable = insn.form.operands()[insn.form.operands().length - 1].charAt(0) != 'I';
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long a = c.xmm[first + at];
      long b = c.xmm[first + at + 1];
      switch (mnemonic) {
        case PSHUFB ->
            set(
                c,
                at,
                PackedShuffle.shuffleBytes(a, b, low),
                PackedShuffle.shuffleBytes(a, b, high));
        case PSHUFD -> doublewords(c, at, low, high, low, high, control);
        case PSHUFLW -> set(c, at, PackedShuffle.words(low, control), high);
        case PSHUFHW -> set(c, at, low, PackedShuffle.words(high, control));
        case SHUFPS -> doublewords(c, at, a, b, low, high, control);
        case SHUFPD -> {
          // Two bits a half.
          int bits = control >> at;
          set(c, at, (bits & 1) == 0 ? a : b, (bits & 2) == 0 ? low : high);
        }
        case PALIGNR ->
            set(
                c,
                at,
                PackedShift.window(low, high, a, b, control),
                PackedShift.window(low, high, a, b, control + 8));
        case MOVSHDUP -> doublewords(c, at, low, high, low, high, 0xF5);
        case MOVSLDUP -> doublewords(c, at, low, high, low, high, 0xA0);
        case MPSADBW -> sumDifferences(c, at, a, b, low, high);
        case VPERMILPS -> permuteSingles(c, at, a, b, low, high);
        default -> permuteDoubles(c, at, a, b, low, high);
      }
    }

    private void doublewords(Cpu c, int at, long a, long b, long low, long high, int selectors) {
      set(
          c,
          at,
          PackedShuffle.doublewords(a, b, selectors),
          PackedShuffle.doublewords(low, high, selectors >> 4));
    }

    private void permuteSingles(Cpu c, int at, long a, long b, long low, long high) {
      if (variable) {
        set(c, at, PackedShuffle.permute(a, b, low), PackedShuffle.permute(a, b, high));
      } else {
        doublewords(c, at, low, high, low, high, control);
      }
    }

    private void permuteDoubles(Cpu c, int at, long a, long b, long low, long high) {
      if (variable) {
        set(c, at, (low & 2) == 0 ? a : b, (high & 2) == 0 ? a : b);
      } else {
        int bits = control >> at;
        set(c, at, (bits & 1) == 0 ? low : high, (bits & 2) == 0 ? low : high);
      }
    }

    private void sumDifferences(Cpu c, int at, long a, long b, long low, long high) {
      // Three bits a half.
      int bits = at == 0 ? control : control >> 3;
      int block = (int) PackedShuffle.doubleword(low, high, bits);
      int from = bits & 4;
      long next = PackedShift.window(a, b, 0, 0, from + 8);
      set(
          c,
          at,
          Packed.windowDifferences(PackedShift.window(a, b, 0, 0, from), next, block),
          Packed.windowDifferences(PackedShift.window(a, b, 0, 0, from + 4), next >>> 32, block));
    }
  }

  /** By an immediate. */
  static final class Blend extends VexWide {
    private final Mnemonic mnemonic;
    private final int control;

    Blend(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
      control = immediate(insn);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long a = c.xmm[first + at];
      long b = c.xmm[first + at + 1];
      switch (mnemonic) {
        case PBLENDW ->
            set(
                c,
                at,
                PackedShuffle.blendWords(a, low, control),
                PackedShuffle.blendWords(b, high, control >> 4));
        case BLENDPD -> {
          int bits = control >> at;
          set(c, at, (bits & 1) == 0 ? a : low, (bits & 2) == 0 ? b : high);
        }
        default -> {
          // BLENDPS, VPBLENDD
          int bits = control >> 2 * at;
          set(
              c,
              at,
              PackedShuffle.blendDoublewords(a, low, bits),
              PackedShuffle.blendDoublewords(b, high, bits >> 2));
        }
      }
    }
  }

  /** By the top bits of a fourth register's elements. */
  static final class BlendVariable extends VexWide {
    private final Mnemonic mnemonic;
    private final byte selector;

    BlendVariable(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
      // Outside 64-bit mode there are eight registers, and bit 7 is ignored.
      selector = (byte) (4 * (immediate(insn) >> 4 & (insn.codeSize == 8 ? 15 : 7)));
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long[] x = c.xmm;
      long s = x[selector + at];
      long t = x[selector + at + 1];
      set(c, at, lane(x[first + at], low, s), lane(x[first + at + 1], high, t));
    }

    private long lane(long a, long b, long control) {
      return switch (mnemonic) {
        case VPBLENDVB -> PackedShuffle.blendVariableBytes(a, b, control);
        case VBLENDVPS -> PackedShuffle.blendVariableDoublewords(a, b, control);
        default -> PackedShuffle.blendVariableQuadwords(a, b, control);
      };
    }
  }

  /** VPHMINPOSUW. */
  static final class MinimumPosition extends VexWide {
    MinimumPosition(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      set(c, at, Packed.minimumPosition(low, high), 0);
    }
  }
}
