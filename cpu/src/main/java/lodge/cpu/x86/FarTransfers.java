package lodge.cpu.x86;

/** Far JMP, CALL and RET (SDM volume 2; volume 3, 5.8 and 7.3). */
public final class FarTransfers {
  private FarTransfers() {}

  /**
   * Far JMP; {@link Cpu#rip} is that of what follows, and afterwards the target.
   *
   * @param offset cut to the operand size
   * @param size operand size in bytes: 2, 4 or 8
   */
  public static void jump(Cpu c, int selector, long offset, int size) {
    if (!c.protectedMode() || c.virtual8086()) {
      checkLimit(c, offset);
      enter8086(c, selector, offset);
      return;
    }
    long descriptor = target(c, selector);
    if (Descriptor.isCode(descriptor)) {
      checkDirect(c, selector, descriptor);
      offset = cut(c, descriptor, offset);
      Segmentation.checkTarget(c, descriptor, offset);
      enter(c, selector, descriptor, offset, c.cpl);
      return;
    }
    int type = Descriptor.systemType(descriptor);
    switch (type) {
      case Descriptor.CALL_GATE_16, Descriptor.CALL_GATE_32 -> {
        checkGate(c, selector, descriptor);
        int codeSelector = Descriptor.gateSelector(descriptor);
        long code = gateCode(c, codeSelector);
        int dpl = Descriptor.dplOf(code);
        if (!Descriptor.isConforming(code) && dpl != c.cpl) {
          throw c.generalProtection(DescriptorTables.errorCode(codeSelector));
        }
        long to = gateOffset(c, selector, descriptor);
        Segmentation.checkTarget(c, code, to);
        enter(c, codeSelector, code, to, c.cpl);
      }
      default -> task(c, selector, descriptor, TaskSwitch.Kind.JUMP);
    }
  }

  /** Far CALL; see {@link #jump}. */
  public static void call(Cpu c, int selector, long offset, int size) {
    if (!c.protectedMode() || c.virtual8086()) {
      checkLimit(c, offset);
      push(c, size);
      enter8086(c, selector, offset);
      return;
    }
    long descriptor = target(c, selector);
    if (Descriptor.isCode(descriptor)) {
      checkDirect(c, selector, descriptor);
      offset = cut(c, descriptor, offset);
      // The processors have written the return address when they check the target; RSP moves
      // afterwards. The stack is as wide as the target's.
      long mask = stackMask(c, descriptor);
      long pointer = c.r[Cpu.RSP];
      pushAt(c, pointer - size & mask, mask, size, c.selector[Cpu.CS]);
      pushAt(c, pointer - 2 * size & mask, mask, size, c.rip);
      Segmentation.checkTarget(c, descriptor, offset);
      StackFrame.set(c, mask, pointer - 2 * size);
      descriptor = DescriptorTables.markAccessed(c, selector, descriptor);
      enter(c, selector, descriptor, offset, c.cpl);
      return;
    }
    switch (Descriptor.systemType(descriptor)) {
      case Descriptor.CALL_GATE_16, Descriptor.CALL_GATE_32 -> callGate(c, selector, descriptor);
      default -> task(c, selector, descriptor, TaskSwitch.Kind.CALL);
    }
  }

  private static void checkLimit(Cpu c, long offset) {
    if (offset > c.segLimit[Cpu.CS]) {
      throw c.generalProtection(0);
    }
  }

  private static void enter8086(Cpu c, int selector, long offset) {
    c.selector[Cpu.CS] = selector;
    c.segBase[Cpu.CS] = (long) selector << 4;
    c.rip = offset;
    c.modeChanged();
  }

  private static void enter(Cpu c, int selector, long code, long offset, int cpl) {
    code = DescriptorTables.markAccessed(c, selector, code);
    Segmentation.installCode(c, selector, code, cpl);
    c.rip = offset;
    c.modeChanged();
  }

  /** Pushes CS and RIP on the current stack. */
  private static void push(Cpu c, int size) {
    StackFrame.poke(c, -size, size, c.selector[Cpu.CS]);
    StackFrame.poke(c, -2 * size, size, c.rip);
    StackFrame.move(c, -2L * size);
  }

  /** The part of RSP that counts for code of that segment. */
  private static long stackMask(Cpu c, long code) {
    if (c.longModeActive() && Descriptor.isLong(code)) {
      return -1L;
    }
    return (c.segAccess[Cpu.SS] & Descriptor.DEFAULT_32) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
  }

