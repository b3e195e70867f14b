package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;

/**
 * Two-operand arithmetic that {@link Alu64} and {@link Alu32} do not have: memory destinations, 8
 * and 16 bits.
 */
final class AluMemory {
  private AluMemory() {}

  /** Register or memory, register. */
  static final class ModifyReg extends RmOp {
    private final byte operation;

    ModifyReg(int operation, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      long a = loadAt(c, gva);
      storeAt(c, gva, Alu.apply(c, operation, size, a, loadReg(c)));
      return next;
    }
  }

  /** Register or memory, immediate. */
  static final class ModifyImm extends RmOp {
    private final byte operation;
    private final int imm;

    ModifyImm(int operation, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
      this.imm = (int) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      long a = loadAt(c, gva);
      storeAt(c, gva, Alu.apply(c, operation, size, a, imm));
      return next;
    }
  }

  /** Register, register or memory. */
  static final class RegFrom extends RmOp {
    private final byte operation;

    RegFrom(int operation, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
    }

    @Override
    public Op exec(Cpu c) {
      long b = load(c);
      storeReg(c, Alu.apply(c, operation, size, loadReg(c), b));
      return next;
    }
  }

  /** CMP or TEST of register or memory with a register. */
  static final class CompareReg extends RmOp {
    private final byte operation;
    private final boolean reversed;

    /**
     * @param reversed the register is the first operand
     */
    CompareReg(int operation, boolean reversed, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
      this.reversed = reversed;
    }

    @Override
    public Op exec(Cpu c) {
      long a = load(c);
      long b = loadReg(c);
      Alu.apply(c, operation, size, reversed ? b : a, reversed ? a : b);
      return next;
    }
  }

  /** CMP or TEST of register or memory with an immediate. */
  static final class CompareImm extends RmOp {
    private final byte operation;
    private final int imm;

    CompareImm(int operation, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
      this.imm = (int) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      Alu.apply(c, operation, size, load(c), imm);
      return next;
    }
  }

  /** The accumulator (AL or AX) and an immediate. */
  static final class Accumulator extends Op {
    private final byte operation;
    private final byte size;
    private final int imm;

    Accumulator(int operation, Insn insn) {
      this.operation = (byte) operation;
      this.size = (byte) insn.operandSize;
      this.imm = (int) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      long a = Registers.read(c.r, Cpu.RAX, size);
      Registers.write(c.r, Cpu.RAX, size, Alu.apply(c, operation, size, a, imm));
      return next;
    }
  }

  /** CMP byte [memory], immediate. */
  static final class CompareByteImm extends MemOp {
    private final int imm;

    CompareByteImm(Insn insn, int offset) {
      super(insn, offset);
      this.imm = (int) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      int a = c.mmu.read8(readAddress(c, 1));
      int result = a - imm;
      c.flagResult = (byte) result;
      c.flagAux = Flags.aux8(~a & imm | ~(a ^ imm) & result);
      return next;
    }
  }

  /** TEST of a byte register with itself. */
  static final class TestByteSelf extends Op {
    private final byte code;

    TestByteSelf(int code) {
      this.code = (byte) code;
    }

    @Override
    public Op exec(Cpu c) {
      c.flagResult = (byte) Registers.read8(c.r, code);
      c.flagAux = 0;
      return next;
    }
  }

  /** CMP r64, [memory] reversed: [memory], r64; also 32 bits. */
  static final class CompareMemory extends MemOp {
    private final byte size;
    private final byte src;

    CompareMemory(Insn insn, int offset) {
      super(insn, offset);
      this.size = (byte) insn.operandSize;
      this.src = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      long gva = readAddress(c, size);
      if (size == 8) {
        Alu.sub64(c, c.mmu.read64(gva), c.r[src]);
      } else {
        Alu.sub32(c, c.mmu.read32(gva), (int) c.r[src]);
      }
      return next;
    }
  }
}
