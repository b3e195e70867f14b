package lodge.cpu.x86;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.cpu.x86.vector.SimdFloat;
import lodge.cpu.x86.x87.X87;

/**
 * The state of one processor, laid out for the engines. It belongs to the vCPU's thread.
 *
 * <p>The six arithmetic flags are kept lazily in {@link #flagResult} and {@link #flagAux} (see
 * {@link Flags}); all others are in {@link #eflags}. While an engine executes instructions it keeps
 * its own position; {@link #rip} is true whenever control is outside of them: at exits, when faults
 * are delivered, and in instructions that say so.
 */
public final class Cpu {
  public static final int RAX = 0;
  public static final int RCX = 1;
  public static final int RDX = 2;
  public static final int RBX = 3;
  public static final int RSP = 4;
  public static final int RBP = 5;
  public static final int RSI = 6;
  public static final int RDI = 7;
  public static final int R11 = 11;

  /** Index into {@link #r} that always holds 0: an absent base or index register. */
  public static final int ZERO = 16;

  /**
   * Index into {@link #r} of the RIP of byte 0 of the code page being executed: the base of
   * RIP-relative addresses.
   */
  public static final int CODE_BASE = 17;

  public static final int ES = 0;
  public static final int CS = 1;
  public static final int SS = 2;
  public static final int DS = 3;
  public static final int FS = 4;
  public static final int GS = 5;
  public static final int LDTR = 6;
  public static final int TR = 7;

  /**
   * Index into {@link #segBase} that always holds 0: what ES, CS, SS and DS mean in 64-bit mode.
   */
  public static final int FLAT = 8;

  public static final int CR0_PE = 1;
  public static final int CR0_MP = 1 << 1;
  public static final int CR0_EM = 1 << 2;
  public static final int CR0_TS = 1 << 3;
  public static final int CR0_ET = 1 << 4;
  public static final int CR0_NE = 1 << 5;
  public static final int CR0_WP = 1 << 16;
  public static final int CR0_AM = 1 << 18;
  public static final int CR0_NW = 1 << 29;
  public static final int CR0_CD = 1 << 30;
  public static final int CR0_PG = 1 << 31;

  public static final int CR4_VME = 1;
  public static final int CR4_PVI = 1 << 1;
  public static final int CR4_TSD = 1 << 2;
  public static final int CR4_DE = 1 << 3;
  public static final int CR4_PSE = 1 << 4;
  public static final int CR4_PAE = 1 << 5;
  public static final int CR4_MCE = 1 << 6;
  public static final int CR4_PGE = 1 << 7;
  public static final int CR4_PCE = 1 << 8;
  public static final int CR4_OSFXSR = 1 << 9;
  public static final int CR4_OSXMMEXCPT = 1 << 10;
  public static final int CR4_UMIP = 1 << 11;
  public static final int CR4_LA57 = 1 << 12;
  public static final int CR4_FSGSBASE = 1 << 16;
  public static final int CR4_PCIDE = 1 << 17;
  public static final int CR4_OSXSAVE = 1 << 18;
  public static final int CR4_SMEP = 1 << 20;
  public static final int CR4_SMAP = 1 << 21;
  public static final int CR4_PKE = 1 << 22;

  /** XCR0: the state of SSE and that of AVX. */
  public static final int XCR0_YMM = 6;

  public static final int EFER_SCE = 1;
  public static final int EFER_LME = 1 << 8;
  public static final int EFER_LMA = 1 << 10;
  public static final int EFER_NXE = 1 << 11;

  /** RAX to R15, then {@link #ZERO} and {@link #CODE_BASE}. */
  public final long[] r = new long[18];

  public long rip;

  /** See {@link Flags}. */
  public long flagResult = 1;

  /** See {@link Flags}. */
  public long flagAux;

  /**
   * Only between two translated regions anything but {@link FlagState#READY}: what {@link
   * #flagResult}, {@link #flagAux} and {@link #flagB} stand for there.
   */
  public int flagKind;

  /** See {@link FlagState}. */
  public long flagB;

  /** RFLAGS without CF, PF, AF, ZF, SF and OF; bit 1 is set. */
  public int eflags = 2;

  /** Visible selectors: ES CS SS DS FS GS LDTR TR. */
  public final int[] selector = new int[8];

  /** Hidden part of the segment registers; {@link #FLAT} is the ninth base. */
  public final long[] segBase = new long[9];

  /** Last valid offset in bytes (granularity applied), unsigned 32-bit. */
  public final long[] segLimit = new long[8];

