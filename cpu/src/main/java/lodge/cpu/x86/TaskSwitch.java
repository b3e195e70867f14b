package lodge.cpu.x86;

/**
 * Hardware task switching through 16- and 32-bit task-state segments (SDM volume 3, chapter 7).
 *
 * <p>What is wrong with the two TSSs themselves faults in the old task. From the moment the new
 * task's registers are in place faults belong to the new task.
 */
final class TaskSwitch {
  enum Kind {
    JUMP,
    /** CALL, interrupt or exception: nests, with a back link. */
    CALL,
    RETURN
  }

  private static final int LIMIT_32 = 0x67;
  private static final int LIMIT_16 = 0x2B;
  private static final int REGISTERS_32 = 0x28;
  private static final int REGISTERS_16 = 0x12;
  private static final int SEGMENTS_32 = 0x48;
  private static final int SEGMENTS_16 = 0x22;

  private TaskSwitch() {}

  /**
   * Switches as an instruction: faults of the new task are delivered there, so that they do not
   * look like faults of the instruction. {@link Cpu#rip} is that of what follows the instruction.
   */
  static void perform(Cpu c, int selector, long descriptor, Kind kind) {
    int old = c.selector[Cpu.TR];
    // There is no way back to the start of the instruction once the new task is there.
    c.mmu.batching = false;
    prepare(c, selector, descriptor, kind, Flags.get(c) & ~Flags.RF);
    try {
      begin(c, selector, descriptor, kind, old);
    } catch (CpuException e) {
      Interrupts.deliver(c, e.vector, e.errorCode, Interrupts.Source.EXCEPTION);
    }
  }

  /**
   * Switches for an event.
   *
   * @param flags what is saved as the old task's EFLAGS
   * @throws CpuException of the old or of the new task; in the second case the registers are those
   *     of the new one
   */
  static void enter(Cpu c, int selector, long descriptor, Kind kind, int flags) {
    int old = c.selector[Cpu.TR];
    prepare(c, selector, descriptor, kind, flags);
    begin(c, selector, descriptor, kind, old);
  }

  /** Checks both TSSs and saves the old task. */
  private static void prepare(Cpu c, int selector, long descriptor, Kind kind, int flags) {
    boolean wide = (Descriptor.systemType(descriptor) & 8) != 0;
    int last = wide ? LIMIT_32 : LIMIT_16;
    if (Descriptor.limit(descriptor) < last) {
      throw c.fault(Vector.TS, DescriptorTables.errorCode(selector));
    }
    boolean oldWide = ProtectedDelivery.wideTss(c);
    if (c.segLimit[Cpu.TR] < (oldWide ? LIMIT_32 : LIMIT_16)) {
      throw c.fault(Vector.TS, DescriptorTables.errorCode(c.selector[Cpu.TR]));
    }
    long target = Descriptor.base(descriptor);
    for (int i = 0; i <= last; i += 4) {
      c.mmu.readSystem(c.linear(target + i), Math.min(4, last + 1 - i));
    }
    if (kind == Kind.CALL) {
      long link = c.mmu.readSystem(c.linear(target), 2);
      c.mmu.writeSystem(c.linear(target), 2, link);
    }
    save(c, oldWide, kind == Kind.RETURN ? flags & ~Flags.NT : flags);
    if (kind != Kind.CALL && !DescriptorTables.isNull(c.selector[Cpu.TR])) {
      DescriptorTables.markBusy(c, c.selector[Cpu.TR], false);
    }
  }

  private static void save(Cpu c, boolean wide, int flags) {
    long base = c.segBase[Cpu.TR];
    int size = wide ? 4 : 2;
    int registers = wide ? REGISTERS_32 : REGISTERS_16;
    int segments = wide ? SEGMENTS_32 : SEGMENTS_16;
    c.mmu.writeSystem(c.linear(base + registers - 2 * size), size, c.rip);
    c.mmu.writeSystem(c.linear(base + registers - size), size, flags);
    for (int i = 0; i < 8; i++) {
      c.mmu.writeSystem(c.linear(base + registers + i * size), size, c.r[i]);
    }
    int count = wide ? 6 : 4;
    for (int i = 0; i < count; i++) {
      c.mmu.writeSystem(c.linear(base + segments + i * size), 2, c.selector[i]);
    }
  }

