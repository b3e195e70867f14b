package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.Packed;

/** The AVX and AVX2 instructions that string functions live on: a class a form. */
final class HotVex {
  private HotVex() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case VPXOR, VXORPS, VXORPD -> new Xor(insn, offset);
      case VPAND, VANDPS, VANDPD -> new And(insn, offset);
      case VPANDN, VANDNPS, VANDNPD -> new AndNot(insn, offset);
      case VPOR, VORPS, VORPD -> new Or(insn, offset);
      case VPCMPEQB -> new EqualBytes(insn, offset);
      case VPCMPEQW -> new EqualWords(insn, offset);
      case VPCMPEQD -> new EqualDoublewords(insn, offset);
      case VPMINUB -> new MinBytes(insn, offset);
      case VPADDB -> new AddBytes(insn, offset);
      case VPADDD -> new AddDoublewords(insn, offset);
      case VPADDQ -> new AddQuadwords(insn, offset);
      case VPSUBB -> new SubtractBytes(insn, offset);
      case VPMOVMSKB -> new TopBits(insn, offset);
      case VPTEST -> new Test(insn, offset);
      default -> null;
    };
  }

  static final class Xor extends VexOp {
    Xor(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = x[first] ^ x[b];
      x[reg + 1] = x[first + 1] ^ x[b + 1];
      if (wide) {
        x[reg + 2] = x[first + 2] ^ x[b + 2];
        x[reg + 3] = x[first + 3] ^ x[b + 3];
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class And extends VexOp {
    And(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = x[first] & x[b];
      x[reg + 1] = x[first + 1] & x[b + 1];
      if (wide) {
        x[reg + 2] = x[first + 2] & x[b + 2];
        x[reg + 3] = x[first + 3] & x[b + 3];
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class AndNot extends VexOp {
    AndNot(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = ~x[first] & x[b];
      x[reg + 1] = ~x[first + 1] & x[b + 1];
      if (wide) {
        x[reg + 2] = ~x[first + 2] & x[b + 2];
        x[reg + 3] = ~x[first + 3] & x[b + 3];
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class Or extends VexOp {
    Or(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = x[first] | x[b];
      x[reg + 1] = x[first + 1] | x[b + 1];
      if (wide) {
        x[reg + 2] = x[first + 2] | x[b + 2];
        x[reg + 3] = x[first + 3] | x[b + 3];
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class EqualBytes extends VexOp {
    EqualBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = Packed.equal(x[first], x[b], Packed.B);
      x[reg + 1] = Packed.equal(x[first + 1], x[b + 1], Packed.B);
      if (wide) {
        x[reg + 2] = Packed.equal(x[first + 2], x[b + 2], Packed.B);
        x[reg + 3] = Packed.equal(x[first + 3], x[b + 3], Packed.B);
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class EqualWords extends VexOp {
    EqualWords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = Packed.equal(x[first], x[b], Packed.W);
      x[reg + 1] = Packed.equal(x[first + 1], x[b + 1], Packed.W);
      if (wide) {
        x[reg + 2] = Packed.equal(x[first + 2], x[b + 2], Packed.W);
        x[reg + 3] = Packed.equal(x[first + 3], x[b + 3], Packed.W);
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class EqualDoublewords extends VexOp {
    EqualDoublewords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = Packed.equal(x[first], x[b], Packed.D);
      x[reg + 1] = Packed.equal(x[first + 1], x[b + 1], Packed.D);
      if (wide) {
        x[reg + 2] = Packed.equal(x[first + 2], x[b + 2], Packed.D);
        x[reg + 3] = Packed.equal(x[first + 3], x[b + 3], Packed.D);
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class MinBytes extends VexOp {
    MinBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = Packed.minUnsigned(x[first], x[b], Packed.B);
      x[reg + 1] = Packed.minUnsigned(x[first + 1], x[b + 1], Packed.B);
      if (wide) {
        x[reg + 2] = Packed.minUnsigned(x[first + 2], x[b + 2], Packed.B);
        x[reg + 3] = Packed.minUnsigned(x[first + 3], x[b + 3], Packed.B);
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class AddBytes extends VexOp {
    AddBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = Packed.add(x[first], x[b], Packed.B);
      x[reg + 1] = Packed.add(x[first + 1], x[b + 1], Packed.B);
      if (wide) {
        x[reg + 2] = Packed.add(x[first + 2], x[b + 2], Packed.B);
        x[reg + 3] = Packed.add(x[first + 3], x[b + 3], Packed.B);
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class AddDoublewords extends VexOp {
    AddDoublewords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = Packed.add(x[first], x[b], Packed.D);
      x[reg + 1] = Packed.add(x[first + 1], x[b + 1], Packed.D);
      if (wide) {
        x[reg + 2] = Packed.add(x[first + 2], x[b + 2], Packed.D);
        x[reg + 3] = Packed.add(x[first + 3], x[b + 3], Packed.D);
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class AddQuadwords extends VexOp {
    AddQuadwords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = x[first] + x[b];
      x[reg + 1] = x[first + 1] + x[b + 1];
      if (wide) {
        x[reg + 2] = x[first + 2] + x[b + 2];
        x[reg + 3] = x[first + 3] + x[b + 3];
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  static final class SubtractBytes extends VexOp {
    SubtractBytes(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      x[reg] = Packed.subtract(x[first], x[b], Packed.B);
      x[reg + 1] = Packed.subtract(x[first + 1], x[b + 1], Packed.B);
      if (wide) {
        x[reg + 2] = Packed.subtract(x[first + 2], x[b + 2], Packed.B);
        x[reg + 3] = Packed.subtract(x[first + 3], x[b + 3], Packed.B);
      } else {
        clearUpper(c);
      }
      return next;
    }
  }

  /** VPMOVMSKB. */
  static final class TopBits extends VexOp {
    private final byte to;

    TopBits(Insn insn, int offset) {
      super(insn, offset);
      to = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int bits = Packed.topBits(x[rm]) | Packed.topBits(x[rm + 1]) << 8;
      if (wide) {
        bits |= Packed.topBits(x[rm + 2]) << 16 | Packed.topBits(x[rm + 3]) << 24;
      }
      c.r[to] = bits & 0xFFFF_FFFFL;
      return next;
    }
  }

  /** VPTEST. */
  static final class Test extends VexOp {
    Test(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      long both = x[reg] & x[b] | x[reg + 1] & x[b + 1];
      long rest = ~x[reg] & x[b] | ~x[reg + 1] & x[b + 1];
      if (wide) {
        both |= x[reg + 2] & x[b + 2] | x[reg + 3] & x[b + 3];
        rest |= ~x[reg + 2] & x[b + 2] | ~x[reg + 3] & x[b + 3];
      }
      Flags.setArithmetic(c, (both == 0 ? Flags.ZF : 0) | (rest == 0 ? Flags.CF : 0));
      return next;
    }
  }
}
