package lodge.cpu.x86.x87;

import java.util.Arrays;
import lodge.core.InterruptLine;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Mmu;
import lodge.cpu.x86.Vector;

/**
 * x87 state (SDM volume 1, chapter 8), also the home of the MMX registers.
 *
 * <p>Physical register {@code i} is {@code significand[i]} and {@code signExponent[i]} (sign at bit
 * 15). ST(i) is physical register {@code (top + i) & 7}; MMi is the significand of physical
 * register {@code i}.
 */
public final class X87 {
  /** Status word: exception flags. The control word has their masks at the same places. */
  public static final int IE = 1;

  public static final int DE = 1 << 1;
  public static final int ZE = 1 << 2;
  public static final int OE = 1 << 3;
  public static final int UE = 1 << 4;
  public static final int PE = 1 << 5;

  /** Status word: the invalid operation was a stack fault. */
  public static final int SF = 1 << 6;

  /** Status word: an unmasked exception is pending. */
  public static final int ES = 1 << 7;

  public static final int C0 = 1 << 8;
  public static final int C1 = 1 << 9;
  public static final int C2 = 1 << 10;
  public static final int C3 = 1 << 14;

  /** Status word: busy, which has mirrored {@link #ES} since the 80287. */
  public static final int BUSY = 1 << 15;

  static final int EXCEPTIONS = 0x3F;
  static final int CONDITIONS = C0 | C1 | C2 | C3;
  private static final int TOP = 7 << 11;

  /** After FINIT, and XSAVE's initial state: all exceptions masked, nearest, 64-bit precision. */
  public static final int INITIAL_CONTROL = 0x37F;

  private static final int CONTROL_WRITABLE = 0x1F3F;
  private static final int CONTROL_FIXED = 0x40;

  public final long[] significand = new long[8];
  public final int[] signExponent = new int[8];

  /** Control word. */
  public int control;

  /** Status word without its TOP field, which {@link #top} holds. */
  public int status;

  public int top;

  /** Bit i: physical register i is not empty. */
  public int valid;

  /** Last instruction: opcode (11 bits), code pointer, data pointer. */
  public int lastOpcode;

  public long lastRip;
  public long lastDataPointer;

  /** FERR#, which reports a pending exception to the outside while CR0.NE is 0 (IRQ 13 on a PC). */
  public InterruptLine ferr = level -> {};

  /** Where operations leave their results. */
  public final ExtFloat number = new ExtFloat();

  final Transcendentals transcendentals = new Transcendentals();
  final Circular circular = new Circular();

  /** After RESET# (which differs from FINIT). */
  public void reset() {
    Arrays.fill(significand, 0);
    Arrays.fill(signExponent, 0);
    clearExceptions();
    control = 0x40;
    status = 0;
    top = 0;
    valid = 0xFF;
    clearPointers();
  }

  /** FNINIT: registers keep their contents but are all empty. */
  public void init() {
    clearExceptions();
    control = INITIAL_CONTROL;
    status = 0;
    top = 0;
    valid = 0;
    clearPointers();
  }

  /** XRSTOR's initial configuration (SDM volume 1, 13.6): FNINIT and all registers 0. */
  public void initForXrstor() {
    Arrays.fill(significand, 0);
    Arrays.fill(signExponent, 0);
    init();
  }

  /** XINUSE[0] (SDM volume 1, 13.6): whether anything differs from {@link #initForXrstor}. */
  public boolean inUse() {
    if (control != INITIAL_CONTROL || status != 0 || top != 0 || valid != 0) {
      return true;
    }
    long any = lastOpcode | lastRip | lastDataPointer;
    for (int i = 0; i < 8; i++) {
      any |= significand[i] | signExponent[i];
    }
    return any != 0;
  }

  private void clearPointers() {
    lastOpcode = 0;
    lastRip = 0;
    lastDataPointer = 0;
  }

  /** The control word as FNSTCW stores it. */
  public int controlWord() {
    return control;
  }

