package lodge.cpu.x86.silicon;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.HostClock;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.ApicPort;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.x87.X87;

/**
 * Runs cases on a software engine, in a machine without devices whose user half looks like the
 * helper process: a GDT with Linux' layout, 4-level paging, user code at CPL 3. Each of the 256
 * gates leads to a HLT at CPL 0, so a case ends with {@link Exit#HALTED} and the exception's frame
 * on the supervisor stack tells the rest.
 */
final class VcpuEngine implements CaseRunner {
  private static final long KERNEL = 0xFFFF_FFFF_8000_0000L;
  private static final long GDT = KERNEL;
  private static final long TSS = KERNEL + 0x800;
  private static final long IDT = KERNEL + 0x1000;
  private static final long HANDLERS = KERNEL + 0x2000;
  private static final long STACK_TOP = KERNEL + 0x4000;
  private static final long CODE_ALIAS = KERNEL + 0x1_0000;
  private static final int KERNEL32_CS = 0x08;
  private static final int KERNEL_CS = 0x10;
  private static final int KERNEL_DS = 0x18;

  /** Place of the first interrupt stack in the TSS; all gates use it, so all frames are there. */
  private static final int IST1 = 36;

  private static final int USER32_CS = 0x23;
  private static final int USER_DS = 0x2B;
  private static final int USER_CS = 0x33;

  // Guest-physical places.
  private static final int PAGE_TABLES = 0x1000;
  private static final int KERNEL_PAGES = 0x1_0000;
  private static final int SCRATCH_PAGES = 0x2_0000;
  private static final int CODE_PAGES = 0x3_0000;

  private static final long WATCHDOG_NANOS = 30_000_000_000L;

  private final GuestMemory memory = GuestMemory.allocate(1 << 20);
  private final HostClock clock = new HostClock();
  private final Cpu cpu;
  private final Vcpu vcpu;
  private final long[] before = new long[Case.SCRATCH_SIZE / 8];
  private final Thread watchdog;
  private volatile long deadline = Long.MAX_VALUE;
  private volatile boolean closed;

  private final int cpl;

  VcpuEngine(Engine engine) {
    this(engine, 3);
  }

  /**
   * @param cpl privilege level of the cases, 0 or 3
   */
  VcpuEngine(Engine engine, int cpl) {
    this.cpl = cpl;
    cpu = new Cpu(0, new CpuModel(), memory, new PortBus(), new MmioBus(), clock, new NoApic());
    buildPageTables();
    buildDescriptors();
    for (int i = 0; i < before.length; i++) {
      memory.putLong(SCRATCH_PAGES + 8L * i, Case.pattern(i));
    }
    vcpu = engine.create(cpu);
    enterSupervisor();
    fillCode(0, Case.CODE_SIZE);
    watchdog = Thread.ofPlatform().daemon().name("watchdog").start(this::watch);
  }

  private void buildPageTables() {
    int user = 7;
    int supervisor = 3;
    long nx = 1L << 63;
    int pml4 = PAGE_TABLES;
    memory.putLong(pml4, PAGE_TABLES + 0x1000 | user);
    memory.putLong(PAGE_TABLES + 0x1000, PAGE_TABLES + 0x2000 | user);
    memory.putLong(PAGE_TABLES + 0x2000 + (Case.SCRATCH >>> 21) * 8, PAGE_TABLES + 0x3000 | user);
    memory.putLong(PAGE_TABLES + 0x2000 + (Case.CODE >>> 21) * 8, PAGE_TABLES + 0x4000 | user);
    for (int i = 0; i < 2; i++) {
      memory.putLong(PAGE_TABLES + 0x3000 + 8 * i, nx | SCRATCH_PAGES + 0x1000 * i | user);
      memory.putLong(PAGE_TABLES + 0x4000 + 8 * i, CODE_PAGES + 0x1000 * i | 5);
    }
    memory.putLong(pml4 + 511 * 8, PAGE_TABLES + 0x5000 | supervisor);
    memory.putLong(PAGE_TABLES + 0x5000 + 510 * 8, PAGE_TABLES + 0x6000 | supervisor);
    memory.putLong(PAGE_TABLES + 0x6000, PAGE_TABLES + 0x7000 | supervisor);
    for (int i = 0; i < 4; i++) {
      memory.putLong(PAGE_TABLES + 0x7000 + 8 * i, KERNEL_PAGES + 0x1000 * i | supervisor);
    }
    for (int i = 0; i < 2; i++) {
      memory.putLong(
          PAGE_TABLES + 0x7000 + 8 * (16 + i), nx | CODE_PAGES + 0x1000 * i | supervisor);
    }
  }

