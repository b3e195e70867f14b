package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.FlagControl;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Stack;

/** CLI, STI, PUSHF, POPF, CLAC and STAC. */
final class InterruptFlagOps {
  private InterruptFlagOps() {}

  static final class Cli extends Op {
    @Override
    public Op exec(Cpu c) {
      FlagControl.clearInterruptFlag(c);
      return next;
    }
  }

  /**
   * The shadow keeps interrupts out until one more instruction is done. It may stay on for longer
   * when nothing waits: then an interrupt that comes later is one instruction later.
   */
  static final class Sti extends Op {
    @Override
    public Op exec(Cpu c) {
      if (FlagControl.setInterruptFlag(c)) {
        c.interruptShadow = true;
        if (c.interruptPending || c.attention) {
          return leave(c);
        }
      }
      return next;
    }
  }

  static final class Pushf64 extends Op {
    @Override
    public Op exec(Cpu c) {
      long pointer = c.r[Cpu.RSP] - 8;
      c.mmu.write64(pointer, Flags.get(c) & ~(Flags.VM | Flags.RF));
      c.r[Cpu.RSP] = pointer;
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class Pushf extends Op {
    private final byte size;

    Pushf(int size) {
      this.size = (byte) size;
    }

    @Override
    public Op exec(Cpu c) {
      Stack.push(c, size, FlagControl.pushed(c, size));
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  /** Whether the run loop has to look after IF or TF were loaded. */
  private static boolean mustLook(Cpu c) {
    int flags = c.eflags;
    return (flags & Flags.TF) != 0
        || (flags & Flags.IF) != 0 && (c.interruptPending || c.attention);
  }

  static final class Popf64 extends Op {
    @Override
    public Op exec(Cpu c) {
      long pointer = c.r[Cpu.RSP];
      int value = (int) c.mmu.read64(pointer);
      FlagControl.pop64(c, value);
      c.r[Cpu.RSP] = pointer + 8;
      return mustLook(c) ? leave(c) : next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class Popf extends Op {
    private final byte size;

    Popf(int size) {
      this.size = (byte) size;
    }

    @Override
    public Op exec(Cpu c) {
      FlagControl.pop(c, (int) Stack.peek(c, size), size);
      Stack.setPointer(c, c.r[Cpu.RSP] + size);
      return mustLook(c) ? leave(c) : next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  /** CLAC and STAC: #UD outside of CPL 0. */
  static final class AlignmentFlag extends Op {
    private final boolean set;

    AlignmentFlag(boolean set) {
      this.set = set;
    }

    @Override
    public Op exec(Cpu c) {
      if (c.cpl != 0) {
        throw c.undefined();
      }
      c.eflags = set ? c.eflags | Flags.AC : c.eflags & ~Flags.AC;
      c.alignmentFlagChanged();
      return next;
    }
  }
}
