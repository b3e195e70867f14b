package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.FarTransfers;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.InterruptReturn;
import lodge.cpu.x86.Interrupts;
import lodge.cpu.x86.SystemCalls;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.decode.Insn;

/**
 * Control transfers that change the code segment. They all end in the run loop, which looks up the
 * code there.
 */
final class TransferOps {
  private TransferOps() {}

  static final class Iret extends Op {
    private final byte size;

    Iret(Insn insn) {
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      c.drainStores();
      c.rip = nextRip(c);
      InterruptReturn.execute(c, size);
      return null;
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }

  /** CALL and JMP with the target in the instruction. */
  static final class FarDirect extends Op {
    private final boolean call;
    private final byte size;
    private final int selector;
    private final long target;

    FarDirect(Insn insn, boolean call) {
      this.call = call;
      this.size = (byte) insn.operandSize;
      this.selector = insn.imm2 & 0xFFFF;
      this.target = insn.imm & (insn.operandSize == 2 ? 0xFFFFL : 0xFFFF_FFFFL);
    }

    @Override
    public Op exec(Cpu c) {
      c.rip = nextRip(c);
      if (call) {
        FarTransfers.call(c, selector, target, size);
      } else {
        FarTransfers.jump(c, selector, target, size);
      }
      return null;
    }

    @Override
    boolean endsRun() {
      return !call;
    }
  }

  /** CALL and JMP through a far pointer in memory. */
  static final class FarIndirect extends MemOp {
    private final boolean call;
    private final byte size;

    FarIndirect(Insn insn, int offset, boolean call) {
      super(insn, offset);
      this.call = call;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      long gva = readAddress(c, size + 2);
      long target = c.mmu.read(gva, size);
      int selector = c.mmu.read16(gva + size);
      c.rip = nextRip(c);
      if (call) {
        FarTransfers.call(c, selector, target, size);
      } else {
        FarTransfers.jump(c, selector, target, size);
      }
      return null;
    }

    @Override
    boolean endsRun() {
      return !call;
    }
  }

  static final class RetFar extends Op {
    private final byte size;
    private final int release;

    RetFar(Insn insn) {
      this.size = (byte) insn.operandSize;
      this.release = insn.form.operands().length == 0 ? 0 : (int) insn.imm & 0xFFFF;
    }

    @Override
    public Op exec(Cpu c) {
      FarTransfers.ret(c, size, release);
      return null;
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }

  /** INT n, INT3 and INT1. */
  static final class Int extends Op {
    private final int vector;
    private final Interrupts.Source source;

    Int(int vector, Interrupts.Source source) {
      this.vector = vector;
      this.source = source;
    }

    @Override
    public Op exec(Cpu c) {
      c.rip = nextRip(c);
      Interrupts.software(c, vector, source);
      return null;
    }
  }

  static final class Into extends Op {
    @Override
    public Op exec(Cpu c) {
      if (!Flags.of(c)) {
        return next;
      }
      c.rip = nextRip(c);
      Interrupts.software(c, Vector.OF, Interrupts.Source.SOFTWARE_EXCEPTION);
      return null;
    }
  }

  static final class Syscall extends Op {
    @Override
    public Op exec(Cpu c) {
      c.rip = nextRip(c);
      SystemCalls.syscall(c);
      return null;
    }
  }

  static final class Sysret extends Op {
    private final boolean to64;

    Sysret(boolean to64) {
      this.to64 = to64;
    }

    @Override
    public Op exec(Cpu c) {
      SystemCalls.sysret(c, to64);
      return null;
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }

  static final class Sysenter extends Op {
    @Override
    public Op exec(Cpu c) {
      SystemCalls.sysenter(c);
      return null;
    }
  }

  static final class Sysexit extends Op {
    private final boolean to64;

    Sysexit(boolean to64) {
      this.to64 = to64;
    }

    @Override
    public Op exec(Cpu c) {
      SystemCalls.sysexit(c, to64);
      return null;
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }
}
