package lodge.cpu.x86;

import java.util.HexFormat;
import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Vcpu;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.Assumptions;

/**
 * A processor with 16 MiB of memory and tables ready for every mode: a GDT, an empty IDT, a TSS,
 * and page tables that map everything to itself for everybody in 2 MiB pages.
 */
public final class TestMachine implements AutoCloseable {
  static final int CODE_64 = 0x08;
  static final int DATA = 0x10;
  static final int USER_CODE_32 = 0x18;
  static final int USER_DATA = 0x20;
  static final int USER_CODE_64 = 0x28;
  static final int CODE_32 = 0x30;
  static final int CODE_16 = 0x38;
  static final int TSS = 0x40;
  static final int LDT = 0x50;

  /** First free GDT selector. */
  static final int FREE = 0x60;

  static final int INTERRUPT_GATE = 0xE;
  static final int TRAP_GATE = 0xF;

  static final long GDT = 0x1000;
  static final long IDT = 0x2000;
  static final long TSS_BASE = 0x3000;
  static final long LDT_BASE = 0x4000;
  public static final long CODE = 0x8000;
  public static final long HANDLER = 0x9000;
  static final long PML4 = 0x1_0000;
  static final long STACK = 0x2_0000;
  static final long KERNEL_STACK = 0x3_0000;
  static final long IST_STACK = 0x4_0000;

  public final GuestMemory memory;
  final StoppedClock clock = new StoppedClock();
  final PortBus ports = new PortBus();
  public final Cpu c;
  private Engine engine = engine();
  private Vcpu vcpu;

  public TestMachine() {
    this(new CpuModel());
  }

  TestMachine(CpuModel model) {
    this(model, new NoApic());
  }

  TestMachine(ApicPort apic) {
    this(new CpuModel(), apic);
  }

  private TestMachine(CpuModel model, ApicPort apic) {
    this(GuestMemory.allocate(16 << 20), 0, model, apic);
  }

  /** One of several processors over the same memory. */
  TestMachine(GuestMemory memory, int apicId, CpuModel model, ApicPort apic) {
    this.memory = memory;
    c = new Cpu(apicId, model, memory, ports, new MmioBus(), clock, apic);
    descriptor(CODE_64, 0x00AF_9B00_0000_FFFFL);
    descriptor(DATA, 0x00CF_9300_0000_FFFFL);
    descriptor(USER_CODE_32, 0x00CF_FB00_0000_FFFFL);
    descriptor(USER_DATA, 0x00CF_F300_0000_FFFFL);
    descriptor(USER_CODE_64, 0x00AF_FB00_0000_FFFFL);
    descriptor(CODE_32, 0x00CF_9B00_0000_FFFFL);
    descriptor(CODE_16, 0x0000_9B00_0000_FFFFL);
    system(TSS, 0x89, TSS_BASE, 0x2067);
    system(LDT, 0x82, LDT_BASE, 0xFFF);
    memory.putLong(PML4, PML4 + 0x1007);
    memory.putLong(PML4 + 0x1000, PML4 + 0x2007);
    for (int i = 0; i < 8; i++) {
      memory.putLong(PML4 + 0x2000 + 8 * i, (long) i << 21 | 0x87);
    }
    // Stacks of the inner levels, both layouts of TSS agree on the place of the first.
    memory.putLong(TSS_BASE + 4, KERNEL_STACK);
    memory.putInt(TSS_BASE + 8, 0);
    memory.putLong(TSS_BASE + 0x24, IST_STACK);
    memory.putShort(TSS_BASE + 0x66, (short) 0x68);
    c.gdtBase = GDT;
    c.gdtLimit = 0xFFF;
    c.idtBase = IDT;
    c.idtLimit = 0xFFF;
  }

  void descriptor(int selector, long value) {
    memory.putLong(GDT + (selector & ~7), value);
  }

  long descriptor(int selector) {
    return memory.getLong(GDT + (selector & ~7));
  }

  /** A system descriptor of 16 bytes; outside long mode its upper half is an empty entry. */
  void system(int selector, int access, long base, int limit) {
    long low =
        limit & 0xFFFF
            | (base & 0xFF_FFFF) << 16
            | (long) access << 40
            | (long) (limit >> 16 & 0xF) << 48
            | (base >>> 24 & 0xFF) << 56;
    descriptor(selector, low);
    descriptor(selector + 8, base >>> 32);
  }

  /** 64-bit mode at CPL 0, or 3 with the user's segments. */
  public TestMachine longMode(int cpl) {
    c.cr0 = 0x8000_0031L;
    c.cr4 = Cpu.CR4_PAE | Cpu.CR4_OSFXSR;
    c.cr3 = PML4;
    c.efer = Cpu.EFER_LME | Cpu.EFER_LMA | Cpu.EFER_SCE | Cpu.EFER_NXE;
    return segments(cpl, cpl == 0 ? CODE_64 : USER_CODE_64);
  }

  /** Compatibility mode at CPL 3. */
  TestMachine compatibilityMode() {
    longMode(3);
    return segments(3, USER_CODE_32);
  }

  /** Protected mode without paging, 32-bit code. */
  TestMachine protectedMode(int cpl) {
    c.cr0 = 0x31;
    memory.putInt(TSS_BASE + 4, (int) KERNEL_STACK);
    memory.putInt(TSS_BASE + 8, DATA);
    return segments(cpl, cpl == 0 ? CODE_32 : USER_CODE_32);
  }

