package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.PackedShuffle;

/**
 * PSHUFD and the interleaving of low lanes, which broadcast a byte for memset and strchr: a class a
 * form.
 */
final class HotShuffle {
  private HotShuffle() {}

  static Op link(Insn insn, int offset) {
    boolean memory = insn.memory;
    return switch (insn.form.mnemonic()) {
      case PSHUFD -> memory ? new ShuffleMemory(insn, offset) : new Shuffle(insn, offset);
      case PUNPCKLBW ->
          memory ? new InterleaveBytesMemory(insn, offset) : new InterleaveBytes(insn, offset);
      case PUNPCKLWD ->
          memory ? new InterleaveWordsMemory(insn, offset) : new InterleaveWords(insn, offset);
      case PUNPCKLDQ, UNPCKLPS ->
          memory
              ? new InterleaveDoublewordsMemory(insn, offset)
              : new InterleaveDoublewords(insn, offset);
      case PUNPCKLQDQ, UNPCKLPD ->
          memory
              ? new InterleaveQuadwordsMemory(insn, offset)
              : new InterleaveQuadwords(insn, offset);
      default -> null;
    };
  }

  static final class Shuffle extends SimdOp {
    private final int control;

    Shuffle(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      long low = x[rm];
      long high = x[rm + 1];
      x[reg] = PackedShuffle.doublewords(low, high, control);
      x[reg + 1] = PackedShuffle.doublewords(low, high, control >> 4);
      return next;
    }
  }

  static final class ShuffleMemory extends SimdOp {
    private final int control;

    ShuffleMemory(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      c.xmm[reg] = PackedShuffle.doublewords(low, high, control);
      c.xmm[reg + 1] = PackedShuffle.doublewords(low, high, control >> 4);
      return next;
    }
  }

  static final class InterleaveBytes extends SimdOp {
    InterleaveBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.xmm[rm];
      long a = c.xmm[reg];
      c.xmm[reg] = PackedShuffle.interleaveLowBytes(a, b);
      c.xmm[reg + 1] = PackedShuffle.interleaveHighBytes(a, b);
      return next;
    }
  }

  static final class InterleaveBytesMemory extends SimdOp {
    InterleaveBytesMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.mmu.read64(alignedRead(c));
      long a = c.xmm[reg];
      c.xmm[reg] = PackedShuffle.interleaveLowBytes(a, b);
      c.xmm[reg + 1] = PackedShuffle.interleaveHighBytes(a, b);
      return next;
    }
  }

  static final class InterleaveWords extends SimdOp {
    InterleaveWords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.xmm[rm];
      long a = c.xmm[reg];
      c.xmm[reg] = PackedShuffle.interleaveLowWords(a, b);
      c.xmm[reg + 1] = PackedShuffle.interleaveHighWords(a, b);
      return next;
    }
  }

  static final class InterleaveWordsMemory extends SimdOp {
    InterleaveWordsMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.mmu.read64(alignedRead(c));
      long a = c.xmm[reg];
      c.xmm[reg] = PackedShuffle.interleaveLowWords(a, b);
      c.xmm[reg + 1] = PackedShuffle.interleaveHighWords(a, b);
      return next;
    }
  }

  static final class InterleaveDoublewords extends SimdOp {
    InterleaveDoublewords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.xmm[rm];
      long a = c.xmm[reg];
      c.xmm[reg] = PackedShuffle.interleaveLowDoublewords(a, b);
      c.xmm[reg + 1] = PackedShuffle.interleaveHighDoublewords(a, b);
      return next;
    }
  }

  static final class InterleaveDoublewordsMemory extends SimdOp {
    InterleaveDoublewordsMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.mmu.read64(alignedRead(c));
      long a = c.xmm[reg];
      c.xmm[reg] = PackedShuffle.interleaveLowDoublewords(a, b);
      c.xmm[reg + 1] = PackedShuffle.interleaveHighDoublewords(a, b);
      return next;
    }
  }

  static final class InterleaveQuadwords extends SimdOp {
    InterleaveQuadwords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.xmm[rm];
      c.xmm[reg + 1] = b;
      return next;
    }
  }

  static final class InterleaveQuadwordsMemory extends SimdOp {
    InterleaveQuadwordsMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long b = c.mmu.read64(alignedRead(c));
      c.xmm[reg + 1] = b;
      return next;
    }
  }
}
