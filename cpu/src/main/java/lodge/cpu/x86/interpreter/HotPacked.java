package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.Packed;

/** The packed integer instructions that string functions and checksums live on: a class a form. */
final class HotPacked {
  private HotPacked() {}

  static Op link(Insn insn, int offset) {
    boolean memory = insn.memory;
    return switch (insn.form.mnemonic()) {
      case PXOR, XORPS, XORPD -> memory ? new XorMemory(insn, offset) : new Xor(insn, offset);
      case PAND, ANDPS, ANDPD -> memory ? new AndMemory(insn, offset) : new And(insn, offset);
      case POR, ORPS, ORPD -> memory ? new OrMemory(insn, offset) : new Or(insn, offset);
      case PCMPEQB -> memory ? new EqualBytesMemory(insn, offset) : new EqualBytes(insn, offset);
      case PADDB -> memory ? new AddBytesMemory(insn, offset) : new AddBytes(insn, offset);
      case PADDW -> memory ? new AddWordsMemory(insn, offset) : new AddWords(insn, offset);
      case PADDD ->
          memory ? new AddDoublewordsMemory(insn, offset) : new AddDoublewords(insn, offset);
      case PADDQ -> memory ? new AddQuadwordsMemory(insn, offset) : new AddQuadwords(insn, offset);
      case PSUBB ->
          memory ? new SubtractBytesMemory(insn, offset) : new SubtractBytes(insn, offset);
      case PMINUB -> memory ? new MinBytesMemory(insn, offset) : new MinBytes(insn, offset);
      case PMOVMSKB -> new TopBits(insn, offset);
      default -> null;
    };
  }

  /** PMOVMSKB. */
  static final class TopBits extends SimdOp {
    private final byte to;

    TopBits(Insn insn, int offset) {
      super(insn, offset);
      to = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      c.r[to] = Packed.topBits(c.xmm[rm]) | Packed.topBits(c.xmm[rm + 1]) << 8;
      return next;
    }
  }

  static final class Xor extends SimdOp {
    Xor(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = x[reg] ^ x[rm];
      x[reg + 1] = x[reg + 1] ^ x[rm + 1];
      return next;
    }
  }

  static final class XorMemory extends SimdOp {
    XorMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = x[reg] ^ low;
      x[reg + 1] = x[reg + 1] ^ high;
      return next;
    }
  }

  static final class And extends SimdOp {
    And(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = x[reg] & x[rm];
      x[reg + 1] = x[reg + 1] & x[rm + 1];
      return next;
    }
  }

  static final class AndMemory extends SimdOp {
    AndMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = x[reg] & low;
      x[reg + 1] = x[reg + 1] & high;
      return next;
    }
  }

  static final class Or extends SimdOp {
    Or(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = x[reg] | x[rm];
      x[reg + 1] = x[reg + 1] | x[rm + 1];
      return next;
    }
  }

  static final class OrMemory extends SimdOp {
    OrMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = x[reg] | low;
      x[reg + 1] = x[reg + 1] | high;
      return next;
    }
  }

  static final class EqualBytes extends SimdOp {
    EqualBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = Packed.equal(x[reg], x[rm], Packed.B);
      x[reg + 1] = Packed.equal(x[reg + 1], x[rm + 1], Packed.B);
      return next;
    }
  }

  static final class EqualBytesMemory extends SimdOp {
    EqualBytesMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = Packed.equal(x[reg], low, Packed.B);
      x[reg + 1] = Packed.equal(x[reg + 1], high, Packed.B);
      return next;
    }
  }

  static final class AddBytes extends SimdOp {
    AddBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = Packed.add(x[reg], x[rm], Packed.B);
      x[reg + 1] = Packed.add(x[reg + 1], x[rm + 1], Packed.B);
      return next;
    }
  }

  static final class AddBytesMemory extends SimdOp {
    AddBytesMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = Packed.add(x[reg], low, Packed.B);
      x[reg + 1] = Packed.add(x[reg + 1], high, Packed.B);
      return next;
    }
  }

  static final class AddWords extends SimdOp {
    AddWords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = Packed.add(x[reg], x[rm], Packed.W);
      x[reg + 1] = Packed.add(x[reg + 1], x[rm + 1], Packed.W);
      return next;
    }
  }

  static final class AddWordsMemory extends SimdOp {
    AddWordsMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = Packed.add(x[reg], low, Packed.W);
      x[reg + 1] = Packed.add(x[reg + 1], high, Packed.W);
      return next;
    }
  }

  static final class AddDoublewords extends SimdOp {
    AddDoublewords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = Packed.add(x[reg], x[rm], Packed.D);
      x[reg + 1] = Packed.add(x[reg + 1], x[rm + 1], Packed.D);
      return next;
    }
  }

  static final class AddDoublewordsMemory extends SimdOp {
    AddDoublewordsMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = Packed.add(x[reg], low, Packed.D);
      x[reg + 1] = Packed.add(x[reg + 1], high, Packed.D);
      return next;
    }
  }

  static final class AddQuadwords extends SimdOp {
    AddQuadwords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = x[reg] + x[rm];
      x[reg + 1] = x[reg + 1] + x[rm + 1];
      return next;
    }
  }

  static final class AddQuadwordsMemory extends SimdOp {
    AddQuadwordsMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = x[reg] + low;
      x[reg + 1] = x[reg + 1] + high;
      return next;
    }
  }

  static final class SubtractBytes extends SimdOp {
    SubtractBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = Packed.subtract(x[reg], x[rm], Packed.B);
      x[reg + 1] = Packed.subtract(x[reg + 1], x[rm + 1], Packed.B);
      return next;
    }
  }

  static final class SubtractBytesMemory extends SimdOp {
    SubtractBytesMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = Packed.subtract(x[reg], low, Packed.B);
      x[reg + 1] = Packed.subtract(x[reg + 1], high, Packed.B);
      return next;
    }
  }

  static final class MinBytes extends SimdOp {
    MinBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long[] x = c.xmm;
      x[reg] = Packed.minUnsigned(x[reg], x[rm], Packed.B);
      x[reg + 1] = Packed.minUnsigned(x[reg + 1], x[rm + 1], Packed.B);
      return next;
    }
  }

  static final class MinBytesMemory extends SimdOp {
    MinBytesMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      long[] x = c.xmm;
      x[reg] = Packed.minUnsigned(x[reg], low, Packed.B);
      x[reg + 1] = Packed.minUnsigned(x[reg + 1], high, Packed.B);
      return next;
    }
  }
}