  /**
   * Bits 23:8 of the descriptor's second word, at bits 15:0; 0 with a null selector. See {@link
   * Descriptor}.
   */
  public final int[] segAccess = new int[8];

  public long gdtBase;
  public int gdtLimit;
  public long idtBase;
  public int idtLimit;

  public long cr0;
  public long cr2;
  public long cr3;
  public long cr4;
  public long efer;

  /** PAE paging outside long mode: the four page-directory-pointer entries, loaded with CR3. */
  public final long[] pdpte = new long[4];

  public long xcr0 = 1;
  public int pkru;
  public final long[] dr = new long[8];

  /** 0 to 3. */
  public int cpl;

  /** Operand size that the current code segment implies: 2, 4 or 8 (64-bit mode) bytes. */
  public int codeSize = 2;

  /** {@link #codeKey}: 64-bit code. */
  public static final int CODE_64 = 0;

  /** {@link #codeKey}: 32-bit code in a segment of base 0 and limit 4 GiB. */
  public static final int CODE_32_FLAT = 1;

  /** {@link #codeKey}: 32-bit code in any other segment. */
  public static final int CODE_32 = 2;

  /** {@link #codeKey}: 16-bit code. */
  public static final int CODE_16 = 3;

  /** How code has to be decoded now: one of the {@code CODE_} values. */
  public int codeKey = CODE_16;

  /** Index into {@link #xmm} of four lanes that belong to no register: a memory operand's place. */
  public static final int OPERAND = 64;

  /**
   * XMM0-15 (YMM0-15): register {@code i} has its 64-bit lanes at {@code 4*i}, lowest first. Then
   * the lanes at {@link #OPERAND}, which mean nothing between instructions.
   */
  public final long[] xmm = new long[68];

  public int mxcsr = 0x1F80;

  /** SSE instructions are available: CR0.EM and CR0.TS are clear, CR4.OSFXSR is set. */
  public boolean sseReady;

  /**
   * AVX instructions are available: protected mode other than virtual-8086, CR0.TS is clear,
   * CR4.OSXSAVE and the bits of SSE and AVX in {@link #xcr0} are set.
   */
  public boolean avxReady;

  /** Floating-point arithmetic under {@link #mxcsr}. */
  public final SimdFloat simd = new SimdFloat();

  public final X87 x87 = new X87();

  public final GuestMemory memory;
  public final PortBus ports;
  public final MmioBus mmio;
  public final Clock clock;
  public final Mmu mmu;
  public final ApicPort apic;
  public final Msrs msrs;

  /** What it shares with its guest as KVM does. */
  public final Paravirtual paravirtual;

  public final CpuModel model;

  /** What the processor was born with: {@code r[RDX]} after reset and CPUID say so too. */
  public final int apicId;

  /** Interrupts and single-step wait for one more instruction (STI, MOV SS, POP SS). */
  public boolean interruptShadow;

  /** MOV SS or POP SS was executed: debug exceptions wait for one more instruction. */
  public boolean debugShadow;

  /**
   * TF was set when the instruction began: when it is done there is a single-step trap, even if TF
   * is clear by then. Instructions that are not single-stepped take this back.
   */
  public boolean steps;

  /** Repeated string instructions stop after each repetition: somebody looks in between. */
  public boolean single;

  /**
   * Executions of ops, since the run loop has cleared it, that left a repeated string instruction
   * to be gone on with: an instruction is counted when it is done.
   */
  public int unfinished;

  /** HLT was executed. */
  public boolean halted;

  /**
   * Somebody kicked: the engine looks around at the next block end. Read it with plain accesses in
   * hot loops.
   */
  public volatile boolean attention;

  /** How often code that was decoded for this processor was overwritten, by whomever. */
  public long codeInvalidations;

  /** The last look at the APIC found an interrupt; it waits for IF or for the shadow to end. */
  public boolean interruptPending;

  /** A triple fault happened: the run loop ends until the next reset. */
  public boolean shutdown;

  /** An NMI is being handled: others wait for the next IRET. */
  public boolean nmiBlocked;

  /** NMIs that came and were not delivered yet: 0 to 2, while one is being handled at most 1. */
  public int pendingNmis;

  /**
   * DR6 bits of a debug trap to deliver before the next instruction (or, after MOV SS or POP SS,
   * the one behind it); 0 when there is none.
   */
  public int pendingDebug;

  /** Which of the four breakpoints are armed for instructions: bits 3:0, derived from DR7. */
  public int codeBreakpoints;

  /**
   * Which of the four breakpoints are armed for data: bits 3:0, derived from DR7; and {@link
   * HostDebug#WATCHES}.
   */
  public int dataBreakpoints;

