package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Arithmetic;
import lodge.cpu.x86.x87.Transfers;
import lodge.cpu.x86.x87.X87;

/** The instructions that connect with RFLAGS. */
final class X87Flags {
  private X87Flags() {}

  /** FCMOVcc. */
  static final class Move extends Op {
    private final short opcode;
    private final byte register;
    private final byte kind;
    private final boolean expected;

    /**
     * @param kind 0 below, 1 equal, 2 below or equal, 3 unordered
     */
    Move(Insn insn, int kind, boolean expected) {
      this.opcode = (short) X87Operand.opcode(insn);
      this.register = (byte) (insn.rm & 7);
      this.kind = (byte) kind;
      this.expected = expected;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      boolean condition =
          switch (kind) {
            case 0 -> Flags.cf(c);
            case 1 -> Flags.zf(c);
            case 2 -> Flags.cf(c) || Flags.zf(c);
            default -> Flags.pf(c);
          };
      Transfers.moveIf(x, register, condition == expected);
      x.lastRip = rip(c);
      if ((x.status & X87.ES) != 0) {
        x.lastOpcode = opcode;
      }
      return next;
    }
  }

  /** FCOMI, FUCOMI, FCOMIP and FUCOMIP. */
  static final class Compare extends Op {
    private final short opcode;
    private final byte register;
    private final boolean quiet;
    private final boolean pop;

    Compare(Insn insn, boolean quiet, boolean pop) {
      this.opcode = (short) X87Operand.opcode(insn);
      this.register = (byte) (insn.rm & 7);
      this.quiet = quiet;
      this.pop = pop;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      int conditions = Arithmetic.compareToFlags(x, register, quiet, pop);
      // C3, C2 and C0 have the distances of ZF, PF and CF. The other arithmetic flags become 0.
      Flags.setArithmetic(c, conditions >> 8);
      x.lastRip = rip(c);
      if ((x.status & X87.ES) != 0) {
        x.lastOpcode = opcode;
      }
      return next;
    }
  }
}
