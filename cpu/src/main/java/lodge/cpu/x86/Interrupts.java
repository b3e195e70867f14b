package lodge.cpu.x86;

/**
 * Delivery of exceptions and interrupts in every mode (SDM volume 3, chapter 6; volume 2, INT n).
 *
 * <p>A fault while an event is delivered is handled here as 6.15 says: delivered in its turn, or
 * promoted to a double fault, or to a triple fault, which shuts the processor down.
 */
public final class Interrupts {
  /** Where an event comes from; it decides which checks apply and what EXT says. */
  public enum Source {
    /** A fault or trap that the processor found. */
    EXCEPTION,
    /** An external interrupt or NMI. */
    HARDWARE,
    /** INT n: gate DPL and, in virtual-8086 mode, IOPL and the redirection bitmap count. */
    SOFTWARE,
    /** INT3 and INTO: gate DPL counts. */
    SOFTWARE_EXCEPTION,
    /** INT1 (ICEBP): no privilege is checked. */
    PRIVILEGED;

    /** The gate's DPL has to allow it, and EXT is 0 in error codes. */
    boolean software() {
      return this == SOFTWARE || this == SOFTWARE_EXCEPTION;
    }
  }

  /** More faults in a row than any legal chain has; a guest that builds one shuts down. */
  private static final int MAX_NESTING = 8;

  private static final int CONTRIBUTORY =
      1 << Vector.DE | 1 << Vector.TS | 1 << Vector.NP | 1 << Vector.SS | 1 << Vector.GP | 1 << 21;

  private static final int ERROR_EXT = 1;
  private static final int ERROR_IDT = 2;

  private Interrupts() {}

  /**
   * Delivers an event; {@link Cpu#rip} is the RIP to push and afterwards that of the handler.
   *
   * @param errorCode to push, or {@link CpuException#NO_ERROR_CODE}
   * @return false after a triple fault, with {@link Cpu#shutdown} set
   */
  public static boolean deliver(Cpu c, int vector, int errorCode, Source source) {
    for (int nesting = 0; nesting < MAX_NESTING; nesting++) {
      try {
        attempt(c, vector, errorCode, source);
        return true;
      } catch (CpuException e) {
        int second = e.vector;
        int code = withExt(e, source);
        if (source == Source.EXCEPTION && doubles(vector, second)) {
          if (vector == Vector.DF) {
            break;
          }
          vector = Vector.DF;
          errorCode = 0;
        } else {
          vector = second;
          errorCode = code;
        }
        source = Source.EXCEPTION;
      }
    }
    c.shutdown = true;
    return false;
  }

  /**
   * INT n, INT3, INTO or INT1 as an instruction: {@link Cpu#rip} is the RIP of what follows.
   *
   * @throws CpuException a fault of this instruction, with nothing changed
   */
  public static void software(Cpu c, int vector, Source source) {
    try {
      attempt(c, vector, CpuException.NO_ERROR_CODE, source);
    } catch (CpuException e) {
      throw c.fault(e.vector, withExt(e, source));
    }
    if (source == Source.PRIVILEGED && c.pendingDebug != 0) {
      // INT1 right after MOV SS: its exception is that of the breakpoint which MOV SS hit.
      DebugRegisters.report(c, c.pendingDebug);
      c.pendingDebug = 0;
    }
  }

  /** Raises the debug trap that {@link Cpu#pendingDebug} announces; false after a triple fault. */
  public static boolean deliverPendingDebug(Cpu c) {
    int reasons = c.pendingDebug;
    if ((reasons & DebugRegisters.DR6_BS) == 0) {
      // The processors report a breakpoint at the next instruction together with that of the last
      // one's access, but not when they step.
      reasons |= breakpoints(c);
    }
    DebugRegisters.report(c, reasons);
    c.pendingDebug = 0;
    return deliver(c, Vector.DB, CpuException.NO_ERROR_CODE, Source.EXCEPTION);
  }

  /**
   * Raises the debug fault of an instruction breakpoint, if there is one at {@link Cpu#rip} and RF
   * does not suppress it. The pushed RF stays clear: the handler decides (SDM volume 3, 18.3.1.1).
   *
   * @return false when there is no breakpoint
   */
  public static boolean breakpoint(Cpu c) {
    int hits = breakpoints(c);
    if (hits == 0) {
      return false;
    }
    DebugRegisters.report(c, hits);
    deliver(c, Vector.DB, CpuException.NO_ERROR_CODE, Source.EXCEPTION);
    return true;
  }

  /** The instruction breakpoints at {@link Cpu#rip}, none while RF is set. */
  private static int breakpoints(Cpu c) {
    if (c.codeBreakpoints == 0 || (c.eflags & Flags.RF) != 0) {
      return 0;
    }
    return DebugRegisters.hitCode(c, c.linearRip());
  }

  /**
   * SDM volume 3, table 6-5: whether a second fault during delivery of a first makes a double (or
   * triple) fault.
   */
  private static boolean doubles(int first, int second) {
    boolean secondCounts = contributory(second) || second == Vector.PF;
    return switch (first) {
      case Vector.DF, Vector.PF -> secondCounts;
      default -> contributory(first) && contributory(second);
    };
  }

