package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Multiplication;
import lodge.cpu.x86.decode.Insn;

/** INC, DEC, NEG, NOT, multiplication, division, XADD and the CMPXCHG family. */
final class ArithmeticOps {
  private ArithmeticOps() {}

  static final class Inc extends RmOp {
    Inc(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      storeAt(c, gva, Alu.inc(c, size, loadAt(c, gva)));
      return next;
    }
  }

  static final class Dec extends RmOp {
    Dec(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      storeAt(c, gva, Alu.dec(c, size, loadAt(c, gva)));
      return next;
    }
  }

  /** INC or DEC of a register named by the opcode (not in 64-bit mode). */
  static final class IncDecRegister extends Op {
    private final byte register;
    private final byte size;
    private final boolean decrement;

    IncDecRegister(Insn insn, boolean decrement) {
      this.register = (byte) insn.opcodeRegister;
      this.size = (byte) insn.operandSize;
      this.decrement = decrement;
    }

    @Override
    public Op exec(Cpu c) {
      long a = Registers.read(c.r, register, size);
      Registers.write(c.r, register, size, decrement ? Alu.dec(c, size, a) : Alu.inc(c, size, a));
      return next;
    }
  }

  static final class Neg extends RmOp {
    Neg(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      storeAt(c, gva, Alu.neg(c, size, loadAt(c, gva)));
      return next;
    }
  }

  static final class Not extends RmOp {
    Not(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      storeAt(c, gva, ~loadAt(c, gva));
      return next;
    }
  }

  static final class Mul extends RmOp {
    Mul(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      Multiplication.mul(c, size, load(c));
      return next;
    }
  }

  /** IMUL with one operand. */
  static final class Imul extends RmOp {
    Imul(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      Multiplication.imul(c, size, load(c));
      return next;
    }
  }

  /** IMUL register, register or memory. */
  static final class ImulReg extends RmOp {
    ImulReg(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long b = load(c);
      storeReg(c, Multiplication.imul(c, size, loadReg(c), b));
      return next;
    }
  }

  /** IMUL register, register or memory, immediate. */
  static final class ImulImm extends RmOp {
    private final int imm;

    ImulImm(Insn insn, int offset) {
      super(insn, offset);
      this.imm = (int) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      storeReg(c, Multiplication.imul(c, size, load(c), imm));
      return next;
    }
  }

  static final class Div extends RmOp {
    Div(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      Multiplication.div(c, size, load(c));
      return next;
    }
  }

  static final class Idiv extends RmOp {
    Idiv(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      Multiplication.idiv(c, size, load(c));
      return next;
    }
  }

  static final class Xadd extends RmOp {
    Xadd(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      long a = loadAt(c, gva);
      long sum = Alu.apply(c, Alu.ADD, size, a, loadReg(c));
      storeReg(c, a);
      storeAt(c, gva, sum);
      return next;
    }
  }

  /** The destination is written in both cases: with its old value when the comparison fails. */
  static final class Cmpxchg extends RmOp {
    Cmpxchg(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      long old = loadAt(c, gva);
      long accumulator = Registers.read(c.r, Cpu.RAX, size);
      Alu.apply(c, Alu.CMP, size, accumulator, old);
      if (accumulator == old) {
        storeAt(c, gva, loadReg(c));
      } else {
        if (memory) {
          storeAt(c, gva, old);
        }
        Registers.write(c.r, Cpu.RAX, size, old);
      }
      return next;
    }
  }

  /** CMPXCHG8B. */
  static final class Cmpxchg8b extends MemOp {
    Cmpxchg8b(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = writeAddress(c, 8);
      c.mmu.probeWrite(gva, 8);
      long[] r = c.r;
      long old = c.mmu.read64(gva);
      boolean equal = old == (r[Cpu.RDX] << 32 | r[Cpu.RAX] & 0xFFFF_FFFFL);
      if (equal) {
        c.mmu.write64(gva, r[Cpu.RCX] << 32 | r[Cpu.RBX] & 0xFFFF_FFFFL);
      } else {
        c.mmu.write64(gva, old);
        r[Cpu.RAX] = old & 0xFFFF_FFFFL;
        r[Cpu.RDX] = old >>> 32;
      }
      setZf(c, equal);
      return next;
    }
  }

  /** CMPXCHG16B; #GP(0) when the operand is not aligned. */
  static final class Cmpxchg16b extends MemOp {
    Cmpxchg16b(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = writeAddress(c, 16);
      if ((gva & 15) != 0) {
        throw c.generalProtection(0);
      }
      c.mmu.probeWrite(gva, 16);
      long[] r = c.r;
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      boolean equal = low == r[Cpu.RAX] && high == r[Cpu.RDX];
      if (equal) {
        c.mmu.write128(gva, r[Cpu.RBX], r[Cpu.RCX]);
      } else {
        c.mmu.write128(gva, low, high);
        r[Cpu.RAX] = low;
        r[Cpu.RDX] = high;
      }
      setZf(c, equal);
      return next;
    }
  }

  static void setZf(Cpu c, boolean zf) {
    int flags = Flags.arithmetic(c);
    int bit = Flags.ZF;
    Flags.setArithmetic(c, zf ? flags | bit : flags & ~bit);
  }
}