  /** Which of the four breakpoints are armed for I/O ports: bits 3:0, derived from DR7 and CR4. */
  public int ioBreakpoints;

  /** What a debugger outside of the guest wants. */
  public final HostDebug debug = new HostDebug(this);

  /** What address line 20 is wired to; see {@link #setA20}. */
  private volatile boolean a20 = true;

  private final CpuException exception = new CpuException();

  public Cpu(
      int apicId,
      CpuModel model,
      GuestMemory memory,
      PortBus ports,
      MmioBus mmio,
      Clock clock,
      ApicPort apic) {
    this.apicId = apicId;
    this.model = model;
    this.memory = memory;
    this.ports = ports;
    this.mmio = mmio;
    this.clock = clock;
    this.apic = apic;
    this.mmu = new Mmu(this, memory, mmio);
    this.msrs = new Msrs(this);
    this.paravirtual = new Paravirtual(this);
    reset();
  }

  /** The state after RESET# (SDM volume 3, 10.1.1). */
  public void reset() {
    cr0 = CR0_CD | CR0_NW;
    xcr0 = 1;
    pkru = 0;
    Arrays.fill(xmm, 0);
    mxcsr = 0x1F80;
    x87.reset();
    msrs.reset();
    init();
  }

  /**
   * The state after INIT (SDM volume 3, table 10-1): as after RESET#, but caching, extended state,
   * time-stamp counter and the MSRs keep theirs.
   */
  public void init() {
    Arrays.fill(r, 0);
    r[RDX] = model.signature();
    rip = 0xFFF0;
    eflags = 2;
    flagResult = 1;
    flagAux = 0;
    flagKind = FlagState.READY;
    for (int i = 0; i < 8; i++) {
      selector[i] = 0;
      segBase[i] = 0;
      segLimit[i] = 0xFFFF;
      segAccess[i] = i == LDTR ? 0x82 : i == TR ? 0x8B : 0x93;
    }
    selector[CS] = 0xF000;
    segBase[CS] = 0xFFFF_0000L;
    gdtBase = 0;
    gdtLimit = 0xFFFF;
    idtBase = 0;
    idtLimit = 0xFFFF;
    cr0 = cr0 & (CR0_CD | CR0_NW) | CR0_ET;
    cr2 = 0;
    cr3 = 0;
    cr4 = 0;
    efer = 0;
    Arrays.fill(pdpte, 0);
    Arrays.fill(dr, 0);
    dr[6] = 0xFFFF_0FF0L;
    dr[7] = 0x400;
    interruptShadow = false;
    halted = false;
    shutdown = false;
    nmiBlocked = false;
    pendingNmis = 0;
    pendingDebug = 0;
    debugShadow = false;
    interruptPending = false;
    paravirtual.reset();
    DebugRegisters.armed(this);
    modeChanged();
    mmu.flushAll();
  }

  /**
   * Where an application processor starts when it has had INIT: in real mode at the page that the
   * start-up message names (SDM volume 3, 9.4.3).
   *
   * @param vector 0 to 0xFF
   */
  public void startup(int vector) {
    selector[CS] = vector << 8;
    segBase[CS] = (long) vector << 12;
    rip = 0;
    modeChanged();
  }

  /**
   * To be called after any change of CS, CPL, CR0, CR4, EFER, RFLAGS.VM or RFLAGS.AC: derives
   * {@link #cpl}, {@link #codeSize} and the access rights that the MMU applies. Does not flush
   * translations.
   */
  public void modeChanged() {
    if (!protectedMode()) {
      cpl = 0;
    } else if ((eflags & Flags.VM) != 0) {
      cpl = 3;
    }
    if (longModeActive() && (segAccess[CS] & Descriptor.LONG) != 0) {
      codeSize = 8;
    } else {
      codeSize = (segAccess[CS] & Descriptor.DEFAULT_32) != 0 ? 4 : 2;
    }
    if (codeSize == 4) {
      codeKey = segBase[CS] == 0 && segLimit[CS] == 0xFFFF_FFFFL ? CODE_32_FLAT : CODE_32;
    } else {
      codeKey = codeSize == 8 ? CODE_64 : CODE_16;
    }
    vectorsChanged();
    mmu.selectRights();
  }

  /**
   * To be called after a change of RFLAGS.AC alone, in protected mode: see {@link #modeChanged}.
   */
  public void alignmentFlagChanged() {
    mmu.selectRights();
  }