  private void buildDescriptors() {
    long[] gdt = new long[16];
    gdt[1] = 0x00CF_9B00_0000_FFFFL;
    gdt[2] = 0x00AF_9B00_0000_FFFFL;
    gdt[3] = 0x00CF_9300_0000_FFFFL;
    gdt[4] = 0x00CF_FB00_0000_FFFFL;
    gdt[5] = 0x00CF_F300_0000_FFFFL;
    gdt[6] = 0x00AF_FB00_0000_FFFFL;
    gdt[8] = 0x67 | (TSS & 0xFF_FFFF) << 16 | 0x8BL << 40 | (TSS >>> 24 & 0xFF) << 56;
    gdt[9] = TSS >>> 32;
    gdt[15] = 0x0040_F500_0000_0000L;
    for (int i = 0; i < gdt.length; i++) {
      memory.putLong(physical(GDT) + 8L * i, gdt[i]);
    }
    memory.putLong(physical(TSS) + 4, STACK_TOP);
    memory.putLong(physical(TSS) + IST1, STACK_TOP);
    memory.putShort(physical(TSS) + 102, (short) 104);
    for (int vector = 0; vector < 256; vector++) {
      long handler = HANDLERS + 16L * vector;
      boolean userMayCall = vector == Vector.BP || vector == Vector.OF;
      long gate =
          handler & 0xFFFF
              | (long) KERNEL_CS << 16
              | 1L << 32
              | (userMayCall ? 0xEEL : 0x8EL) << 40
              | (handler >>> 16 & 0xFFFF) << 48;
      memory.putLong(physical(IDT) + 16L * vector, gate);
      memory.putLong(physical(IDT) + 16L * vector + 8, handler >>> 32);
      memory.putByte(physical(handler), (byte) 0xF4);
    }
  }

  private static long physical(long kernelAddress) {
    return KERNEL_PAGES + kernelAddress - KERNEL;
  }

  private void enterSupervisor() {
    cpu.cr0 =
        Cpu.CR0_PE
            | Cpu.CR0_MP
            | Cpu.CR0_ET
            | Cpu.CR0_NE
            | Cpu.CR0_WP
            | Cpu.CR0_AM
            | Integer.toUnsignedLong(Cpu.CR0_PG);
    cpu.cr3 = PAGE_TABLES;
    cpu.cr4 =
        Cpu.CR4_PSE
            | Cpu.CR4_PAE
            | Cpu.CR4_MCE
            | Cpu.CR4_PGE
            | Cpu.CR4_OSFXSR
            | Cpu.CR4_OSXMMEXCPT
            | Cpu.CR4_FSGSBASE
            | Cpu.CR4_OSXSAVE;
    cpu.efer = Cpu.EFER_SCE | Cpu.EFER_LME | Cpu.EFER_LMA | Cpu.EFER_NXE;
    cpu.xcr0 = 7;
    cpu.gdtBase = GDT;
    cpu.gdtLimit = 16 * 8 - 1;
    cpu.idtBase = IDT;
    cpu.idtLimit = 0xFFF;
    segment(Cpu.TR, 0x40, TSS, 0x67, 0x8B);
    segment(Cpu.LDTR, 0, 0, 0, 0);
    segment(Cpu.CS, KERNEL_CS, 0, 0xFFFF_FFFFL, 0xA09B);
    cpu.cpl = 0;
    cpu.eflags = 2;
    cpu.modeChanged();
    cpu.mmu.flushAll();
  }

  private void segment(int index, int selector, long base, long limit, int access) {
    cpu.selector[index] = selector;
    cpu.segBase[index] = base;
    cpu.segLimit[index] = limit;
    cpu.segAccess[index] = access;
  }

  @Override
  public CpuSnapshot run(Case c) {
    load(c);
    String failure = "";
    int broken = 0;
    deadline = System.nanoTime() + WATCHDOG_NANOS;
    try {
      Exit exit;
      do {
        exit = vcpu.run();
      } while (exit == Exit.KICKED && System.nanoTime() < deadline);
      if (exit == Exit.KICKED) {
        broken = CpuSnapshot.TIMEOUT;
      } else if (exit != Exit.HALTED) {
        broken = CpuSnapshot.BROKEN;
        failure = exit + " " + vcpu.failure();
      }
    } catch (RuntimeException | StackOverflowError | AssertionError e) {
      broken = CpuSnapshot.BROKEN;
      StackTraceElement[] trace = e.getStackTrace();
      failure = e + (trace.length > 0 ? " at " + trace[0] : "");
    } finally {
      deadline = Long.MAX_VALUE;
    }
    CpuSnapshot result = broken != 0 ? snapshot(c, broken, 0, cpu.rip, 0, failure) : frame(c);
    restoreMemory(c);
    return result;
  }

