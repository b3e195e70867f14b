package lodge.cpu.x86;

import lodge.cpu.x86.Interrupts.Source;

/**
 * Events in protected and virtual-8086 mode: 16- and 32-bit interrupt and trap gates, task gates
 * (SDM volume 3, 6.12).
 */
final class ProtectedDelivery {
  private ProtectedDelivery() {}

  static void deliver(Cpu c, int vector, int errorCode, Source source) {
    int index = vector << 3;
    if (index + 7 > c.idtLimit) {
      throw c.generalProtection(Interrupts.idtError(vector));
    }
    long gate = c.mmu.readSystem(c.linear(c.idtBase + index), 8);
    int type = Descriptor.systemType(gate);
    boolean known =
        switch (type) {
          case Descriptor.TASK_GATE,
              Descriptor.INTERRUPT_GATE_16,
              Descriptor.TRAP_GATE_16,
              Descriptor.INTERRUPT_GATE_32,
              Descriptor.TRAP_GATE_32 ->
              true;
          default -> false;
        };
    if (!known || source.software() && Descriptor.dplOf(gate) < c.cpl) {
      throw c.generalProtection(Interrupts.idtError(vector));
    }
    if (!Descriptor.present(gate)) {
      throw c.fault(Vector.NP, Interrupts.idtError(vector));
    }
    if (type == Descriptor.TASK_GATE) {
      taskGate(c, gate, errorCode, Interrupts.pushedFlags(c, vector, source));
      return;
    }
    int selector = Descriptor.gateSelector(gate);
    long code = codeDescriptor(c, selector);
    int size = (type & 8) != 0 ? 4 : 2;
    long target = size == 4 ? Descriptor.gateOffset(gate) : gate & 0xFFFF;
    int dpl = Descriptor.dplOf(code);
    boolean conforming = Descriptor.isConforming(code);
    if (c.virtual8086() && (conforming || dpl != 0)) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    int flags = Interrupts.pushedFlags(c, vector, source);
    if (!conforming && dpl < c.cpl) {
      inner(c, selector, code, target, size, flags, errorCode);
    } else {
      same(c, selector, code, target, size, flags, errorCode);
    }
    int cleared = Flags.TF | Flags.NT | Flags.RF | Flags.VM;
    c.eflags &= ~((type & 1) == 0 ? cleared | Flags.IF : cleared);
    c.modeChanged();
  }

  private static long codeDescriptor(Cpu c, int selector) {
    if (DescriptorTables.isNull(selector)) {
      throw c.generalProtection(0);
    }
    long code = DescriptorTables.read(c, selector, Vector.GP);
    if (!Descriptor.isCode(code) || Descriptor.dplOf(code) > c.cpl) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(code)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    return code;
  }

  private static void same(
      Cpu c, int selector, long code, long target, int size, int flags, int errorCode) {
    int bytes = errorCode != CpuException.NO_ERROR_CODE ? 4 * size : 3 * size;
    Segmentation.checkTarget(c, code, target);
    StackFrame.poke(c, -size, size, flags);
    StackFrame.poke(c, -2 * size, size, c.selector[Cpu.CS]);
    StackFrame.poke(c, -3 * size, size, c.rip);
    if (errorCode != CpuException.NO_ERROR_CODE) {
      StackFrame.poke(c, -bytes, size, errorCode);
    }
    code = DescriptorTables.markAccessed(c, selector, code);
    StackFrame.move(c, -bytes);
    Segmentation.installCode(c, selector, code, c.cpl);
    c.rip = target;
  }

  private static void inner(
      Cpu c, int selector, long code, long target, int size, int flags, int errorCode) {
    int cpl = Descriptor.dplOf(code);
    long pointer = stackPointer(c, cpl);
    int stackSelector = stackSelector(c, cpl);
    if (DescriptorTables.isNull(stackSelector)) {
      throw c.fault(Vector.TS, 0);
    }
    long stack = Segmentation.stackDescriptor(c, stackSelector, cpl, Vector.TS);
    boolean fromVirtual = c.virtual8086();
    int words = (fromVirtual ? 9 : 5) + (errorCode != CpuException.NO_ERROR_CODE ? 1 : 0);
    StackFrame.checkRoom(c, stack, stackSelector, pointer, words * size);
    Segmentation.checkTarget(c, code, target);
    if (fromVirtual) {
      pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.GS]);
      pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.FS]);
      pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.DS]);
      pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.ES]);
    }
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.SS]);
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.r[Cpu.RSP]);
    pointer = StackFrame.pushInner(c, stack, pointer, size, flags);
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.CS]);
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.rip);
    if (errorCode != CpuException.NO_ERROR_CODE) {
      pointer = StackFrame.pushInner(c, stack, pointer, size, errorCode);
    }
    code = DescriptorTables.markAccessed(c, selector, code);
    stack = DescriptorTables.markAccessed(c, stackSelector, stack);
    if (fromVirtual) {
      Segmentation.nullify(c, Cpu.GS, 0);
      Segmentation.nullify(c, Cpu.FS, 0);
      Segmentation.nullify(c, Cpu.DS, 0);
      Segmentation.nullify(c, Cpu.ES, 0);
    }
    Segmentation.installCode(c, selector, code, cpl);
    Segmentation.install(c, Cpu.SS, stackSelector, stack);
    StackFrame.set(c, StackFrame.maskOf(stack), pointer);
    c.rip = target;
  }

  /** SP0 to SP2 or ESP0 to ESP2 of the current TSS; checks that the whole pair is inside. */
  static long stackPointer(Cpu c, int cpl) {
    boolean wide = wideTss(c);
    int offset = wide ? 8 * cpl + 4 : 4 * cpl + 2;
    if (offset + (wide ? 5 : 3) > c.segLimit[Cpu.TR]) {
      throw c.fault(Vector.TS, DescriptorTables.errorCode(c.selector[Cpu.TR]));
    }
    return c.mmu.readSystem(c.linear(c.segBase[Cpu.TR] + offset), wide ? 4 : 2);
  }

  /** SS0 to SS2 of the current TSS, after {@link #stackPointer}. */
  static int stackSelector(Cpu c, int cpl) {
    int offset = wideTss(c) ? 8 * cpl + 8 : 4 * cpl + 4;
    return (int) c.mmu.readSystem(c.linear(c.segBase[Cpu.TR] + offset), 2);
  }

  static boolean wideTss(Cpu c) {
    return (c.segAccess[Cpu.TR] & 8) != 0;
  }

  private static void taskGate(Cpu c, long gate, int errorCode, int flags) {
    int selector = Descriptor.gateSelector(gate);
    if ((selector & 4) != 0) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    long tss = DescriptorTables.read(c, selector, Vector.GP);
    int type = Descriptor.systemType(tss);
    if (type != Descriptor.TSS_16 && type != Descriptor.TSS_32) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(tss)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    TaskSwitch.enter(c, selector, tss, TaskSwitch.Kind.CALL, flags);
    if (errorCode != CpuException.NO_ERROR_CODE) {
      int size = wideTss(c) ? 4 : 2;
      StackFrame.poke(c, -size, size, errorCode);
      StackFrame.move(c, -size);
    }
  }
}
