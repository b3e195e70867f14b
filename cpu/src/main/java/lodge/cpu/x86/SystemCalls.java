package lodge.cpu.x86;

/** SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS (SDM volume 2; volume 3, 5.8.7 and 5.8.8). */
public final class SystemCalls {
  private static final int CODE =
      0xB | Descriptor.NON_SYSTEM | Descriptor.PRESENT | Descriptor.GRANULARITY;
  private static final int CODE_64 = CODE | Descriptor.LONG;
  private static final int CODE_32 = CODE | Descriptor.DEFAULT_32;
  private static final int DATA =
      0x3
          | Descriptor.NON_SYSTEM
          | Descriptor.PRESENT
          | Descriptor.DEFAULT_32
          | Descriptor.GRANULARITY;
  private static final int DPL_3 = 3 << Descriptor.DPL_SHIFT;
  private static final long FLAT_LIMIT = 0xFFFF_FFFFL;
  private static final int SYSRET_FLAGS = 0x3C_7FD7;

  private SystemCalls() {}

  /**
   * SYSCALL in 64-bit mode; {@link Cpu#rip} is that of what follows, and afterwards the kernel's
   * entry.
   */
  public static void syscall(Cpu c) {
    if ((c.efer & Cpu.EFER_SCE) == 0 || !c.mode64()) {
      throw c.undefined();
    }
    Msrs msrs = c.msrs;
    int flags = Flags.get(c) & ~Flags.RF;
    c.r[Cpu.RCX] = c.rip;
    c.r[Cpu.R11] = flags;
    int selector = (int) (msrs.star >>> 32) & 0xFFFC;
    enter(c, selector, CODE_64);
    c.rip = msrs.lstar;
    Flags.set(c, flags & ~(int) msrs.fmask);
    // What counts is TF at the end.
    c.steps &= (c.eflags & Flags.TF) != 0;
    c.modeChanged();
  }

  /**
   * SYSRET.
   *
   * @param to64 REX.W: to 64-bit mode, else to compatibility mode
   */
  public static void sysret(Cpu c, boolean to64) {
    if ((c.efer & Cpu.EFER_SCE) == 0 || !c.mode64()) {
      throw c.undefined();
    }
    long target = c.r[Cpu.RCX];
    if (c.cpl != 0 || to64 && !c.canonical(target)) {
      throw c.generalProtection(0);
    }
    int base = (int) (c.msrs.star >>> 48);
    leave(c, to64 ? base + 16 : base, to64 ? CODE_64 : CODE_32, base + 8);
    c.rip = to64 ? target : target & 0xFFFF_FFFFL;
    Flags.set(c, (int) c.r[Cpu.R11] & SYSRET_FLAGS);
    // Unlike IRET, SYSRET is itself single-stepped when it sets TF.
    c.steps = false;
    if ((c.eflags & Flags.TF) != 0) {
      c.pendingDebug |= DebugRegisters.DR6_BS;
    }
    c.modeChanged();
  }

  /** SYSENTER in every mode but real mode. */
  public static void sysenter(Cpu c) {
    int selector = (int) c.msrs.sysenterCs & 0xFFFC;
    if (!c.protectedMode() || selector == 0) {
      throw c.generalProtection(0);
    }
    boolean longMode = c.longModeActive();
    c.eflags &= ~(Flags.VM | Flags.IF | Flags.RF);
    enter(c, selector, longMode ? CODE_64 : CODE_32);
    long mask = longMode ? -1L : 0xFFFF_FFFFL;
    c.r[Cpu.RSP] = c.msrs.sysenterEsp & mask;
    c.rip = c.msrs.sysenterEip & mask;
    c.modeChanged();
  }

  /**
   * SYSEXIT.
   *
   * @param to64 REX.W: to 64-bit mode
   */
  public static void sysexit(Cpu c, boolean to64) {
    int base = (int) c.msrs.sysenterCs & 0xFFFC;
    if (base == 0 || !c.protectedMode() || c.cpl != 0) {
      throw c.generalProtection(0);
    }
    long target = c.r[Cpu.RDX];
    long pointer = c.r[Cpu.RCX];
    if (to64 && (!c.canonical(target) || !c.canonical(pointer))) {
      throw c.generalProtection(0);
    }
    leave(c, base + (to64 ? 32 : 16), to64 ? CODE_64 : CODE_32, base + (to64 ? 40 : 24));
    c.rip = to64 ? target : target & 0xFFFF_FFFFL;
    c.r[Cpu.RSP] = to64 ? pointer : pointer & 0xFFFF_FFFFL;
    c.modeChanged();
  }

  /** SWAPGS in 64-bit mode. */
  public static void swapgs(Cpu c) {
    if (c.cpl != 0) {
      throw c.generalProtection(0);
    }
    long base = c.segBase[Cpu.GS];
    c.segBase[Cpu.GS] = c.msrs.kernelGsBase;
    c.msrs.kernelGsBase = base;
  }

  private static void enter(Cpu c, int codeSelector, int codeAccess) {
    flat(c, Cpu.CS, codeSelector, codeAccess);
    flat(c, Cpu.SS, codeSelector + 8, DATA);
    c.cpl = 0;
  }

  private static void leave(Cpu c, int codeSelector, int codeAccess, int stackSelector) {
    flat(c, Cpu.CS, codeSelector | 3, codeAccess | DPL_3);
    flat(c, Cpu.SS, stackSelector | 3, DATA | DPL_3);
    c.cpl = 3;
  }

  private static void flat(Cpu c, int segment, int selector, int access) {
    c.selector[segment] = selector & 0xFFFF;
    c.segBase[segment] = 0;
    c.segLimit[segment] = FLAT_LIMIT;
    c.segAccess[segment] = access;
  }
}
