package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/**
 * The plain moves between XMM registers and memory: one class a shape, for they are in every loop.
 */
final class VectorMoves {
  private VectorMoves() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case MOVAPS, MOVAPD, MOVDQA, MOVNTPS, MOVNTPD, MOVNTDQ, MOVNTDQA -> whole(insn, offset, true);
      case MOVUPS, MOVUPD, MOVDQU, LDDQU -> whole(insn, offset, false);
      case MOVSD -> {
        if (insn.memory) {
          yield toMemory(insn) ? new StoreQuad(insn, offset) : new LoadQuad(insn, offset);
        }
        yield toMemory(insn) ? new MergeQuad(insn.rm, insn.reg) : new MergeQuad(insn.reg, insn.rm);
      }
      case MOVSS -> {
        if (insn.memory) {
          yield toMemory(insn) ? new StoreDouble(insn, offset) : new LoadDouble(insn, offset);
        }
        yield toMemory(insn)
            ? new MergeDouble(insn.rm, insn.reg)
            : new MergeDouble(insn.reg, insn.rm);
      }
      case MOVQ -> quad(insn, offset);
      case MOVD -> doubleword(insn, offset);
      default -> null;
    };
  }

  /** Whether ModRM.rm is the destination. */
  private static boolean toMemory(Insn insn) {
    char first = insn.form.operands()[0].charAt(0);
    return first == 'W' || first == 'M' || first == 'E';
  }

  private static Op whole(Insn insn, int offset, boolean aligned) {
    boolean store = toMemory(insn);
    if (!insn.memory) {
      return store ? new Copy(insn.rm, insn.reg) : new Copy(insn.reg, insn.rm);
    }
    if (store) {
      return aligned ? new StoreAligned(insn, offset) : new StoreUnaligned(insn, offset);
    }
    return aligned ? new LoadAligned(insn, offset) : new LoadUnaligned(insn, offset);
  }

  private static Op quad(Insn insn, int offset) {
    String[] operands = insn.form.operands();
    boolean general = operands[0].charAt(0) == 'E' || operands[1].charAt(0) == 'E';
    boolean store = toMemory(insn);
    if (insn.memory) {
      return store ? new StoreQuad(insn, offset) : new LoadQuad(insn, offset);
    }
    if (general) {
      return store ? new ToGeneral(insn.rm, insn.reg, -1L) : new FromGeneral(insn, -1L);
    }
    return store ? new CopyQuad(insn.rm, insn.reg) : new CopyQuad(insn.reg, insn.rm);
  }

  private static Op doubleword(Insn insn, int offset) {
    boolean store = toMemory(insn);
    if (insn.memory) {
      return store ? new StoreDouble(insn, offset) : new LoadDouble(insn, offset);
    }
    return store
        ? new ToGeneral(insn.rm, insn.reg, 0xFFFF_FFFFL)
        : new FromGeneral(insn, 0xFFFF_FFFFL);
  }

  /** Between two registers. */
  abstract static class RegisterMove extends Op {
    /** Indexes of the lowest lanes. */
    final byte to;

    final byte from;

    RegisterMove(int to, int from) {
      this.to = (byte) (4 * to);
      this.from = (byte) (4 * from);
    }
  }

  static final class Copy extends RegisterMove {
    Copy(int to, int from) {
      super(to, from);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      long[] x = c.xmm;
      x[to] = x[from];
      x[to + 1] = x[from + 1];
      return next;
    }
  }

  /** MOVQ between registers: the upper lane becomes 0. */
  static final class CopyQuad extends RegisterMove {
    CopyQuad(int to, int from) {
      super(to, from);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      long[] x = c.xmm;
      x[to] = x[from];
      x[to + 1] = 0;
      return next;
    }
  }

  /** MOVSD between registers: the upper lane stays. */
  static final class MergeQuad extends RegisterMove {
    MergeQuad(int to, int from) {
      super(to, from);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      c.xmm[to] = c.xmm[from];
      return next;
    }
  }

  /** MOVSS between registers. */
  static final class MergeDouble extends RegisterMove {
    MergeDouble(int to, int from) {
      super(to, from);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      long[] x = c.xmm;
      x[to] = x[to] & -1L << 32 | x[from] & 0xFFFF_FFFFL;
      return next;
    }
  }

  static final class ToGeneral extends Op {
    private final byte to;
    private final byte from;
    private final long mask;

    ToGeneral(int to, int from, long mask) {
      this.to = (byte) to;
      this.from = (byte) (4 * from);
      this.mask = mask;
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      c.r[to] = c.xmm[from] & mask;
      return next;
    }
  }

  static final class FromGeneral extends Op {
    private final byte to;
    private final byte from;
    private final long mask;

    FromGeneral(Insn insn, long mask) {
      this.to = (byte) (4 * insn.reg);
      this.from = (byte) insn.rm;
      this.mask = mask;
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      c.xmm[to] = c.r[from] & mask;
      c.xmm[to + 1] = 0;
      return next;
    }
  }

  static final class LoadAligned extends SimdOp {
    LoadAligned(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
      return next;
    }
  }

  static final class LoadUnaligned extends SimdOp {
    LoadUnaligned(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = readAddress(c, 16);
      long low = c.mmu.readLane(gva);
      long high = c.mmu.readLane(gva + 8);
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
      return next;
    }
  }

  static final class StoreAligned extends SimdOp {
    StoreAligned(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedWrite(c);
      // One page: when the first half does not fault, neither does the second.
      c.mmu.write64(gva, c.xmm[reg]);
      c.mmu.write64(gva + 8, c.xmm[reg + 1]);
      return next;
    }
  }

  static final class StoreUnaligned extends SimdOp {
    StoreUnaligned(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      c.mmu.write128(writeAddress(c, 16), c.xmm[reg], c.xmm[reg + 1]);
      return next;
    }
  }

  static final class LoadQuad extends SimdOp {
    LoadQuad(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      c.xmm[reg] = c.mmu.read64(readAddress(c, 8));
      c.xmm[reg + 1] = 0;
      return next;
    }
  }

  static final class StoreQuad extends SimdOp {
    StoreQuad(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      c.mmu.write64(writeAddress(c, 8), c.xmm[reg]);
      return next;
    }
  }

  static final class LoadDouble extends SimdOp {
    LoadDouble(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      c.xmm[reg] = c.mmu.read32(readAddress(c, 4)) & 0xFFFF_FFFFL;
      c.xmm[reg + 1] = 0;
      return next;
    }
  }

  static final class StoreDouble extends SimdOp {
    StoreDouble(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      c.mmu.write32(writeAddress(c, 4), (int) c.xmm[reg]);
      return next;
    }
  }
}
