package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.SegmentQueries;
import lodge.cpu.x86.Segmentation;
import lodge.cpu.x86.Stack;
import lodge.cpu.x86.decode.Insn;

/** MOV, PUSH and POP of segment registers, LDS and its kin, ARPL, LAR, LSL, VERR, VERW. */
final class SegmentOps {
  private SegmentOps() {}

  /** #UD where there are no descriptors. */
  static void requireDescriptors(Cpu c) {
    if (!c.protectedMode() || c.virtual8086()) {
      throw c.undefined();
    }
  }

  private static void setZf(Cpu c, boolean zf) {
    int flags = Flags.arithmetic(c);
    Flags.setArithmetic(c, zf ? flags | Flags.ZF : flags & ~Flags.ZF);
  }

  /** A register takes the selector zero-extended to the operand size, memory 16 bits. */
  static final class MovFromSegment extends MemOp {
    private final byte segment;
    private final byte size;
    private final byte dst;

    MovFromSegment(Insn insn, int offset) {
      super(insn, offset);
      this.segment = (byte) insn.reg;
      this.size = (byte) insn.operandSize;
      this.dst = (byte) (insn.memory ? -1 : insn.rm);
    }

    @Override
    public Op exec(Cpu c) {
      int selector = c.selector[segment];
      if (dst >= 0) {
        Registers.write(c.r, dst, size, selector);
      } else {
        c.mmu.write16(writeAddress(c, 2), selector);
      }
      return next;
    }
  }

  static final class MovToSegment extends RmOp {
    private final byte segment;

    MovToSegment(Insn insn, int offset) {
      super(insn, offset, 2);
      this.segment = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      Segmentation.load(c, segment, (int) load(c));
      return loaded(this, c, segment);
    }
  }

  /** After SS was loaded the next instruction, which sets (E)SP, runs before any interrupt. */
  private static Op loaded(Op op, Cpu c, int segment) {
    if (segment == Cpu.SS) {
      c.interruptShadow = true;
      c.debugShadow = true;
      return op.leave(c);
    }
    return op.next;
  }

  /** With 32-bit operands only the low half of the slot is written, as Intel's processors do. */
  static final class PushSegment extends Op {
    private final byte segment;
    private final byte size;

    PushSegment(Insn insn, int segment) {
      this.segment = (byte) segment;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      int written = size == 4 ? 2 : size;
      c.mmu.write(Stack.writeAddress(c, -size, written), written, c.selector[segment]);
      Stack.setPointer(c, c.r[Cpu.RSP] - size);
      return next;
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  static final class PopSegment extends Op {
    private final byte segment;
    private final byte size;

    PopSegment(Insn insn, int segment) {
      this.segment = (byte) segment;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      // Two bytes are read, whatever the operand size.
      int selector = (int) Stack.peek(c, 2);
      long mask = Stack.mask(c);
      long old = c.r[Cpu.RSP];
      Segmentation.load(c, segment, selector);
      // The width is that of the stack the selector came from.
      long moved = old + size;
      c.r[Cpu.RSP] = mask == 0xFFFF ? old & ~0xFFFFL | moved & 0xFFFF : moved & mask;
      return loaded(this, c, segment);
    }

    @Override
    public boolean stackSegment() {
      return true;
    }
  }

  /** LDS, LES, LSS, LFS, LGS. */
  static final class LoadFarPointer extends MemOp {
    private final byte segment;
    private final byte size;
    private final byte dst;

    LoadFarPointer(Insn insn, int offset, int segment) {
      super(insn, offset);
      this.segment = (byte) segment;
      this.size = (byte) insn.operandSize;
      this.dst = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      long gva = readAddress(c, size + 2);
      long pointer = c.mmu.read(gva, size);
      int selector = c.mmu.read16(gva + size);
      Segmentation.load(c, segment, selector);
      Registers.write(c.r, dst, size, pointer);
      // Unlike MOV SS and POP SS, LSS lets interrupts in.
      return next;
    }
  }

  static final class Arpl extends RmOp {
    Arpl(Insn insn, int offset) {
      super(insn, offset, 2);
    }

    @Override
    public Op exec(Cpu c) {
      requireDescriptors(c);
      // Write access is only asked for when there is something to write.
      long value = load(c);
      long rpl = loadReg(c) & 3;
      boolean raised = (value & 3) < rpl;
      if (raised) {
        storeAt(c, address(c), value & ~3 | rpl);
      }
      setZf(c, raised);
      return next;
    }
  }

  /** LAR and LSL. */
  static final class Query extends RmOp {
    private final boolean rights;
    private final byte dst;
    private final byte dstSize;

    Query(Insn insn, int offset, boolean rights) {
      super(insn, offset, 2);
      this.rights = rights;
      this.dst = (byte) insn.reg;
      this.dstSize = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      requireDescriptors(c);
      int selector = (int) load(c);
      long value =
          rights ? SegmentQueries.accessRights(c, selector) : SegmentQueries.limit(c, selector);
      if (value >= 0) {
        Registers.write(c.r, dst, dstSize, value);
      }
      setZf(c, value >= 0);
      return next;
    }
  }

  /** VERR and VERW. */
  static final class Verify extends RmOp {
    private final boolean write;

    Verify(Insn insn, int offset, boolean write) {
      super(insn, offset, 2);
      this.write = write;
    }

    @Override
    public Op exec(Cpu c) {
      requireDescriptors(c);
      setZf(c, SegmentQueries.verify(c, (int) load(c), write));
      return next;
    }
  }
}
