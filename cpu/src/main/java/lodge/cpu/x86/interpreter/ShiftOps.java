package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Shifts;
import lodge.cpu.x86.decode.Insn;

/** Shifts and rotates; shifts of whole registers by a constant have classes of their own. */
final class ShiftOps {
  private ShiftOps() {}

  /** The count comes from CL, an immediate, or is 1. */
  static final class Shift extends RmOp {
    private static final byte FROM_CL = -1;

    private final byte operation;
    private final byte count;

    Shift(Insn insn, int offset, int operation, int count) {
      super(insn, offset);
      this.operation = (byte) operation;
      this.count = (byte) count;
    }

    static Shift byCl(Insn insn, int offset, int operation) {
      return new Shift(insn, offset, operation, FROM_CL);
    }

    static Shift by(Insn insn, int offset, int operation, int count) {
      return new Shift(insn, offset, operation, count & 63);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      long a = loadAt(c, gva);
      int n = count == FROM_CL ? (int) c.r[Cpu.RCX] : count;
      if (count != FROM_CL && !memory && operation <= Shifts.ROR) {
        storeAt(c, gva, Shifts.rotateRegister(c, operation, size, a, n));
      } else {
        storeAt(c, gva, Shifts.apply(c, operation, size, a, n));
      }
      return next;
    }
  }

  static final class Shl extends Op {
    private final byte register;
    private final byte size;
    private final byte count;

    /**
     * @param size 4 or 8
     */
    Shl(int register, int size, int count) {
      this.register = (byte) register;
      this.size = (byte) size;
      this.count = (byte) count;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      if (size == 8) {
        r[register] = Shifts.shl(c, 8, r[register], count);
      } else {
        r[register] = Shifts.shl(c, 4, r[register] & 0xFFFF_FFFFL, count) & 0xFFFF_FFFFL;
      }
      return next;
    }
  }

  static final class Shr extends Op {
    private final byte register;
    private final byte size;
    private final byte count;

    /**
     * @param size 4 or 8
     */
    Shr(int register, int size, int count) {
      this.register = (byte) register;
      this.size = (byte) size;
      this.count = (byte) count;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      if (size == 8) {
        r[register] = Shifts.shr(c, 8, r[register], count);
      } else {
        r[register] = Shifts.shr(c, 4, r[register] & 0xFFFF_FFFFL, count);
      }
      return next;
    }
  }

  static final class Sar extends Op {
    private final byte register;
    private final byte size;
    private final byte count;

    /**
     * @param size 4 or 8
     */
    Sar(int register, int size, int count) {
      this.register = (byte) register;
      this.size = (byte) size;
      this.count = (byte) count;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      if (size == 8) {
        r[register] = Shifts.sar(c, 8, r[register], count);
      } else {
        r[register] = Shifts.sar(c, 4, r[register], count) & 0xFFFF_FFFFL;
      }
      return next;
    }
  }

  /** SHLD and SHRD. */
  static final class DoubleShift extends RmOp {
    private final boolean right;
    private final boolean byCl;
    private final byte count;

    DoubleShift(Insn insn, int offset, boolean right, boolean byCl) {
      super(insn, offset);
      this.right = right;
      this.byCl = byCl;
      this.count = (byte) (insn.imm & 63);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = address(c);
      long a = loadAt(c, gva);
      int n = byCl ? (int) c.r[Cpu.RCX] : count;
      long b = loadReg(c);
      storeAt(c, gva, right ? Shifts.shrd(c, size, a, b, n) : Shifts.shld(c, size, a, b, n));
      return next;
    }
  }
}