  private TestMachine segments(int cpl, int code) {
    int data = cpl == 0 ? DATA : USER_DATA;
    c.cpl = cpl;
    c.eflags = 2;
    for (int i = 0; i < 6; i++) {
      int selector = (i == Cpu.CS ? code : data) | cpl;
      Segmentation.install(c, i, selector, descriptor(selector));
    }
    DescriptorTables.installSystem(c, Cpu.TR, TSS, descriptor(TSS) | 2L << 40, 0);
    c.modeChanged();
    c.mmu.flushAll();
    c.r[Cpu.RSP] = STACK;
    c.rip = CODE;
    return this;
  }

  /** Real mode at 0000:8000 with the stack at 0000:7000. */
  TestMachine realMode() {
    c.selector[Cpu.CS] = 0;
    c.segBase[Cpu.CS] = 0;
    c.modeChanged();
    c.idtBase = 0;
    c.idtLimit = 0x3FF;
    c.r[Cpu.RSP] = 0x7000;
    c.rip = CODE;
    return this;
  }

  /** Virtual-8086 mode with all segments at 0, over {@link #protectedMode}. */
  TestMachine virtual8086(int iopl) {
    protectedMode(3);
    c.eflags = 2 | Flags.VM | iopl << 12;
    for (int i = 0; i < 6; i++) {
      Segmentation.loadVirtual8086(c, i, 0);
    }
    c.modeChanged();
    c.r[Cpu.RSP] = 0x7000;
    c.rip = CODE;
    return this;
  }

  /** A 16-byte gate of long mode. */
  void gate64(int vector, int selector, long offset, int type, int dpl, int ist) {
    long low =
        offset & 0xFFFF
            | (long) selector << 16
            | (long) ist << 32
            | (long) (0x80 | dpl << 5 | type) << 40
            | (offset >>> 16 & 0xFFFF) << 48;
    memory.putLong(IDT + vector * 16, low);
    memory.putLong(IDT + vector * 16 + 8, offset >>> 32);
  }

  /** An 8-byte gate: interrupt, trap, task. */
  void gate32(int vector, int selector, long offset, int type, int dpl) {
    memory.putLong(IDT + vector * 8, gate(selector, offset, type, dpl, 0));
  }

  static long gate(int selector, long offset, int type, int dpl, int parameters) {
    return offset & 0xFFFF
        | (long) selector << 16
        | (long) parameters << 32
        | (long) (0x80 | dpl << 5 | type) << 40
        | (offset >>> 16 & 0xFFFF) << 48;
  }

  /** Puts machine code at an address. */
  public TestMachine code(long gpa, String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    memory.put(gpa, bytes, 0, bytes.length);
    return this;
  }

  /** Puts machine code followed by HLT at RIP and runs it to the HLT. */
  void run(String hex) {
    code(c.segBase[Cpu.CS] + c.rip & 0xFFFF_FFFFL, hex + "F4");
    run();
  }

  /**
   * The engine under test: {@code -Dlodge.engine=translator} translates all before it runs; what
   * else is named there is an engine's class.
   */
  public static Engine engine() {
    return switch (System.getProperty("lodge.engine", "interpreter")) {
      case "interpreter" -> new InterpreterEngine();
      case "translator" -> new TranslatorEngine(true);
      case String name -> {
        try {
          yield (Engine) Class.forName(name).getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
          throw new IllegalStateException("engine " + name, e);
        }
      }
    };
  }

  /** Uses another engine than {@link #engine}. */
  TestMachine on(Engine other) {
    engine = other;
    return this;
  }

  /** Runs until HLT at CPL 0. */
  void run() {
    // A new engine each time: it holds no code that the test has overwritten.
    closeVcpu();
    vcpu = engine.create(c);
    c.halted = false;
    try (Patience patience = new Patience(vcpu)) {
      for (int i = 0; i < 1000 && !patience.isOver(); i++) {
        Exit exit = vcpu.run();
        if (exit == Exit.HALTED) {
          return;
        }
        if (exit == Exit.FAILED) {
          // Only engines that are not Lodge's own leave instructions out.
          String reason = vcpu.failure().lines().findFirst().orElse("");
          System.out.println("not executed by this host: " + reason);
          Assumptions.abort(reason);
        }
        if (exit != Exit.KICKED) {
          throw new IllegalStateException(exit + "\n" + vcpu.failure());
        }
      }
    }
    throw new IllegalStateException("no HLT\n" + vcpu.failure());
  }

  /**
   * Runs code that is to fault into a handler which halts; gives the handler's stack: error code
   * (or RIP) first.
   */
  long[] fault(int vector, String hex) {
    boolean longMode = c.longModeActive();
    if (longMode) {
      gate64(vector, CODE_64, HANDLER, INTERRUPT_GATE, 0, 0);
    } else {
      gate32(vector, CODE_32, HANDLER, INTERRUPT_GATE, 0);
    }
    code(HANDLER, "F4");
    run(hex);
    int size = longMode ? 8 : 4;
    if (c.rip != HANDLER + 1) {
      throw new IllegalStateException("vector " + vector + " was not raised\n" + vcpu.failure());
    }
    long[] frame = new long[6];
    for (int i = 0; i < 6; i++) {
      frame[i] = c.mmu.readSystem(c.r[Cpu.RSP] + i * size, size);
    }
    return frame;
  }

  /** The error code of a fault (#GP unless another vector is named) that code raises. */
  long errorCode(int vector, String hex) {
    return fault(vector, hex)[0];
  }

  /** Instructions of the last run. */
  long instructions() {
    Counters counters = new Counters();
    vcpu.count(counters);
    return counters.totals().get("guest_instructions");
  }

  long stack(int index) {
    return memory.getLong(c.r[Cpu.RSP] + 8L * index);
  }

  int stack32(int index) {
    return memory.getInt(c.r[Cpu.RSP] + 4L * index);
  }

  private void closeVcpu() {
    if (vcpu != null) {
      vcpu.close();
    }
  }

  @Override
  public void close() {
    closeVcpu();
    memory.close();
  }
}
