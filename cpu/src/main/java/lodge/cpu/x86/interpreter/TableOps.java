package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.ControlRegisters;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.DescriptorTables;
import lodge.cpu.x86.decode.Insn;

/** Descriptor-table registers and the machine status word. */
final class TableOps {
  private TableOps() {}

  /** User-mode instruction prevention: the stores of system registers. */
  private static void checkUmip(Cpu c) {
    if (c.cpl != 0 && (c.cr4 & Cpu.CR4_UMIP) != 0) {
      throw c.generalProtection(0);
    }
  }

  private static void requireCpl0(Cpu c) {
    if (c.cpl != 0) {
      throw c.generalProtection(0);
    }
  }

  /** SGDT and SIDT. */
  static final class StoreTable extends MemOp {
    private final boolean idt;
    private final byte baseSize;

    StoreTable(Insn insn, int offset, boolean idt) {
      super(insn, offset);
      this.idt = idt;
      this.baseSize = (byte) (insn.codeSize == 8 ? 8 : 4);
    }

    @Override
    public Op exec(Cpu c) {
      checkUmip(c);
      long gva = writeAddress(c, 2 + baseSize);
      c.mmu.probeWrite(gva, 2 + baseSize);
      c.mmu.write16(gva, idt ? c.idtLimit : c.gdtLimit);
      c.mmu.write(gva + 2, baseSize, idt ? c.idtBase : c.gdtBase);
      return next;
    }
  }

  /** LGDT and LIDT. With 16-bit operands the base has 24 bits. */
  static final class LoadTable extends MemOp {
    private final boolean idt;
    private final byte baseSize;
    private final long baseMask;

    LoadTable(Insn insn, int offset, boolean idt) {
      super(insn, offset);
      this.idt = idt;
      this.baseSize = (byte) (insn.codeSize == 8 ? 8 : 4);
      this.baseMask = insn.operandSize == 2 ? 0xFF_FFFFL : -1L;
    }

    @Override
    public Op exec(Cpu c) {
      requireCpl0(c);
      long gva = readAddress(c, 2 + baseSize);
      c.mmu.probeRead(gva, 2 + baseSize);
      int limit = c.mmu.read16(gva);
      long base = c.mmu.read(gva + 2, baseSize) & baseMask;
      if (!c.canonicalBase(base)) {
        throw c.generalProtection(0);
      }
      c.drainStores();
      if (idt) {
        c.idtLimit = limit;
        c.idtBase = base;
      } else {
        c.gdtLimit = limit;
        c.gdtBase = base;
      }
      return serialized(c);
    }
  }

  /** SLDT and STR. */
  static final class StoreSelector extends MemOp {
    private final byte register;
    private final byte size;
    private final byte dst;

    StoreSelector(Insn insn, int offset, int register) {
      super(insn, offset);
      this.register = (byte) register;
      this.size = (byte) insn.operandSize;
      this.dst = (byte) (insn.memory ? -1 : insn.rm);
    }

    @Override
    public Op exec(Cpu c) {
      SegmentOps.requireDescriptors(c);
      checkUmip(c);
      int selector = c.selector[register];
      if (dst >= 0) {
        Registers.write(c.r, dst, size, selector);
      } else {
        c.mmu.write16(writeAddress(c, 2), selector);
      }
      return next;
    }
  }

  /** LLDT and LTR. */
  static final class LoadSelector extends RmOp {
    private final boolean task;

    LoadSelector(Insn insn, int offset, int register) {
      super(insn, offset, 2);
      this.task = register == Cpu.TR;
    }

    @Override
    public Op exec(Cpu c) {
      SegmentOps.requireDescriptors(c);
      requireCpl0(c);
      int selector = (int) load(c);
      c.drainStores();
      if (task) {
        DescriptorTables.loadTr(c, selector);
      } else {
        DescriptorTables.loadLdtr(c, selector);
      }
      return serialized(c);
    }
  }

  /** A register takes as much of CR0 as the operand size names, memory 16 bits. */
  static final class Smsw extends MemOp {
    private final byte size;
    private final byte dst;

    Smsw(Insn insn, int offset) {
      super(insn, offset);
      this.size = (byte) insn.operandSize;
      this.dst = (byte) (insn.memory ? -1 : insn.rm);
    }

    @Override
    public Op exec(Cpu c) {
      checkUmip(c);
      if (dst >= 0) {
        Registers.write(c.r, dst, size, c.cr0);
      } else {
        c.mmu.write16(writeAddress(c, 2), (int) c.cr0 & 0xFFFF);
      }
      return next;
    }
  }

  static final class Lmsw extends RmOp {
    Lmsw(Insn insn, int offset) {
      super(insn, offset, 2);
    }

    @Override
    public Op exec(Cpu c) {
      requireCpl0(c);
      ControlRegisters.loadMsw(c, (int) load(c));
      return leave(c);
    }
  }
}
