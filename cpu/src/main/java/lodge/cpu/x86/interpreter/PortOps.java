package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.PortAccess;
import lodge.cpu.x86.decode.Insn;

/** IN, OUT, INS and OUTS (SDM volume 1, chapter 19). */
final class PortOps {
  /** {@link #port}: the port is in DX. */
  private static final int IN_DX = -1;

  private PortOps() {}

  private static int port(Insn insn) {
    return insn.form.operands()[0].equals("DX") || insn.form.operands()[1].equals("DX")
        ? IN_DX
        : (int) insn.imm & 0xFF;
  }

  private static int number(Cpu c, int port) {
    return port == IN_DX ? (int) c.r[Cpu.RDX] & 0xFFFF : port;
  }

  /** The access may end the machine or raise an interrupt: then the run loop has to look. */
  static final class In extends Op {
    private final int port;
    private final byte size;

    In(Insn insn) {
      this.port = port(insn);
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      int number = number(c, port);
      PortAccess.check(c, number, size);
      Registers.write(c.r, Cpu.RAX, size, c.ports.read(number, size));
      return c.attention ? leave(c) : next;
    }
  }

  /** As in {@link In}, what the access raises comes before the next instruction. */
  static final class Out extends Op {
    private final int port;
    private final byte size;

    Out(Insn insn) {
      this.port = port(insn);
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      int number = number(c, port);
      PortAccess.check(c, number, size);
      c.ports.write(number, size, (int) c.r[Cpu.RAX]);
      return c.attention ? leave(c) : next;
    }
  }

  /**
   * One element a call; with REP the op returns itself until RCX is 0, so faults and interrupts
   * restart it.
   */
  private abstract static class StringPortOp extends Op {
    final byte size;
    final long mask;
    private final byte addressSize;
    private final boolean repeat;

    StringPortOp(Insn insn) {
      this.size = (byte) insn.operandSize;
      this.addressSize = (byte) insn.addressSize;
      this.mask = MemOp.mask(insn.addressSize);
      this.repeat = insn.repeat != Insn.NONE;
    }

    abstract void element(Cpu c, int port);

    @Override
    public final Op exec(Cpu c) {
      long count = repeat ? c.r[Cpu.RCX] & mask : 1;
      int port = (int) c.r[Cpu.RDX] & 0xFFFF;
      PortAccess.check(c, port, size);
      if (count == 0) {
        return next;
      }
      long invalidations = c.codeInvalidations;
      element(c, port);
      if (!repeat) {
        return c.attention ? leave(c) : next;
      }
      Registers.write(c.r, Cpu.RCX, addressSize, count - 1);
      if (count == 1) {
        Repeat.done(c, next);
        return c.attention ? leave(c) : next;
      }
      Repeat.again(c, this);
      // It may be this instruction that was overwritten.
      if (c.attention || c.codeInvalidations != invalidations) {
        c.rip = rip(c);
        return null;
      }
      return this;
    }

    final void advance(Cpu c, int register) {
      long step = (c.eflags & Flags.DF) != 0 ? -size : size;
      Registers.write(c.r, register, addressSize, (c.r[register] & mask) + step);
    }
  }

  static final class Ins extends StringPortOp {
    private final byte segment;

    Ins(Insn insn) {
      super(insn);
      this.segment = (byte) (insn.codeSize == 8 ? Cpu.FLAT : Cpu.ES);
    }

    @Override
    void element(Cpu c, int port) {
      long gva = MemOp.writeAddress(c, segment, c.r[Cpu.RDI] & mask, size);
      // The device must not be read when its value cannot be stored.
      c.mmu.probeWrite(gva, size);
      c.mmu.write(gva, size, c.ports.read(port, size) & 0xFFFF_FFFFL);
      advance(c, Cpu.RDI);
    }
  }

  static final class Outs extends StringPortOp {
    private final byte segment;

    Outs(Insn insn) {
      super(insn);
      this.segment = MemOp.segment(insn);
    }

    @Override
    void element(Cpu c, int port) {
      long gva = MemOp.readAddress(c, segment, c.r[Cpu.RSI] & mask, size);
      c.ports.write(port, size, (int) c.mmu.read(gva, size));
      advance(c, Cpu.RSI);
    }
  }
}
