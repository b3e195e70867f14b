package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Environment;
import lodge.cpu.x86.x87.X87;

/** The control instructions, which leave the last instruction's pointers alone. */
final class X87Control {
  private X87Control() {}

  /** FWAIT: #NM only when CR0.MP is set with CR0.TS. */
  static final class Wait extends Op {
    @Override
    public Op exec(Cpu c) {
      if ((~c.cr0 & (Cpu.CR0_MP | Cpu.CR0_TS)) == 0) {
        throw c.fault(Vector.NM);
      }
      c.x87.checkPending(c);
      return next;
    }
  }

  /**
   * FNCLEX, FNINIT and FNSTSW AX; FNENI, FNDISI and FNSETPM of the first coprocessors, which do
   * nothing any more.
   */
  static final class Register extends Op {
    private final byte opcode;
    private final byte register;

    Register(Insn insn) {
      this.opcode = (byte) (insn.opcode & 7);
      this.register = (byte) (insn.rm & 7);
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.checkAvailable(c);
      if (opcode == 7) {
        c.r[Cpu.RAX] = c.r[Cpu.RAX] & ~0xFFFFL | x.statusWord();
      } else if (register == 2) {
        x.clearExceptions();
      } else if (register == 3) {
        x.init();
      }
      return next;
    }
  }

  /** FLDENV, FLDCW, FNSTENV, FNSTCW, FRSTOR, FNSAVE and FNSTSW. */
  static final class Memory extends MemOp {
    private static final int LDENV = 0x14;
    private static final int LDCW = 0x15;
    private static final int STENV = 0x16;
    private static final int STCW = 0x17;
    private static final int RSTOR = 0x54;
    private static final int SAVE = 0x56;
    private static final int STSW = 0x57;

    /** Opcode and reg field. */
    private final byte kind;

    private final byte operandSize;

    Memory(Insn insn, int offset) {
      super(insn, offset);
      this.kind = (byte) ((insn.opcode & 7) << 4 | insn.reg & 7);
      this.operandSize = (byte) (insn.operandSize == 2 ? 2 : 4);
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      switch (kind) {
        case LDCW -> {
          x.check(c);
          x.setControlWord(c.mmu.read16(readAddress(c, 2)));
        }
        case STCW -> {
          x.checkAvailable(c);
          c.mmu.write16(writeAddress(c, 2), x.controlWord());
        }
        case STSW -> {
          x.checkAvailable(c);
          c.mmu.write16(writeAddress(c, 2), x.statusWord());
        }
        default -> image(c, x);
      }
      return next;
    }

    // The first field, which has to be aligned where that counts, and the last byte are what the
    // processor touches first.

    private void probeRead(Cpu c, long gva, int size) {
      c.mmu.probeRead(gva, operandSize);
      c.mmu.probeRead(gva + size - 1, 1);
    }

    private void probeWrite(Cpu c, long gva, int size) {
      c.mmu.probeWrite(gva, operandSize);
      c.mmu.probeWrite(gva + size - 1, 1);
    }

    private void image(Cpu c, X87 x) {
      boolean protectedMode = c.protectedMode() && !c.virtual8086();
      int environment = Environment.size(operandSize);
      int state = Environment.stateSize(operandSize);
      switch (kind) {
        case LDENV -> {
          x.check(c);
          long gva = readAddress(c, environment);
          probeRead(c, gva, environment);
          Environment.load(x, c.mmu, gva, operandSize, protectedMode);
        }
        case STENV -> {
          x.checkAvailable(c);
          long gva = writeAddress(c, environment);
          probeWrite(c, gva, environment);
          Environment.store(x, c.mmu, gva, operandSize, protectedMode);
        }
        case RSTOR -> {
          x.check(c);
          long gva = readAddress(c, state);
          probeRead(c, gva, state);
          Environment.restore(x, c.mmu, gva, operandSize, protectedMode);
        }
        case SAVE -> {
          x.checkAvailable(c);
          long gva = writeAddress(c, state);
          probeWrite(c, gva, state);
          Environment.save(x, c.mmu, gva, operandSize, protectedMode);
        }
        default -> throw new IllegalStateException("no x87 control instruction " + kind);
      }
    }
  }
}
