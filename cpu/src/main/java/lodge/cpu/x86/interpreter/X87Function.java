package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Functions;
import lodge.cpu.x86.x87.X87;

/** D9 E0 to D9 FF. */
final class X87Function extends Op {
  private final short opcode;

  X87Function(Insn insn) {
    this.opcode = (short) X87Operand.opcode(insn);
  }

  @Override
  public Op exec(Cpu c) {
    X87 x = c.x87;
    x.check(c);
    Functions.execute(x, opcode & 0xFF);
    x.lastRip = rip(c);
    if ((x.status & X87.ES) != 0) {
      x.lastOpcode = opcode;
    }
    return next;
  }
}