  private static boolean contributory(int vector) {
    return vector < 32 && (CONTRIBUTORY >> vector & 1) != 0;
  }

  private static int withExt(CpuException e, Source source) {
    boolean selectorCode = e.vector >= Vector.TS && e.vector <= Vector.GP;
    return selectorCode && !source.software() ? e.errorCode | ERROR_EXT : e.errorCode;
  }

  private static void attempt(Cpu c, int vector, int errorCode, Source source) {
    if (c.longModeActive()) {
      LongModeDelivery.deliver(c, vector, errorCode, source);
    } else if (!c.protectedMode()) {
      realMode(c, vector);
    } else if (source == Source.SOFTWARE && c.virtual8086() && virtual8086(c, vector)) {
      c.modeChanged();
    } else {
      ProtectedDelivery.deliver(c, vector, errorCode, source);
    }
    if (vector == Vector.DB && source != Source.SOFTWARE) {
      c.dr[7] &= ~DebugRegisters.DR7_GD;
      c.msrs.clearBtf();
    }
    if (vector == Vector.NMI && source == Source.HARDWARE) {
      c.nmiBlocked = true;
    }
    c.interruptShadow = false;
    c.halted = false;
    // TF was cleared on the way: whatever led here is not single-stepped (SDM volume 3, 18.3.1.4).
    c.steps = false;
  }

  /** Error code that names an IDT entry. */
  static int idtError(int vector) {
    return vector << 3 | ERROR_IDT;
  }

  /**
   * RFLAGS as they are pushed: faults push RF set so that the instruction restarts past its
   * breakpoint.
   */
  static int pushedFlags(Cpu c, int vector, Source source) {
    int flags = Flags.get(c);
    boolean fault =
        source == Source.EXCEPTION
            && vector != Vector.DB
            && vector != Vector.DF
            && vector != Vector.MC;
    return fault ? flags | Flags.RF : flags;
  }

  /** Pushes FLAGS, CS and IP and goes through the interrupt vector table (SDM volume 3, 20.1.4). */
  private static void realMode(Cpu c, int vector) {
    if (vector * 4 + 3 > c.idtLimit) {
      throw c.generalProtection(idtError(vector));
    }
    long entry = c.mmu.readSystem(c.linear(c.idtBase + vector * 4), 4);
    enter8086(c, entry, Flags.get(c));
    c.eflags &= ~(Flags.IF | Flags.TF | Flags.AC | Flags.RF);
    c.modeChanged();
  }

  /**
   * INT n in virtual-8086 mode (SDM volume 3, 20.3.3 and table 20-2).
   *
   * @return false when it goes through the protected-mode IDT
   */
  private static boolean virtual8086(Cpu c, int vector) {
    boolean iopl3 = c.iopl() == 3;
    if ((c.cr4 & Cpu.CR4_VME) == 0 || redirectionBit(c, vector)) {
      if (!iopl3) {
        throw c.generalProtection(0);
      }
      return false;
    }
    long entry = c.mmu.read(vector * 4, 4);
    int flags = Flags.get(c);
    if (iopl3) {
      enter8086(c, entry, flags);
      c.eflags &= ~(Flags.IF | Flags.TF | Flags.NT | Flags.RF);
    } else {
      int virtual = flags & ~Flags.IF | Flags.IOPL | ((flags & Flags.VIF) != 0 ? Flags.IF : 0);
      enter8086(c, entry, virtual);
      c.eflags &= ~(Flags.VIF | Flags.TF | Flags.NT | Flags.RF);
    }
    return true;
  }

  private static void enter8086(Cpu c, long entry, int flags) {
    long target = entry & 0xFFFF;
    if (target > c.segLimit[Cpu.CS]) {
      throw c.generalProtection(0);
    }
    StackFrame.poke(c, -2, 2, flags);
    StackFrame.poke(c, -4, 2, c.selector[Cpu.CS]);
    StackFrame.poke(c, -6, 2, c.rip);
    StackFrame.move(c, -6);
    int selector = (int) (entry >>> 16) & 0xFFFF;
    c.selector[Cpu.CS] = selector;
    c.segBase[Cpu.CS] = (long) selector << 4;
    c.rip = target;
  }

  /** The interrupt-redirection bit in the TSS. */
  private static boolean redirectionBit(Cpu c, int vector) {
    int type = c.segAccess[Cpu.TR] & Descriptor.TYPE;
    if ((type | 2) != Descriptor.TSS_32_BUSY || c.segLimit[Cpu.TR] < 0x67) {
      throw c.generalProtection(0);
    }
    long ioMap = c.mmu.readSystem(c.linear(c.segBase[Cpu.TR] + 0x66), 2);
    long at = ioMap - 32 + (vector >> 3);
    if (at < 0 || at > c.segLimit[Cpu.TR]) {
      throw c.generalProtection(0);
    }
    long bits = c.mmu.readSystem(c.linear(c.segBase[Cpu.TR] + at), 1);
    return (bits >> (vector & 7) & 1) != 0;
  }
}
