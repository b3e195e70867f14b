package lodge.cpu.x86;

/** IRET, IRETD and IRETQ in all their forms (SDM volume 2, IRET). */
public final class InterruptReturn {
  /** What IRET may change at CPL 0 of the flags that only privileged code changes. */
  private static final int ALWAYS = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT;

  private static final int WIDE = Flags.RF | Flags.AC | Flags.ID;

  private InterruptReturn() {}

  /**
   * Executes IRET; {@link Cpu#rip} is that of what follows, for the task return, and afterwards
   * that of the target.
   *
   * @param size operand size in bytes: 2, 4 or 8
   */
  public static void execute(Cpu c, int size) {
    // Even an IRET that faults lets NMIs in again (SDM volume 3, 6.7.1).
    c.nmiBlocked = false;
    if (!c.protectedMode()) {
      real(c, size);
    } else if (c.virtual8086()) {
      virtual8086(c, size);
    } else if (c.mode64()) {
      longMode(c, size);
    } else if ((c.eflags & Flags.NT) != 0) {
      if (c.longModeActive()) {
        throw c.generalProtection(0);
      }
      taskReturn(c);
    } else {
      protectedMode(c, size);
    }
    // RF only matters while breakpoints are armed; otherwise the next instruction would clear it
    // unseen.
    if (c.codeBreakpoints == 0) {
      c.eflags &= ~Flags.RF;
    }
  }

  private static void real(Cpu c, int size) {
    long target = StackFrame.peek(c, 0, size);
    int selector = (int) StackFrame.peek(c, size, size) & 0xFFFF;
    int flags = (int) StackFrame.peek(c, 2 * size, size);
    if (target > c.segLimit[Cpu.CS]) {
      throw c.generalProtection(0);
    }
    StackFrame.move(c, 3L * size);
    load8086(c, selector, target);
    int writable = ALWAYS | Flags.IF | Flags.IOPL | (size == 4 ? WIDE : 0);
    merge(c, flags, writable);
    c.modeChanged();
  }

  private static void virtual8086(Cpu c, int size) {
    boolean iopl3 = c.iopl() == 3;
    if (!iopl3 && ((c.cr4 & Cpu.CR4_VME) == 0 || size != 2)) {
      throw c.generalProtection(0);
    }
    long target = StackFrame.peek(c, 0, size);
    int selector = (int) StackFrame.peek(c, size, size) & 0xFFFF;
    int flags = (int) StackFrame.peek(c, 2 * size, size);
    if (target > c.segLimit[Cpu.CS]) {
      throw c.generalProtection(0);
    }
    if (iopl3) {
      StackFrame.move(c, 3L * size);
      merge(c, flags, ALWAYS | Flags.IF | (size == 4 ? WIDE : 0));
    } else {
      boolean enable = (flags & Flags.IF) != 0;
      if ((flags & Flags.TF) != 0 || enable && (c.eflags & Flags.VIP) != 0) {
        throw c.generalProtection(0);
      }
      StackFrame.move(c, 3L * size);
      merge(c, flags, ALWAYS);
      c.eflags = enable ? c.eflags | Flags.VIF : c.eflags & ~Flags.VIF;
    }
    load8086(c, selector, target);
    c.modeChanged();
  }

  private static void load8086(Cpu c, int selector, long target) {
    c.selector[Cpu.CS] = selector;
    c.segBase[Cpu.CS] = (long) selector << 4;
    c.rip = target;
  }