  /** Makes processor and memory those of the case. */
  private void load(Case c) {
    cpu.halted = false;
    cpu.interruptShadow = false;
    cpu.attention = false;
    enterSupervisorState();
    writeCode(c.codeOffset, c.code);
    for (int i = 0; i < before.length; i++) {
      before[i] = Case.pattern(i);
    }
    for (Case.Poke poke : c.pokes) {
      memory.put(SCRATCH_PAGES + poke.offset(), poke.bytes(), 0, poke.bytes().length);
    }
    for (Case.Poke poke : c.pokes) {
      for (int i = poke.offset() >>> 3; i <= poke.offset() + poke.bytes().length - 1 >>> 3; i++) {
        before[i] = memory.getLong(SCRATCH_PAGES + 8L * i);
      }
    }
    System.arraycopy(c.gpr, 0, cpu.r, 0, 16);
    cpu.rip = Case.CODE + c.codeOffset;
    Flags.set(cpu, c.rflags | 0x202);
    boolean compatibility = c.codeSize == 4;
    int rights = cpl << 5;
    int stack = cpl == 3 ? USER_DS : KERNEL_DS;
    int data = compatibility ? stack : 0;
    int dataAccess = compatibility ? 0xC093 | rights : 0;
    long dataLimit = compatibility ? 0xFFFF_FFFFL : 0;
    for (int i = 0; i < 6; i++) {
      segment(i, data, 0, dataLimit, dataAccess);
    }
    segment(Cpu.SS, stack, 0, 0xFFFF_FFFFL, 0xC093 | rights);
    if (compatibility) {
      int code = cpl == 3 ? USER32_CS : KERNEL32_CS;
      segment(Cpu.CS, code, 0, 0xFFFF_FFFFL, 0xC09B | rights);
    } else {
      int code = cpl == 3 ? USER_CS : KERNEL_CS;
      segment(Cpu.CS, code, 0, 0xFFFF_FFFFL, 0xA09B | rights);
      cpu.segBase[Cpu.FS] = c.fsBase;
      cpu.segBase[Cpu.GS] = c.gsBase;
    }
    System.arraycopy(c.ymm, 0, cpu.xmm, 0, 64);
    cpu.mxcsr = c.mxcsr & 0xFFFF;
    loadFpu(c.fpu);
    cpu.cpl = cpl;
    cpu.modeChanged();
  }

  private void enterSupervisorState() {
    segment(Cpu.CS, KERNEL_CS, 0, 0xFFFF_FFFFL, 0xA09B);
    cpu.cpl = 0;
    cpu.eflags = 2;
    cpu.modeChanged();
  }

  private void loadFpu(FpuImage image) {
    X87 x87 = cpu.x87;
    x87.control = image.control();
    x87.status = image.status() & ~0x3800;
    x87.top = image.status() >>> 11 & 7;
    x87.valid = image.tag();
    x87.lastOpcode = image.opcode();
    x87.lastRip = image.instruction();
    x87.lastDataPointer = image.data();
    for (int i = 0; i < 8; i++) {
      x87.significand[x87.top + i & 7] = image.significand()[i];
      x87.signExponent[x87.top + i & 7] = image.signExponent()[i];
    }
  }

  /** Writes through the MMU, so that the engine notices as it would notice a guest's store. */
  private void writeCode(int offset, byte[] code) {
    for (int i = 0; i < code.length; i++) {
      cpu.mmu.write8(CODE_ALIAS + offset + i, code[i] & 0xFF);
    }
  }

  private void fillCode(int offset, int length) {
    for (int i = 0; i < length; i++) {
      cpu.mmu.write8(CODE_ALIAS + offset + i, 0xCC);
    }
  }

