package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.ControlRegisters;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.DebugRegisters;
import lodge.cpu.x86.decode.Insn;

/** Control and debug registers, invalidation, HLT. */
final class ControlOps {
  private ControlOps() {}

  private static void requireCpl0(Cpu c) {
    if (c.cpl != 0) {
      throw c.generalProtection(0);
    }
  }

  static final class Hlt extends Op {
    @Override
    public Op exec(Cpu c) {
      requireCpl0(c);
      c.halted = true;
      // HLT is the instruction that STI's shadow protects: now interrupts may come.
      c.interruptShadow = false;
      return leave(c);
    }
  }

  /** MOV from a control register: 64 bits in 64-bit mode, else 32. */
  static final class ReadCr extends Op {
    private final byte register;
    private final byte dst;
    private final long mask;

    ReadCr(Insn insn) {
      this.register = (byte) insn.reg;
      this.dst = (byte) insn.rm;
      this.mask = insn.operandSize == 8 ? -1L : 0xFFFF_FFFFL;
    }

    @Override
    public Op exec(Cpu c) {
      boolean exists =
          switch (register) {
            case 0, 2, 3, 4, 8 -> true;
            default -> false;
          };
      if (!exists) {
        throw c.undefined();
      }
      requireCpl0(c);
      long value =
          switch (register) {
            case 0 -> c.cr0;
            case 2 -> c.cr2;
            case 3 -> c.cr3;
            case 4 -> c.cr4;
            default -> c.apic.cr8() & 0xF;
          };
      c.r[dst] = value & mask;
      return next;
    }
  }

  static final class WriteCr extends Op {
    private final byte register;
    private final byte src;
    private final long mask;

    WriteCr(Insn insn) {
      this.register = (byte) insn.reg;
      this.src = (byte) insn.rm;
      this.mask = insn.operandSize == 8 ? -1L : 0xFFFF_FFFFL;
    }

    @Override
    public Op exec(Cpu c) {
      switch (register) {
        case 0, 2, 3, 4, 8 -> requireCpl0(c);
        default -> throw c.undefined();
      }
      c.drainStores();
      long value = c.r[src] & mask;
      switch (register) {
        case 0 -> ControlRegisters.writeCr0(c, value);
        case 2 -> {
          c.cr2 = value;
          return next;
        }
        case 3 -> ControlRegisters.writeCr3(c, value);
        case 4 -> ControlRegisters.writeCr4(c, value);
        default -> ControlRegisters.writeCr8(c, value);
      }
      return leave(c);
    }
  }

  static final class ReadDr extends Op {
    private final byte register;
    private final byte dst;
    private final long mask;

    ReadDr(Insn insn) {
      this.register = (byte) insn.reg;
      this.dst = (byte) insn.rm;
      this.mask = insn.operandSize == 8 ? -1L : 0xFFFF_FFFFL;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = DebugRegisters.read(c, register) & mask;
      return next;
    }
  }

  static final class WriteDr extends Op {
    private final byte register;
    private final byte src;
    private final long mask;

    WriteDr(Insn insn) {
      this.register = (byte) insn.reg;
      this.src = (byte) insn.rm;
      this.mask = insn.operandSize == 8 ? -1L : 0xFFFF_FFFFL;
    }

    @Override
    public Op exec(Cpu c) {
      c.drainStores();
      DebugRegisters.write(c, register, c.r[src] & mask);
      return leave(c);
    }
  }

  static final class Clts extends Op {
    @Override
    public Op exec(Cpu c) {
      requireCpl0(c);
      ControlRegisters.clearTaskSwitched(c);
      return next;
    }
  }

  /** The operand is an address that is not accessed: no limit, right or page is checked. */
  static final class Invlpg extends MemOp {
    private final byte segment;

    Invlpg(Insn insn, int offset) {
      super(insn, offset);
      this.segment = MemOp.segment(insn);
    }

    @Override
    public Op exec(Cpu c) {
      requireCpl0(c);
      c.drainStores();
      ControlRegisters.invalidatePage(c, c.segBase[segment] + effectiveAddress(c));
      return leave(c);
    }
  }

  static final class Invpcid extends MemOp {
    private final byte type;
    private final long mask;

    Invpcid(Insn insn, int offset) {
      super(insn, offset);
      this.type = (byte) insn.reg;
      this.mask = insn.operandSize == 8 ? -1L : 0xFFFF_FFFFL;
    }

    @Override
    public Op exec(Cpu c) {
      requireCpl0(c);
      long gva = readAddress(c, 16);
      long low = c.mmu.read64(gva);
      long high = c.mmu.read64(gva + 8);
      c.drainStores();
      ControlRegisters.invalidatePcid(c, c.r[type] & mask, low, high);
      return leave(c);
    }
  }

  private static void requireXsave(Cpu c) {
    if ((c.cr4 & Cpu.CR4_OSXSAVE) == 0) {
      throw c.undefined();
    }
  }

  static final class Xgetbv extends Op {
    @Override
    public Op exec(Cpu c) {
      requireXsave(c);
      long inUse = ExtendedState.inUseForSoftware(c);
      long value = ControlRegisters.readXcr(c, (int) c.r[Cpu.RCX], inUse);
      c.r[Cpu.RAX] = value & 0xFFFF_FFFFL;
      c.r[Cpu.RDX] = value >>> 32;
      return next;
    }
  }

  static final class Xsetbv extends Op {
    @Override
    public Op exec(Cpu c) {
      requireXsave(c);
      requireCpl0(c);
      long value = c.r[Cpu.RAX] & 0xFFFF_FFFFL | c.r[Cpu.RDX] << 32;
      ControlRegisters.writeXcr(c, (int) c.r[Cpu.RCX], value);
      return next;
    }
  }

  /** WBINVD and INVD: there are no caches that memory could differ from. */
  static final class InvalidateCaches extends Op {
    @Override
    public Op exec(Cpu c) {
      requireCpl0(c);
      c.drainStores();
      return serialized(c);
    }
  }
}