  /** FLDCW: unknown bits are dropped, and pending exceptions found anew under the new masks. */
  public void setControlWord(int word) {
    control = word & CONTROL_WRITABLE | CONTROL_FIXED;
    updateSummary();
  }

  /** The status word with TOP as FNSTSW stores it. */
  public int statusWord() {
    return status | top << 11;
  }

  /**
   * Sets the status word and TOP; ES and B follow from the exception flags and the control word's
   * masks.
   */
  public void setStatusWord(int word) {
    top = word >> 11 & 7;
    status = word & 0xFFFF & ~TOP;
    updateSummary();
  }

  /** The abridged tags of FXSAVE: bit i set when physical register i is not empty. */
  public int fxsaveTags() {
    return valid;
  }

  /**
   * @param tags bit i set when physical register i is not empty
   */
  public void setFxsaveTags(int tags) {
    valid = tags & 0xFF;
  }

  void updateSummary() {
    if ((status & ~control & EXCEPTIONS) != 0) {
      status |= ES | BUSY;
    } else if ((status & ES) != 0) {
      status &= ~(ES | BUSY);
      ferr.set(false);
    } else {
      status &= ~BUSY;
    }
  }

  /** FNCLEX. */
  public void clearExceptions() {
    status &= ~(EXCEPTIONS | SF);
    updateSummary();
  }

  /** FNSTENV masks all exceptions once it has stored. */
  void maskAll() {
    control |= EXCEPTIONS;
    updateSummary();
  }

  /**
   * What comes before each MMX instruction but EMMS has the same checks: #UD with CR0.EM, #NM with
   * CR0.TS, #MF with a pending x87 exception.
   */
  public void checkMmx(Cpu c) {
    if ((c.cr0 & (Cpu.CR0_EM | Cpu.CR0_TS)) != 0) {
      throw c.fault((c.cr0 & Cpu.CR0_EM) != 0 ? Vector.UD : Vector.NM);
    }
    checkPending(c);
  }

  /**
   * What comes before each waiting x87 instruction: #NM with CR0.EM or CR0.TS, #MF with a pending
   * exception.
   */
  public void check(Cpu c) {
    if ((c.cr0 & (Cpu.CR0_EM | Cpu.CR0_TS)) != 0) {
      throw c.fault(Vector.NM);
    }
    if ((status & ES) != 0) {
      checkPending(c);
    }
  }

  /** What comes before the control instructions that do not wait: #NM alone. */
  public void checkAvailable(Cpu c) {
    if ((c.cr0 & (Cpu.CR0_EM | Cpu.CR0_TS)) != 0) {
      throw c.fault(Vector.NM);
    }
  }

  /**
   * Raises #MF when an unmasked exception is pending. With CR0.NE clear it asserts FERR# instead
   * and lets the instruction proceed.
   */
  public void checkPending(Cpu c) {
    if ((status & ES) != 0) {
      if ((c.cr0 & Cpu.CR0_NE) != 0) {
        throw c.fault(Vector.MF);
      }
      ferr.set(true);
    }
  }

  // The register stack.

  /** Whether ST(i) is empty. */
  public boolean empty(int i) {
    return (valid >> (top + i & 7) & 1) == 0;
  }

  /** The significand of ST(i). */
  public long sig(int i) {
    return significand[top + i & 7];
  }

  /** Sign and exponent of ST(i). */
  public int se(int i) {
    return signExponent[top + i & 7];
  }

  /** Writes ST(i), which is then not empty. */
  public void set(int i, int se, long sig) {
    int p = top + i & 7;
    signExponent[p] = se;
    significand[p] = sig;
    valid |= 1 << p;
  }

  /** Writes the indefinite NaN: the masked response to an invalid operation. */
  public void setIndefinite(int i) {
    set(i, ExtFloat.INDEFINITE_SE, ExtFloat.INDEFINITE_SIG);
  }

  /** Pushes a value; {@link #pushFaults} was asked before. */
  public void push(int se, long sig) {
    top = top - 1 & 7;
    set(0, se, sig);
  }

  public void pop() {
    valid &= ~(1 << top);
    top = top + 1 & 7;
  }