  /** The state at the exception, from its frame. */
  private CpuSnapshot frame(Case c) {
    long handler = cpu.rip - HANDLERS;
    int vector = (int) (handler >>> 4);
    if (handler < 0 || vector > 255) {
      String failure = "halted at " + Long.toHexString(cpu.rip);
      return snapshot(c, CpuSnapshot.BROKEN, 0, cpu.rip, cpu.eflags, failure);
    }
    long frame = cpu.r[Cpu.RSP];
    if (frame < STACK_TOP - 64 || frame > STACK_TOP) {
      String failure = "frame at " + Long.toHexString(frame);
      return snapshot(c, CpuSnapshot.BROKEN, 0, cpu.rip, cpu.eflags, failure);
    }
    int error = 0;
    if (CpuSnapshot.hasErrorCode(vector)) {
      error = memory.getInt(physical(frame));
      frame += 8;
    }
    if (frame != STACK_TOP - 40) {
      String failure = "frame at " + Long.toHexString(frame);
      return snapshot(c, CpuSnapshot.BROKEN, 0, cpu.rip, cpu.eflags, failure);
    }
    long rip = memory.getLong(physical(frame));
    cpu.selector[Cpu.CS] = (int) memory.getLong(physical(frame + 8));
    long rflags = memory.getLong(physical(frame + 16));
    cpu.r[Cpu.RSP] = memory.getLong(physical(frame + 24));
    cpu.selector[Cpu.SS] = (int) memory.getLong(physical(frame + 32));
    return snapshot(c, vector, error, rip, rflags, "");
  }

  private CpuSnapshot snapshot(
      Case c, int vector, int error, long rip, long rflags, String failure) {
    X87 x87 = cpu.x87;
    long[] significand = new long[8];
    int[] signExponent = new int[8];
    for (int i = 0; i < 8; i++) {
      significand[i] = x87.significand[x87.top + i & 7];
      signExponent[i] = x87.signExponent[x87.top + i & 7] & 0xFFFF;
    }
    FpuImage fpu =
        new FpuImage(
            x87.control & 0xFFFF,
            x87.status & ~0x3800 & 0xFFFF | x87.top << 11,
            x87.valid & 0xFF,
            x87.lastOpcode,
            x87.lastRip,
            x87.lastDataPointer,
            significand,
            signExponent);
    Map<Integer, Long> changes = new TreeMap<>();
    for (int i = 0; i < before.length; i++) {
      long word = memory.getLong(SCRATCH_PAGES + 8L * i);
      if (word != before[i]) {
        changes.put(8 * i, word);
      }
    }
    boolean compatibility = c.codeSize == 4;
    return new CpuSnapshot(
        vector,
        error,
        cpu.cr2,
        rip,
        Arrays.copyOf(cpu.r, 16),
        rflags,
        compatibility && cpu.selector[Cpu.FS] == USER_DS ? 0 : cpu.segBase[Cpu.FS],
        compatibility && cpu.selector[Cpu.GS] == USER_DS ? 0 : cpu.segBase[Cpu.GS],
        cpu.mxcsr,
        fpu,
        cpu.xmm.clone(),
        Arrays.copyOf(cpu.selector, 6),
        changes,
        failure);
  }

  private void restoreMemory(Case c) {
    enterSupervisorState();
    fillCode(c.codeOffset, c.code.length);
    for (int i = 0; i < before.length; i++) {
      memory.putLong(SCRATCH_PAGES + 8L * i, Case.pattern(i));
    }
  }

  /** What the engine counted. */
  Map<String, Long> counters() {
    Counters counters = new Counters();
    vcpu.count(counters);
    return counters.totals();
  }

  private void watch() {
    while (!closed) {
      try {
        Thread.sleep(500);
      } catch (InterruptedException e) {
        return;
      }
      if (System.nanoTime() > deadline) {
        vcpu.kick();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    watchdog.interrupt();
    vcpu.close();
    clock.close();
    memory.close();
  }

  /** No interrupts, no registers. */
  private static final class NoApic implements ApicPort {
    @Override
    public boolean pending() {
      return false;
    }

    @Override
    public int acknowledge() {
      return -1;
    }

    @Override
    public boolean takeNmi() {
      return false;
    }

    @Override
    public int cr8() {
      return 0;
    }

    @Override
    public void setCr8(int value) {}

    @Override
    public boolean hasMsr(int msr) {
      return false;
    }

    @Override
    public long readMsr(int msr) {
      return 0;
    }

    @Override
    public boolean writeMsr(int msr, long value) {
      return false;
    }

    @Override
    public long mmioBase() {
      return -1;
    }

    @Override
    public long read(int offset, int size) {
      return -1;
    }

    @Override
    public void write(int offset, int size, long value) {}
  }
}