  private static void taskReturn(Cpu c) {
    int selector = (int) c.mmu.readSystem(c.linear(c.segBase[Cpu.TR]), 2);
    if (DescriptorTables.isNull(selector) || (selector & 4) != 0) {
      throw c.fault(Vector.TS, DescriptorTables.errorCode(selector));
    }
    long tss = DescriptorTables.read(c, selector, Vector.TS);
    int type = Descriptor.systemType(tss);
    if (type != Descriptor.TSS_16_BUSY && type != Descriptor.TSS_32_BUSY) {
      throw c.fault(Vector.TS, DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(tss)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    TaskSwitch.perform(c, selector, tss, TaskSwitch.Kind.RETURN);
  }

  private static void protectedMode(Cpu c, int size) {
    int flags = (int) StackFrame.peek(c, 2 * size, size);
    int selector = (int) StackFrame.peek(c, size, 2);
    long target = StackFrame.peek(c, 0, size);
    if (size == 4 && (flags & Flags.VM) != 0 && c.cpl == 0 && !c.longModeActive()) {
      toVirtual8086(c, target, selector, flags);
      return;
    }
    long code = returnCode(c, selector);
    int cpl = selector & 3;
    int writable = writableFlags(c, size);
    if (cpl == c.cpl) {
      Segmentation.checkTarget(c, code, target);
      code = DescriptorTables.markAccessed(c, selector, code);
      StackFrame.move(c, 3L * size);
      Segmentation.installCode(c, selector, code, cpl);
    } else {
      long pointer = StackFrame.peek(c, 3 * size, size);
      int stackSelector = (int) StackFrame.peek(c, 4 * size, size) & 0xFFFF;
      returnOuter(c, selector, code, target, stackSelector, pointer);
    }
    c.rip = target;
    merge(c, flags, writable);
    c.modeChanged();
  }

  private static void toVirtual8086(Cpu c, long target, int selector, int flags) {
    long pointer = StackFrame.peek(c, 12, 4);
    int ss = (int) StackFrame.peek(c, 16, 4) & 0xFFFF;
    int es = (int) StackFrame.peek(c, 20, 4) & 0xFFFF;
    int ds = (int) StackFrame.peek(c, 24, 4) & 0xFFFF;
    int fs = (int) StackFrame.peek(c, 28, 4) & 0xFFFF;
    int gs = (int) StackFrame.peek(c, 32, 4) & 0xFFFF;
    if (target > 0xFFFF) {
      throw c.generalProtection(0);
    }
    Flags.set(c, flags);
    c.r[Cpu.RSP] = pointer;
    Segmentation.loadVirtual8086(c, Cpu.CS, selector);
    Segmentation.loadVirtual8086(c, Cpu.SS, ss);
    Segmentation.loadVirtual8086(c, Cpu.ES, es);
    Segmentation.loadVirtual8086(c, Cpu.DS, ds);
    Segmentation.loadVirtual8086(c, Cpu.FS, fs);
    Segmentation.loadVirtual8086(c, Cpu.GS, gs);
    c.rip = target;
    c.cpl = 3;
    c.modeChanged();
  }

  /** IRET in 64-bit mode: SS:RSP always comes back. */
  private static void longMode(Cpu c, int size) {
    if ((c.eflags & Flags.NT) != 0) {
      throw c.generalProtection(0);
    }
    // In the processors' order, which shows when several of these fault.
    int flags = (int) StackFrame.peek(c, 2 * size, size);
    int selector = (int) StackFrame.peek(c, size, 2);
    long target = StackFrame.peek(c, 0, size);
    long code = returnCode(c, selector);
    long pointer = StackFrame.peek(c, 3 * size, size);
    int stackSelector = (int) StackFrame.peek(c, 4 * size, 2);
    target = FarTransfers.cut(c, code, target);
    int writable = writableFlags(c, size);
    returnOuter(c, selector, code, target, stackSelector, pointer);
    c.rip = target;
    merge(c, flags, writable);
    c.modeChanged();
  }

  /** Checks the code segment that IRET or far RET returns to. */
  static long returnCode(Cpu c, int selector) {
    if (DescriptorTables.isNull(selector)) {
      throw c.generalProtection(0);
    }
    long code = DescriptorTables.read(c, selector, Vector.GP);
    int rpl = selector & 3;
    int dpl = Descriptor.dplOf(code);
    boolean level = Descriptor.isConforming(code) ? dpl <= rpl : dpl == rpl;
    boolean longAnd32 =
        c.longModeActive() && Descriptor.isLong(code) && Descriptor.isDefault32(code);
    if (!Descriptor.isCode(code) || rpl < c.cpl || !level || longAnd32) {
      throw c.generalProtection(DescriptorTables.errorCode(selector));
    }
    if (!Descriptor.present(code)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(selector));
    }
    return code;
  }

  /**
   * Loads CS and SS:RSP of a return to the level that the code selector's RPL names, and drops
   * inner data segments.
   */
  static void returnOuter(
      Cpu c, int selector, long code, long target, int stackSelector, long pointer) {
    int cpl = selector & 3;
    boolean to64 = c.longModeActive() && Descriptor.isLong(code);
    boolean nullStack = DescriptorTables.isNull(stackSelector);
    long stack = 0;
    if (nullStack) {
      if (!to64 || cpl == 3 || (stackSelector & 3) != cpl) {
        throw c.generalProtection(0);
      }
    } else {
      stack = Segmentation.stackDescriptor(c, stackSelector, cpl, Vector.GP);
    }
    Segmentation.checkTarget(c, code, target);
    if (!nullStack) {
      stack = DescriptorTables.markAccessed(c, stackSelector, stack);
    }
    code = DescriptorTables.markAccessed(c, selector, code);
    boolean outer = cpl > c.cpl;
    Segmentation.installCode(c, selector, code, cpl);
    if (nullStack) {
      Segmentation.nullify(c, Cpu.SS, stackSelector);
    } else {
      Segmentation.install(c, Cpu.SS, stackSelector, stack);
    }
    StackFrame.set(c, to64 ? -1L : StackFrame.maskOf(stack), pointer);
    if (outer) {
      Segmentation.dropInnerSegments(c);
    }
  }

  private static int writableFlags(Cpu c, int size) {
    int writable = ALWAYS;
    if (size != 2) {
      writable |= WIDE;
    }
    if (c.cpl <= c.iopl()) {
      writable |= Flags.IF;
    }
    if (c.cpl == 0) {
      writable |= Flags.IOPL;
      if (size != 2) {
        writable |= Flags.VIF | Flags.VIP;
      }
    }
    return writable;
  }

  private static void merge(Cpu c, int flags, int writable) {
    Flags.set(c, Flags.get(c) & ~writable | flags & writable);
  }
}
