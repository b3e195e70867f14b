package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Arithmetic;
import lodge.cpu.x86.x87.X87;

/** FADD, FMUL, FSUB, FSUBR, FDIV and FDIVR; with memory FCOM and FCOMP too. */
final class X87Arithmetic {
  private X87Arithmetic() {}

  /** ST(0) with a number in memory. */
  static final class Memory extends X87Operand {
    private final byte operation;
    private final byte format;

    Memory(Insn insn, int offset, int format) {
      super(insn, offset);
      this.operation = (byte) (insn.reg & 7);
      this.format = (byte) format;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      read(c, x, format);
      Arithmetic.withMemory(x, operation);
      return done(c, x);
    }
  }

  /** ST(0) with ST(i), to either. */
  static final class Register extends Op {
    private final short opcode;
    private final byte operation;
    private final byte source;
    private final byte destination;
    private final boolean pop;

    Register(Insn insn, boolean toTop, boolean pop) {
      this.opcode = (short) X87Operand.opcode(insn);
      this.operation = (byte) (insn.reg & 7);
      this.source = (byte) (insn.rm & 7);
      this.destination = toTop ? 0 : source;
      this.pop = pop;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      Arithmetic.withRegister(x, operation, source, destination, pop);
      x.lastRip = rip(c);
      if ((x.status & X87.ES) != 0) {
        x.lastOpcode = opcode;
      }
      return next;
    }
  }
}