  private static void pushAt(Cpu c, long pointer, long mask, int size, long value) {
    if (mask == -1L) {
      if (!c.canonical(pointer) || !c.canonical(pointer + size - 1)) {
        throw c.fault(Vector.SS, 0);
      }
      c.mmu.write(pointer, size, value);
    } else {
      Segmentation.checkWrite(c, Cpu.SS, pointer, size);
      c.mmu.write(c.segBase[Cpu.SS] + pointer & 0xFFFF_FFFFL, size, value);
    }
  }

  /** The target as code of that segment sees it: only 64-bit code has more than 32 bits. */
  static long cut(Cpu c, long code, long offset) {
    return c.longModeActive() && Descriptor.isLong(code) ? offset : offset & 0xFFFF_FFFFL;
  }

  private static long target(Cpu c, int selector) {
    if (DescriptorTables.isNull(selector)) {
      throw c.generalProtection(0);
    }
    return DescriptorTables.read(c, selector, Vector.GP);
  }

  private static void checkDirect(Cpu c, int selector, long code) {
    int dpl = Descriptor.dplOf(code);
    boolean allowed =
        Descriptor.isConforming(code) ? dpl <= c.cpl : dpl == c.cpl && (selector & 3) <= c.cpl;
    boolean longAnd32 =
        c.longModeActive() && Descriptor.isLong(code) && Descriptor.isDefault32(code);
    if (!allowed || longAnd32) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(code)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
  }

  // ---------------------------------------------------------------- call gates

  private static void checkGate(Cpu c, int selector, long gate) {
    int dpl = Descriptor.dplOf(gate);
    boolean narrow = Descriptor.systemType(gate) == Descriptor.CALL_GATE_16;
    if (dpl < c.cpl || dpl < (selector & 3) || narrow && c.longModeActive()) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (c.longModeActive()
        && (DescriptorTables.readHigh(c, selector, Vector.GP) & 0x1F00_0000_0000L) != 0) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(gate)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
  }

  private static long gateOffset(Cpu c, int selector, long gate) {
    if (c.longModeActive()) {
      return Descriptor.gateOffset(gate) | DescriptorTables.readHigh(c, selector, Vector.GP) << 32;
    }
    boolean narrow = Descriptor.systemType(gate) == Descriptor.CALL_GATE_16;
    return narrow ? gate & 0xFFFF : Descriptor.gateOffset(gate);
  }

  private static long gateCode(Cpu c, int selector) {
    if (DescriptorTables.isNull(selector)) {
      throw c.generalProtection(0);
    }
    long code = DescriptorTables.read(c, selector, Vector.GP);
    boolean wrongMode =
        c.longModeActive() && (!Descriptor.isLong(code) || Descriptor.isDefault32(code));
    if (!Descriptor.isCode(code) || Descriptor.dplOf(code) > c.cpl || wrongMode) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(code)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    return code;
  }

  private static void callGate(Cpu c, int selector, long gate) {
    checkGate(c, selector, gate);
    int codeSelector = Descriptor.gateSelector(gate);
    long code = gateCode(c, codeSelector);
    long offset = gateOffset(c, selector, gate);
    int cpl = Descriptor.dplOf(code);
    if (Descriptor.isConforming(code) || cpl == c.cpl) {
      Segmentation.checkTarget(c, code, offset);
      code = DescriptorTables.markAccessed(c, codeSelector, code);
      // In long mode the handler is 64-bit code: the stack is used at its full width from the first
      // push on.
      if (c.longModeActive()) {
        long pointer = c.r[Cpu.RSP];
        requireStack(c, pointer, 16);
        c.mmu.write64(pointer - 8, c.selector[Cpu.CS]);
        c.mmu.write64(pointer - 16, c.rip);
        c.r[Cpu.RSP] = pointer - 16;
      } else {
        push(c, Descriptor.systemType(gate) == Descriptor.CALL_GATE_16 ? 2 : 4);
      }
      enter(c, codeSelector, code, offset, c.cpl);
    } else if (c.longModeActive()) {
      callInner64(c, codeSelector, code, offset, cpl);
    } else {
      callInner(c, gate, codeSelector, code, offset, cpl);
    }
  }

  private static void requireStack(Cpu c, long pointer, int bytes) {
    if (!c.canonical(pointer - bytes) || !c.canonical(pointer - 1)) {
      throw c.fault(Vector.SS, 0);
    }
  }