  /**
   * To be called after any change of CR0, CR4, XCR0 or RFLAGS.VM: derives {@link #sseReady} and
   * {@link #avxReady}. Part of {@link #modeChanged}.
   */
  public void vectorsChanged() {
    sseReady = (cr0 & (CR0_EM | CR0_TS)) == 0 && (cr4 & CR4_OSFXSR) != 0;
    avxReady = (cr0 & CR0_TS) == 0 && avxEnabled();
  }

  /** Mode and control registers allow AVX, leaving CR0.TS aside (SDM volume 2, table 2-18). */
  public boolean avxEnabled() {
    return vexAllowed() && (cr4 & CR4_OSXSAVE) != 0 && (xcr0 & XCR0_YMM) == XCR0_YMM;
  }

  /** The mode knows VEX prefixes: neither real nor virtual-8086 mode. */
  public boolean vexAllowed() {
    return protectedMode() && !virtual8086();
  }

  public boolean protectedMode() {
    return (cr0 & CR0_PE) != 0;
  }

  public boolean virtual8086() {
    return (eflags & Flags.VM) != 0;
  }

  public boolean longModeActive() {
    return (efer & EFER_LMA) != 0;
  }

  /** Whether the current code is 64-bit code. */
  public boolean mode64() {
    return codeSize == 8;
  }

  /**
   * Whether {@code address} is canonical under the current paging mode (48 or, with CR4.LA57, 57
   * bits).
   */
  public boolean canonical(long address) {
    int unused = (cr4 & CR4_LA57) != 0 ? 7 : 16;
    return address << unused >> unused == address;
  }

  /**
   * Whether {@code address} may go into a base register (GDTR, FS base MSR, ...): canonical for the
   * widest paging mode that the model has, whatever the current one is.
   */
  public boolean canonicalBase(long address) {
    int unused = model.has(Feature.LA57) ? 7 : 16;
    return address << unused >> unused == address;
  }

  /** A linear address, cut to 32 bits outside long mode. */
  public long linear(long address) {
    return longModeActive() ? address : address & 0xFFFF_FFFFL;
  }

  /** The linear address of the instruction at {@link #rip}. */
  public long linearRip() {
    return mode64() ? rip : segBase[CS] + rip & 0xFFFF_FFFFL;
  }

  /** I/O privilege level, 0 to 3. */
  public int iopl() {
    return eflags >> 12 & 3;
  }

  /**
   * Time-stamp counter: one tick a nanosecond of the machine's clock unless the engine's has
   * another pace, plus what the guest wrote.
   */
  public long tsc() {
    return msrs.tsc();
  }

  /** The engine's kick; any thread. */
  public void kick() {
    attention = true;
  }

  /**
   * The A20 gate opens or closes; any thread. The processor takes notice before its next
   * instruction if it asked for that itself, otherwise soon.
   */
  public void setA20(boolean open) {
    if (open != a20) {
      a20 = open;
      attention = true;
    }
  }

  /**
   * To be called by the run loop when {@link #attention} was set: sees what there is to act upon.
   */
  public void look() {
    attention = false;
    mmu.setA20(a20);
    while (apic.takeNmi()) {
      // While one is handled, one more is remembered; before that, the one that is about to be
      // handled and another one.
      pendingNmis = Math.min(pendingNmis + 1, nmiBlocked ? 1 : 2);
    }
    interruptPending = apic.pending();
  }

  /**
   * What serializing and I/O instructions do to memory: all stores before them are seen by others
   * before anything after them is done (SDM volume 3, 10.3). With one processor there are no
   * others.
   */
  public void drainStores() {
    if (!mmu.codeWatch().single()) {
      VarHandle.fullFence();
    }
  }

  /** A fault or trap to throw: {@code throw cpu.fault(Vector.GP, 0)}. */
  public CpuException fault(int vector, int errorCode) {
    exception.vector = vector;
    exception.errorCode = errorCode;
    exception.nonCanonical = false;
    return exception;
  }

  /**
   * A memory access at a non-canonical address: #GP(0), or #SS(0) if the instruction says that it
   * is the stack.
   */
  CpuException nonCanonical() {
    fault(Vector.GP, 0);
    exception.nonCanonical = true;
    return exception;
  }

  /** See {@link CpuException#ALONE}. */
  CpuException alone() {
    return fault(CpuException.ALONE, 0);
  }

  /** A fault without error code. */
  public CpuException fault(int vector) {
    return fault(vector, CpuException.NO_ERROR_CODE);
  }

  public CpuException undefined() {
    return fault(Vector.UD);
  }

  public CpuException generalProtection(int errorCode) {
    return fault(Vector.GP, errorCode);
  }
}