  // Exceptions.

  /**
   * Takes the exceptions of an operation into the status word.
   *
   * @param flags with C1, as {@link ExtFloat#flags} holds them
   * @return whether the result is to be stored: not with an unmasked IE, DE or ZE
   */
  public boolean complete(int flags) {
    if (flags == 0) {
      status &= ~C1;
      return true;
    }
    int unmasked = flags & ~control & EXCEPTIONS;
    if (unmasked == 0) {
      status = status & ~C1 | flags;
      return true;
    }
    if ((unmasked & (IE | DE | ZE)) != 0) {
      status = status & ~C1 | flags & (IE | DE | ZE | SF) | ES | BUSY;
      return false;
    }
    status = status & ~C1 | flags | ES | BUSY;
    return true;
  }

  /** An empty register was read. Returns whether the response is masked. */
  public boolean underflows() {
    return complete(IE | SF);
  }

  /**
   * Whether a push would overwrite a register that is not empty. Then the exception is raised and,
   * when it is masked, the indefinite pushed.
   */
  public boolean pushFaults() {
    if (empty(-1)) {
      return false;
    }
    boolean masked = complete(IE | SF);
    status |= C1;
    if (masked) {
      push(ExtFloat.INDEFINITE_SE, ExtFloat.INDEFINITE_SIG);
    }
    return true;
  }

  // MMX.

  /**
   * Each MMX instruction but EMMS does this once nothing can fault any more: TOP = 0, all tags
   * valid.
   */
  public void enterMmx() {
    top = 0;
    valid = 0xFF;
  }

  /** EMMS: all registers empty; TOP = 0. */
  public void emms() {
    top = 0;
    valid = 0;
  }

  /** MMi. */
  public long mmx(int i) {
    return significand[i];
  }

  /** Writes MMi: the exponent becomes all ones. {@link #enterMmx} is the caller's. */
  public void setMmx(int i, long value) {
    significand[i] = value;
    signExponent[i] = 0xFFFF;
  }

  /**
   * Writes the x87 part of an FXSAVE or XSAVE legacy area: bytes 0 to 23 and 32 to 159 (SDM volume
   * 1, 10.5.1). MXCSR at bytes 24 to 31 is the caller's, as is probing that the area is writable.
   *
   * @param wide 64-bit pointers (REX.W); otherwise 32-bit offsets with selectors, which are stored
   *     as 0
   */
  public void storeLegacyArea(Mmu mmu, long gva, boolean wide) {
    mmu.write64(
        gva, control | (long) statusWord() << 16 | (long) valid << 32 | (long) lastOpcode << 48);
    mmu.write64(gva + 8, wide ? lastRip : lastRip & 0xFFFF_FFFFL);
    mmu.write64(gva + 16, wide ? lastDataPointer : lastDataPointer & 0xFFFF_FFFFL);
    for (int i = 0; i < 8; i++) {
      int p = top + i & 7;
      mmu.write128(gva + 32 + 16L * i, significand[p], signExponent[p]);
    }
  }

  /**
   * Reads what {@link #storeLegacyArea} writes; the caller has probed that the area is readable.
   */
  public void loadLegacyArea(Mmu mmu, long gva, boolean wide) {
    long head = mmu.read64(gva);
    long rip = mmu.read64(gva + 8);
    long data = mmu.read64(gva + 16);
    control = (int) head & CONTROL_WRITABLE | CONTROL_FIXED;
    setStatusWord((int) (head >>> 16));
    setFxsaveTags((int) (head >>> 32));
    lastOpcode = (int) (head >>> 48) & 0x7FF;
    lastRip = wide ? rip : rip & 0xFFFF_FFFFL;
    lastDataPointer = wide ? data : data & 0xFFFF_FFFFL;
    for (int i = 0; i < 8; i++) {
      int p = top + i & 7;
      significand[p] = mmu.read64(gva + 32 + 16L * i);
      signExponent[p] = mmu.read16(gva + 40 + 16L * i);
    }
  }
}
