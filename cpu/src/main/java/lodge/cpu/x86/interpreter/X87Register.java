package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Arithmetic;
import lodge.cpu.x86.x87.Transfers;
import lodge.cpu.x86.x87.X87;

/** Instructions on the register stack that are no arithmetic. */
final class X87Register extends Op {
  static final int NOTHING = 0;
  static final int LOAD = 1;
  static final int EXCHANGE = 2;
  static final int STORE = 3;
  static final int FREE = 4;
  static final int COMPARE = 5;
  static final int COMPARE_QUIET = 6;
  static final int STORE_UNCHECKED = 7;

  private final short opcode;
  private final byte kind;
  private final byte register;
  private final byte pops;

  X87Register(Insn insn, int kind, int pops) {
    this.opcode = (short) X87Operand.opcode(insn);
    this.kind = (byte) kind;
    this.register = (byte) (insn.rm & 7);
    this.pops = (byte) pops;
  }

  @Override
  public Op exec(Cpu c) {
    X87 x = c.x87;
    x.check(c);
    switch (kind) {
      case LOAD -> Transfers.loadRegister(x, register);
      case EXCHANGE -> Transfers.exchange(x, register);
      case STORE -> Transfers.storeRegister(x, register, pops != 0);
      case STORE_UNCHECKED -> Transfers.storeUnchecked(x, register);
      case FREE -> {
        Transfers.free(x, register);
        if (pops != 0) {
          x.pop();
        }
      }
      case COMPARE -> Arithmetic.compareRegister(x, register, false, pops);
      case COMPARE_QUIET -> Arithmetic.compareRegister(x, register, true, pops);
      default -> {}
    }
    x.lastRip = rip(c);
    if ((x.status & X87.ES) != 0) {
      x.lastOpcode = opcode;
    }
    return next;
  }
}