  /** Loads the new task. */
  private static void begin(Cpu c, int selector, long descriptor, Kind kind, int oldSelector) {
    boolean wide = (Descriptor.systemType(descriptor) & 8) != 0;
    long base = Descriptor.base(descriptor);
    int size = wide ? 4 : 2;
    int registers = wide ? REGISTERS_32 : REGISTERS_16;
    int segments = wide ? SEGMENTS_32 : SEGMENTS_16;
    if (kind == Kind.CALL) {
      c.mmu.writeSystem(c.linear(base), 2, oldSelector);
    }
    if (kind != Kind.RETURN) {
      DescriptorTables.markBusy(c, selector, true);
    }
    long cr3 = wide ? field(c, base + 0x1C, 4) : c.cr3;
    long rip = field(c, base + registers - 2 * size, size);
    int flags = (int) field(c, base + registers - size, size);
    c.selector[Cpu.TR] = selector;
    c.segBase[Cpu.TR] = base;
    c.segLimit[Cpu.TR] = Descriptor.limit(descriptor);
    c.segAccess[Cpu.TR] = Descriptor.access(descriptor) | 2;
    c.cr0 |= Cpu.CR0_TS;
    for (int i = 0; i < 8; i++) {
      long value = field(c, base + registers + i * size, size);
      c.r[i] = wide ? value : c.r[i] & 0xFFFF_0000L | value;
    }
    int count = wide ? 6 : 4;
    for (int i = 0; i < 6; i++) {
      int value = i < count ? (int) field(c, base + segments + i * size, 2) : 0;
      Segmentation.nullify(c, i, value);
    }
    int ldt = (int) field(c, base + segments + count * size, 2);
    boolean trap = wide && (field(c, base + 0x64, 2) & 1) != 0;
    c.rip = rip;
    Flags.set(c, wide ? flags : flags & 0xFFFF);
    if (kind == Kind.CALL) {
      c.eflags |= Flags.NT;
    }
    c.cpl = (flags & Flags.VM) != 0 && wide ? 3 : c.selector[Cpu.CS] & 3;
    c.dr[7] &= ~DebugRegisters.DR7_LOCAL;
    DebugRegisters.armed(c);
    // TF of the new task counts from its first instruction on.
    c.steps = false;
    // All that can still fault does so in the new task, with its address space.
    if (wide && (c.cr0 & Cpu.CR0_PG) != 0) {
      ControlRegisters.switchAddressSpace(c, cr3);
    }
    c.modeChanged();
    if (trap) {
      c.pendingDebug |= DebugRegisters.DR6_BT;
    }
    DescriptorTables.loadLdtr(c, ldt, Vector.TS, Vector.TS);
    if (c.virtual8086()) {
      for (int i = 0; i < 6; i++) {
        Segmentation.loadVirtual8086(c, i, c.selector[i]);
      }
    } else {
      loadSegments(c);
    }
    c.modeChanged();
    if (rip > c.segLimit[Cpu.CS]) {
      throw c.generalProtection(0);
    }
  }

  private static long field(Cpu c, long address, int size) {
    return c.mmu.readSystem(c.linear(address), size);
  }

  private static void loadSegments(Cpu c) {
    int cs = c.selector[Cpu.CS];
    if (DescriptorTables.isNull(cs)) {
      throw c.fault(Vector.TS, 0);
    }
    long code = DescriptorTables.read(c, cs, Vector.TS);
    int dpl = Descriptor.dplOf(code);
    boolean level = Descriptor.isConforming(code) ? dpl <= c.cpl : dpl == c.cpl;
    if (!Descriptor.isCode(code) || !level) {
      throw c.fault(Vector.TS, DescriptorTables.errorCode(cs));
    }
    if (!Descriptor.present(code)) {
      throw c.fault(Vector.NP, DescriptorTables.errorCode(cs));
    }
    Segmentation.installCode(c, cs, DescriptorTables.markAccessed(c, cs, code), c.cpl);
    c.modeChanged();
    int ss = c.selector[Cpu.SS];
    if (DescriptorTables.isNull(ss)) {
      throw c.fault(Vector.TS, 0);
    }
    long stack = Segmentation.stackDescriptor(c, ss, c.cpl, Vector.TS);
    Segmentation.install(c, Cpu.SS, ss, DescriptorTables.markAccessed(c, ss, stack));
    Segmentation.loadData(c, Cpu.ES, c.selector[Cpu.ES], Vector.TS);
    Segmentation.loadData(c, Cpu.DS, c.selector[Cpu.DS], Vector.TS);
    Segmentation.loadData(c, Cpu.FS, c.selector[Cpu.FS], Vector.TS);
    Segmentation.loadData(c, Cpu.GS, c.selector[Cpu.GS], Vector.TS);
  }
}
