package lodge.cpu.x86;

import lodge.cpu.x86.Interrupts.Source;

/**
 * Events in long mode: 16-byte gates, IST, and a frame that always holds SS:RSP (SDM volume 3,
 * 6.14).
 */
final class LongModeDelivery {
  private LongModeDelivery() {}

  static void deliver(Cpu c, int vector, int errorCode, Source source) {
    Mmu mmu = c.mmu;
    int index = vector << 4;
    if (index + 15 > c.idtLimit) {
      throw c.generalProtection(Interrupts.idtError(vector));
    }
    long gate = mmu.readSystem(c.idtBase + index, 8);
    int type = Descriptor.systemType(gate);
    if (type != Descriptor.INTERRUPT_GATE_32 && type != Descriptor.TRAP_GATE_32
        || source.software() && Descriptor.dplOf(gate) < c.cpl) {
      throw c.generalProtection(Interrupts.idtError(vector));
    }
    if (!Descriptor.present(gate)) {
      throw c.fault(Vector.NP, Interrupts.idtError(vector));
    }
    int selector = Descriptor.gateSelector(gate);
    long code = codeDescriptor(c, selector);
    int cpl = Descriptor.isConforming(code) ? c.cpl : Descriptor.dplOf(code);
    long target = Descriptor.gateOffset(gate) | mmu.readSystem(c.idtBase + index + 8, 8) << 32;
    int ist = (int) (gate >>> 32) & 7;
    boolean inner = cpl < c.cpl;
    long pointer;
    if (ist != 0) {
      pointer = stackFromTss(c, 0x1C + 8 * ist);
    } else if (inner) {
      pointer = stackFromTss(c, 4 + 8 * cpl);
    } else {
      pointer = c.r[Cpu.RSP];
    }
    pointer &= ~15L;
    boolean pushError = errorCode != CpuException.NO_ERROR_CODE;
    long bottom = pointer - (pushError ? 48 : 40);
    if (!c.canonical(bottom) || !c.canonical(pointer - 1)) {
      throw c.fault(Vector.SS, 0);
    }
    if (!c.canonical(target)) {
      throw c.generalProtection(0);
    }
    int flags = Interrupts.pushedFlags(c, vector, source);
    if (cpl == 3) {
      mmu.write64(pointer - 8, c.selector[Cpu.SS]);
      mmu.write64(pointer - 16, c.r[Cpu.RSP]);
      mmu.write64(pointer - 24, flags);
      mmu.write64(pointer - 32, c.selector[Cpu.CS]);
      mmu.write64(pointer - 40, c.rip);
      if (pushError) {
        mmu.write64(bottom, errorCode);
      }
    } else {
      mmu.writeSystem(pointer - 8, 8, c.selector[Cpu.SS]);
      mmu.writeSystem(pointer - 16, 8, c.r[Cpu.RSP]);
      mmu.writeSystem(pointer - 24, 8, flags);
      mmu.writeSystem(pointer - 32, 8, c.selector[Cpu.CS]);
      mmu.writeSystem(pointer - 40, 8, c.rip);
      if (pushError) {
        mmu.writeSystem(bottom, 8, errorCode);
      }
    }
    code = DescriptorTables.markAccessed(c, selector, code);
    if (inner) {
      Segmentation.nullify(c, Cpu.SS, cpl);
    }
    c.r[Cpu.RSP] = bottom;
    Segmentation.installCode(c, selector, code, cpl);
    c.rip = target;
    int cleared = Flags.TF | Flags.NT | Flags.RF | Flags.VM;
    c.eflags &= ~(type == Descriptor.INTERRUPT_GATE_32 ? cleared | Flags.IF : cleared);
    c.modeChanged();
  }

  private static long codeDescriptor(Cpu c, int selector) {
    if (DescriptorTables.isNull(selector)) {
      throw c.generalProtection(0);
    }
    long code = DescriptorTables.read(c, selector, Vector.GP);
    if (!Descriptor.isCode(code)
        || Descriptor.dplOf(code) > c.cpl
        || !Descriptor.isLong(code)
        || Descriptor.isDefault32(code)) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(code)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    return code;
  }

  /** RSP0 to RSP2 or IST1 to IST7. */
  static long stackFromTss(Cpu c, int offset) {
    if (offset + 7 > c.segLimit[Cpu.TR]) {
      throw c.fault(Vector.TS, DescriptorTables.errorCode(c.selector[Cpu.TR]));
    }
    return c.mmu.readSystem(c.segBase[Cpu.TR] + offset, 8);
  }
}
