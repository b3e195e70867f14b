package lodge.cpu.x86.interpreter;

import java.util.Arrays;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Stack;
import lodge.cpu.x86.decode.Insn;

/** Near control transfer: JMP, CALL, RET, LOOP, JCXZ. Jcc is in {@link ConditionalOps}. */
final class BranchOps {
  private BranchOps() {}

  static final class Jmp extends Branch {
    Jmp(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return take(c);
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }

  static final class Call64 extends Branch {
    Call64(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      targetRip(c);
      long[] r = c.r;
      long pointer = r[Cpu.RSP] - 8;
      c.mmu.write64(pointer, nextRip(c));
      r[Cpu.RSP] = pointer;
      return take(c);
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class Call extends Branch {
    private final byte size;

    Call(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      targetRip(c);
      Stack.push(c, size, nextRip(c));
      return take(c);
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class Ret64 extends Op {
    private final CodeCache cache;
    private final int release;
    private int heat;

    Ret64(Insn insn, CodePage page) {
      this.cache = page.cache;
      this.release = 8 + ((int) insn.imm & 0xFFFF);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      long rip = c.mmu.read64(r[Cpu.RSP]);
      if (!c.canonical(rip)) {
        throw c.generalProtection(0);
      }
      r[Cpu.RSP] += release;
      if ((++heat & CodeCache.HOT - 1) == 0) {
        cache.hot(rip);
      }
      return cache.enter(rip);
    }

    @Override
    public boolean stackSegment() {
      return true;
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }

  static final class Ret extends Op {
    private final CodeCache cache;
    private final byte size;
    private final int release;

    Ret(Insn insn, CodePage page) {
      this.cache = page.cache;
      this.size = (byte) insn.operandSize;
      this.release = (int) insn.imm & 0xFFFF;
    }

    @Override
    public Op exec(Cpu c) {
      long rip = checked(c, Stack.peek(c, size));
      Stack.setPointer(c, c.r[Cpu.RSP] + size + release);
      return cache.enter(rip);
    }

    @Override
    public boolean stackSegment() {
      return true;
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }

  /** An absolute target, checked: #GP(0) beyond the segment's limit or when not canonical. */
  static long checked(Cpu c, long rip) {
    if (!allowed(c, rip)) {
      throw c.generalProtection(0);
    }
    return rip;
  }

  private static boolean allowed(Cpu c, long rip) {
    return c.codeKey == Cpu.CODE_64 ? c.canonical(rip) : rip <= c.segLimit[Cpu.CS];
  }

  /** An indirect jump or call, which remembers where it leads to. */
  private abstract static class Indirect extends RmOp {
    private static final int MOST_TARGETS = 16;

    final CodeCache cache;
    private int heat;
    private int[] seen = {};

    Indirect(Insn insn, CodePage page, int offset) {
      super(insn, offset);
      this.cache = page.cache;
    }

    /** The op at the target. */
    final Op follow(Cpu c, long rip) {
      // One in 32, but in no fixed rhythm: jumps have theirs, too.
      if ((++heat & 31) == (heat >>> 5 & 31)) {
        sawTarget(rip - c.r[Cpu.CODE_BASE]);
      }
      if ((heat & CodeCache.HOT - 1) == 0) {
        cache.hot(rip);
      }
      return cache.enter(rip);
    }

    @Override
    public void sawTarget(long relative) {
      if (relative != (int) relative || seen.length == MOST_TARGETS) {
        return;
      }
      for (int each : seen) {
        if (each == relative) {
          return;
        }
      }
      seen = Arrays.copyOf(seen, seen.length + 1);
      seen[seen.length - 1] = (int) relative;
    }

    @Override
    public final int[] targetsSeen() {
      return seen;
    }
  }

  static final class JmpIndirect extends Indirect {
    JmpIndirect(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      return follow(c, checked(c, load(c)));
    }

    @Override
    boolean endsRun() {
      return true;
    }
  }

  static final class CallIndirect extends Indirect {
    CallIndirect(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long rip = load(c);
      long rsp = c.r[Cpu.RSP];
      Stack.push(c, size, nextRip(c));
      if (!allowed(c, rip)) {
        // The processors have written the return address by then, but RSP is still the old one.
        c.r[Cpu.RSP] = rsp;
        throw c.generalProtection(0);
      }
      return follow(c, rip);
    }
  }

  static final class Loop extends Branch {
    private final byte addressSize;
    private final byte opcode;

    Loop(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
      this.addressSize = (byte) insn.addressSize;
      this.opcode = (byte) insn.opcode;
    }

    @Override
    public Op exec(Cpu c) {
      long count = Registers.read(c.r, Cpu.RCX, addressSize) - 1 & MemOp.mask(addressSize);
      boolean taken =
          count != 0
              && switch (opcode & 0xFF) {
                case 0xE0 -> !Flags.zf(c);
                case 0xE1 -> Flags.zf(c);
                default -> true;
              };
      if (taken) {
        targetRip(c);
      }
      Registers.write(c.r, Cpu.RCX, addressSize, count);
      return taken ? take(c) : next;
    }
  }

  static final class Jcxz extends Branch {
    private final byte addressSize;

    Jcxz(Insn insn, CodePage page, int offset) {
      super(insn, page, offset);
      this.addressSize = (byte) insn.addressSize;
    }

    @Override
    public Op exec(Cpu c) {
      return Registers.read(c.r, Cpu.RCX, addressSize) == 0 ? take(c) : next;
    }
  }
}
