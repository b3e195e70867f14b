package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Stack;
import lodge.cpu.x86.decode.Insn;

/** PUSH, POP, PUSHA, POPA, ENTER, LEAVE. */
final class StackOps {
  private StackOps() {}

  /** PUSH r64 in 64-bit mode. */
  static final class Push64 extends Op {
    private final byte src;

    Push64(int src) {
      this.src = (byte) src;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      long pointer = r[Cpu.RSP] - 8;
      c.mmu.write64(pointer, r[src]);
      r[Cpu.RSP] = pointer;
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  /** POP r64 in 64-bit mode. */
  static final class Pop64 extends Op {
    private final byte dst;

    Pop64(int dst) {
      this.dst = (byte) dst;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      long pointer = r[Cpu.RSP];
      long value = c.mmu.read64(pointer);
      r[Cpu.RSP] = pointer + 8;
      r[dst] = value;
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class PushRegister extends Op {
    private final byte src;
    private final byte size;

    PushRegister(int src, int size) {
      this.src = (byte) src;
      this.size = (byte) size;
    }

    @Override
    public Op exec(Cpu c) {
      Stack.push(c, size, c.r[src]);
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class PopRegister extends Op {
    private final byte dst;
    private final byte size;

    PopRegister(int dst, int size) {
      this.dst = (byte) dst;
      this.size = (byte) size;
    }

    @Override
    public Op exec(Cpu c) {
      long value = Stack.pop(c, size);
      Registers.write(c.r, dst, size, value);
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class PushImm extends Op {
    private final int imm;
    private final byte size;

    PushImm(Insn insn) {
      this.imm = (int) insn.imm;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      Stack.push(c, size, imm);
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class PushMemory extends RmOp {
    PushMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      Stack.push(c, size, load(c));
      return next;
    }
  }

  /**
   * The address is computed with the pointer already moved; it moves back when the store faults.
   */
  static final class PopMemory extends RmOp {
    PopMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long pointer = c.r[Cpu.RSP];
      long value = Stack.pop(c, size);
      boolean done = false;
      try {
        storeAt(c, memory ? writeAddress(c, size) : 0, value);
        done = true;
      } finally {
        if (!done) {
          c.r[Cpu.RSP] = pointer;
        }
      }
      return next;
    }
  }

  static final class PushAll extends Op {
    private final byte size;

    PushAll(Insn insn) {
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      // As in the processors, what was pushed before a fault stays; the restarted instruction
      // pushes it again.
      for (int i = 0; i < 8; i++) {
        c.mmu.write(Stack.writeAddress(c, -(i + 1) * size, size), size, c.r[i]);
      }
      Stack.setPointer(c, c.r[Cpu.RSP] - 8 * size);
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class PopAll extends Op {
    private final byte size;

    PopAll(Insn insn) {
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      // As in the processors, what was popped before a fault stays; ESP has not moved.
      for (int i = 0; i < 8; i++) {
        long value = c.mmu.read(Stack.readAddress(c, i * size, size), size);
        if (7 - i != Cpu.RSP) {
          Registers.write(c.r, 7 - i, size, value);
        }
      }
      Stack.setPointer(c, c.r[Cpu.RSP] + 8 * size);
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class Leave extends Op {
    private final byte size;

    Leave(Insn insn) {
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      long old = c.r[Cpu.RSP];
      Stack.setPointer(c, c.r[Cpu.RBP]);
      boolean done = false;
      try {
        long value = Stack.pop(c, size);
        Registers.write(c.r, Cpu.RBP, size, value);
        done = true;
      } finally {
        if (!done) {
          c.r[Cpu.RSP] = old;
        }
      }
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class Enter extends Op {
    private final byte size;
    private final int frame;
    private final int level;

    Enter(Insn insn) {
      this.size = (byte) insn.operandSize;
      this.frame = (int) insn.imm & 0xFFFF;
      this.level = insn.imm2 & 31;
    }

    @Override
    public Op exec(Cpu c) {
      long old = c.r[Cpu.RSP];
      boolean done = false;
      try {
        Stack.push(c, size, c.r[Cpu.RBP]);
        long pointer = c.r[Cpu.RSP];
        for (int i = 1; i < level; i++) {
          long back = c.r[Cpu.RBP] - (long) i * size - c.r[Cpu.RSP];
          Stack.push(c, size, c.mmu.read(Stack.readAddress(c, back, size), size));
        }
        if (level > 0) {
          Stack.push(c, size, pointer);
        }
        long bottom = c.r[Cpu.RSP] - frame;
        // The last push of the procedure's own frame has to be possible.
        c.mmu.probeWrite(Stack.writeAddress(c, -frame, size), size);
        Registers.write(c.r, Cpu.RBP, size, pointer);
        Stack.setPointer(c, bottom);
        done = true;
      } finally {
        if (!done) {
          c.r[Cpu.RSP] = old;
        }
      }
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }
}
