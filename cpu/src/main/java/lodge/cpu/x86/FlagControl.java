package lodge.cpu.x86;

/**
 * PUSHF, POPF, CLI and STI where IOPL, virtual-8086 mode and virtual interrupts come in (SDM volume
 * 3, 20.2 to 20.4).
 */
public final class FlagControl {
  private static final int NEVER = Flags.VM | Flags.RF | Flags.VIF | Flags.VIP;

  /** What POPFQ writes at CPL 0 but the arithmetic flags. */
  private static final int SYSTEM_64 =
      Flags.TF | Flags.IF | Flags.DF | Flags.IOPL | Flags.NT | Flags.AC | Flags.ID;

  private FlagControl() {}

  /** What PUSHF pushes; #GP(0) where virtual-8086 mode forbids it. */
  public static long pushed(Cpu c, int size) {
    int flags = Flags.get(c) & ~(Flags.VM | Flags.RF);
    if (c.virtual8086() && c.iopl() != 3) {
      if ((c.cr4 & Cpu.CR4_VME) == 0 || size != 2) {
        throw c.generalProtection(0);
      }
      boolean enabled = (flags & Flags.VIF) != 0;
      flags = flags & ~Flags.IF | Flags.IOPL | (enabled ? Flags.IF : 0);
    }
    return flags;
  }

  /**
   * Sets RFLAGS as POPF does.
   *
   * @param value what was popped
   * @param size operand size in bytes
   * @throws CpuException #GP(0), with nothing changed
   */
  public static void pop(Cpu c, int value, int size) {
    int writable = size == 2 ? 0x7FD5 : 0x3F_7FD5 & ~NEVER;
    if (c.virtual8086() && c.iopl() != 3) {
      popVirtual(c, value, size);
      return;
    }
    if (c.cpl != 0) {
      writable &= ~Flags.IOPL;
      if (c.cpl > c.iopl()) {
        writable &= ~Flags.IF;
      }
    }
    int old = Flags.get(c);
    Flags.set(c, old & ~(writable | Flags.RF) | value & writable);
    if (((old ^ value) & writable & Flags.AC) != 0) {
      c.modeChanged();
    }
  }

  /**
   * POPFQ: as {@link #pop} with 64-bit operands, where virtual-8086 mode is out of the question.
   */
  public static void pop64(Cpu c, int value) {
    int old = c.eflags;
    int writable = SYSTEM_64;
    if (c.cpl != 0) {
      writable &= ~Flags.IOPL;
      if (c.cpl > c.iopl()) {
        writable &= ~Flags.IF;
      }
    }
    Flags.setArithmetic(c, value);
    c.eflags = old & ~(writable | Flags.RF) | value & writable;
    if (((old ^ value) & Flags.AC) != 0) {
      c.modeChanged();
    }
  }

  private static void popVirtual(Cpu c, int value, int size) {
    boolean enable = (value & Flags.IF) != 0;
    if ((c.cr4 & Cpu.CR4_VME) == 0
        || size != 2
        || (value & Flags.TF) != 0
        || enable && (c.eflags & Flags.VIP) != 0) {
      throw c.generalProtection(0);
    }
    int writable = 0x7FD5 & ~(Flags.IOPL | Flags.IF);
    int flags = Flags.get(c) & ~(writable | Flags.VIF | Flags.RF) | value & writable;
    Flags.set(c, enable ? flags | Flags.VIF : flags);
  }

  /** CLI. */
  public static void clearInterruptFlag(Cpu c) {
    if (c.cpl <= c.iopl()) {
      c.eflags &= ~Flags.IF;
    } else if (virtualInterrupts(c)) {
      c.eflags &= ~Flags.VIF;
    } else {
      throw c.generalProtection(0);
    }
  }

  /**
   * STI.
   *
   * @return whether IF was clear and is set now: then the next instruction runs before any
   *     interrupt
   */
  public static boolean setInterruptFlag(Cpu c) {
    if (c.cpl <= c.iopl()) {
      boolean was = (c.eflags & Flags.IF) != 0;
      c.eflags |= Flags.IF;
      return !was;
    }
    if (!virtualInterrupts(c) || (c.eflags & Flags.VIP) != 0) {
      throw c.generalProtection(0);
    }
    c.eflags |= Flags.VIF;
    return false;
  }

  /** Whether CLI and STI act on VIF when IOPL does not let them act on IF. */
  private static boolean virtualInterrupts(Cpu c) {
    return c.cpl == 3 && (c.cr4 & (c.virtual8086() ? Cpu.CR4_VME : Cpu.CR4_PVI)) != 0;
  }
}