  private static void callInner64(Cpu c, int selector, long code, long offset, int cpl) {
    long pointer = LongModeDelivery.stackFromTss(c, 4 + 8 * cpl);
    requireStack(c, pointer, 32);
    Segmentation.checkTarget(c, code, offset);
    c.mmu.writeSystem(pointer - 8, 8, c.selector[Cpu.SS]);
    c.mmu.writeSystem(pointer - 16, 8, c.r[Cpu.RSP]);
    c.mmu.writeSystem(pointer - 24, 8, c.selector[Cpu.CS]);
    c.mmu.writeSystem(pointer - 32, 8, c.rip);
    code = DescriptorTables.markAccessed(c, selector, code);
    Segmentation.nullify(c, Cpu.SS, cpl);
    c.r[Cpu.RSP] = pointer - 32;
    enter(c, selector, code, offset, cpl);
  }

  private static void callInner(Cpu c, long gate, int selector, long code, long offset, int cpl) {
    int size = Descriptor.systemType(gate) == Descriptor.CALL_GATE_16 ? 2 : 4;
    int parameters = (int) (gate >>> 32) & 0x1F;
    long pointer = ProtectedDelivery.stackPointer(c, cpl);
    int stackSelector = ProtectedDelivery.stackSelector(c, cpl);
    if (DescriptorTables.isNull(stackSelector)) {
      throw c.fault(Vector.TS, 0);
    }
    long stack = Segmentation.stackDescriptor(c, stackSelector, cpl, Vector.TS);
    StackFrame.checkRoom(c, stack, stackSelector, pointer, (4 + parameters) * size);
    Segmentation.checkTarget(c, code, offset);
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.SS]);
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.r[Cpu.RSP]);
    for (int i = parameters - 1; i >= 0; i--) {
      pointer = StackFrame.pushInner(c, stack, pointer, size, StackFrame.peek(c, i * size, size));
    }
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.selector[Cpu.CS]);
    pointer = StackFrame.pushInner(c, stack, pointer, size, c.rip);
    code = DescriptorTables.markAccessed(c, selector, code);
    stack = DescriptorTables.markAccessed(c, stackSelector, stack);
    Segmentation.install(c, Cpu.SS, stackSelector, stack);
    StackFrame.set(c, StackFrame.maskOf(stack), pointer);
    enter(c, selector, code, offset, cpl);
  }

  // ---------------------------------------------------------------- tasks

  private static void task(Cpu c, int selector, long descriptor, TaskSwitch.Kind kind) {
    int dpl = Descriptor.dplOf(descriptor);
    int type = Descriptor.systemType(descriptor);
    boolean gate = type == Descriptor.TASK_GATE;
    boolean tss = type == Descriptor.TSS_16 || type == Descriptor.TSS_32;
    if (c.longModeActive() || !gate && !tss || dpl < c.cpl || dpl < (selector & 3)) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(descriptor)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    if (gate) {
      selector = Descriptor.gateSelector(descriptor);
      if ((selector & 4) != 0) {
        throw c.generalProtection(DescriptorTables.errorCode(selector));
      }
      descriptor = DescriptorTables.read(c, selector, Vector.GP);
      type = Descriptor.systemType(descriptor);
      if (type != Descriptor.TSS_16 && type != Descriptor.TSS_32) {
        throw c.generalProtection(DescriptorTables.errorCode(selector));
      }
      if (!Descriptor.present(descriptor)) {
        throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
      }
    } else if ((selector & 4) != 0) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    TaskSwitch.perform(c, selector, descriptor, kind);
  }

  // ---------------------------------------------------------------- RET

  /**
   * Far RET.
   *
   * @param size operand size in bytes: 2, 4 or 8
   * @param release bytes of parameters to drop from the stack (from both, with a return to an outer
   *     level)
   */
  public static void ret(Cpu c, int size, int release) {
    // The selector first, and no more of it than two bytes, as in the processors.
    int selector = (int) StackFrame.peek(c, size, 2);
    long offset = StackFrame.peek(c, 0, size);
    if (!c.protectedMode() || c.virtual8086()) {
      checkLimit(c, offset);
      StackFrame.move(c, 2L * size + release);
      enter8086(c, selector, offset);
      return;
    }
    long code = InterruptReturn.returnCode(c, selector);
    offset = cut(c, code, offset);
    int cpl = selector & 3;
    if (cpl == c.cpl) {
      Segmentation.checkTarget(c, code, offset);
      code = DescriptorTables.markAccessed(c, selector, code);
      StackFrame.move(c, 2L * size + release);
      Segmentation.installCode(c, selector, code, cpl);
    } else {
      long pointer = StackFrame.peek(c, 2 * size + release, size);
      int stackSelector = (int) StackFrame.peek(c, 3 * size + release, size) & 0xFFFF;
      InterruptReturn.returnOuter(c, selector, code, offset, stackSelector, pointer + release);
    }
    c.rip = offset;
    c.modeChanged();
  }
}
