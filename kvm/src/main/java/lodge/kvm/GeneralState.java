package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.DebugRegisters;
import lodge.cpu.x86.Descriptor;
import lodge.cpu.x86.Flags;

/** General registers, segments, tables, control and debug registers, both ways. */
final class GeneralState {
  /** Where each of RAX to R15 is in {@link Structs#REGS}. */
  private static final long[] REGISTERS =
      offsets(
          Structs.REGS,
          "rax",
          "rcx",
          "rdx",
          "rbx",
          "rsp",
          "rbp",
          "rsi",
          "rdi",
          "r8",
          "r9",
          "r10",
          "r11",
          "r12",
          "r13",
          "r14",
          "r15");

  private static final long RIP = Structs.REGS.offset("rip");
  private static final long RFLAGS = Structs.REGS.offset("rflags");

  /** Where each segment register is in {@link Structs#SREGS}, in {@link Cpu}'s order. */
  private static final long[] SEGMENTS =
      offsets(Structs.SREGS, "es", "cs", "ss", "ds", "fs", "gs", "ldt", "tr");

  private static final long BASE = Structs.SEGMENT.offset("base");
  private static final long LIMIT = Structs.SEGMENT.offset("limit");
  private static final long SELECTOR = Structs.SEGMENT.offset("selector");
  private static final long DPL = Structs.SEGMENT.offset("dpl");
  private static final long UNUSABLE = Structs.SEGMENT.offset("unusable");

  /** Fields of access rights, and the shift and the width of each in {@link Cpu#segAccess}. */
  private static final long[] RIGHTS =
      offsets(Structs.SEGMENT, "type", "s", "dpl", "present", "avl", "l", "db", "g");

  private static final int[] SHIFTS = {0, 4, 5, 7, 12, 13, 14, 15};
  private static final int[] MASKS = {0xF, 1, 3, 1, 1, 1, 1, 1};

  private static final long GDT_BASE = Structs.SREGS.offset("gdt.base");
  private static final long GDT_LIMIT = Structs.SREGS.offset("gdt.limit");
  private static final long IDT_BASE = Structs.SREGS.offset("idt.base");
  private static final long IDT_LIMIT = Structs.SREGS.offset("idt.limit");
  private static final long CR0 = Structs.SREGS.offset("cr0");
  private static final long CR2 = Structs.SREGS.offset("cr2");
  private static final long CR3 = Structs.SREGS.offset("cr3");
  private static final long CR4 = Structs.SREGS.offset("cr4");
  private static final long CR8 = Structs.SREGS.offset("cr8");
  private static final long EFER = Structs.SREGS.offset("efer");
  private static final long APIC_BASE = Structs.SREGS.offset("apic_base");
  private static final long INTERRUPT_BITMAP = Structs.SREGS.offset("interrupt_bitmap");

  private static final long DB = Structs.DEBUGREGS.offset("db");
  private static final long DR6 = Structs.DEBUGREGS.offset("dr6");
  private static final long DR7 = Structs.DEBUGREGS.offset("dr7");

  private static final long APIC_ENABLED = 1 << 11;
  private static final long APIC_PAGE = 0xFEE0_0000L;

  private final StateBlock regs;
  private final StateBlock sregs;
  private final StateBlock debug;

  /** Null when the APIC is not KVM's. */
  private final KernelApic apic;

  GeneralState(Fd vcpu, SyncRegs sync, KernelApic apic) {
    this.apic = apic;
    regs = sync.regs;
    sregs = sync.sregs;
    debug = StateBlock.of(vcpu, Ioctl.GET_DEBUGREGS, Ioctl.SET_DEBUGREGS, Structs.DEBUGREGS.size());
  }

  private static long[] offsets(Struct struct, String... fields) {
    long[] offsets = new long[fields.length];
    for (int i = 0; i < fields.length; i++) {
      offsets[i] = struct.offset(fields[i]);
    }
    return offsets;
  }

  void load(Cpu c) {
    loadSpecial(c, sregs.data);
    sregs.write();
    MemorySegment data = regs.data;
    for (int i = 0; i < REGISTERS.length; i++) {
      data.set(JAVA_LONG, REGISTERS[i], c.r[i]);
    }
    data.set(JAVA_LONG, RIP, c.rip);
    data.set(JAVA_LONG, RFLAGS, Flags.get(c));
    regs.write();
    for (int i = 0; i < 4; i++) {
      debug.data.set(JAVA_LONG, DB + 8 * i, c.dr[i]);
    }
    debug.data.set(JAVA_LONG, DR6, c.dr[6]);
    debug.data.set(JAVA_LONG, DR7, c.dr[7]);
    debug.write();
  }

  private void loadSpecial(Cpu c, MemorySegment data) {
    for (int i = 0; i < SEGMENTS.length; i++) {
      putSegment(data.asSlice(SEGMENTS[i], Structs.SEGMENT.size()), c, i);
    }
    // KVM takes the current privilege level from here, whatever the segment is.
    data.set(JAVA_BYTE, SEGMENTS[Cpu.SS] + DPL, (byte) c.cpl);
    data.set(JAVA_LONG, GDT_BASE, c.gdtBase);
    data.set(JAVA_SHORT, GDT_LIMIT, (short) c.gdtLimit);
    data.set(JAVA_LONG, IDT_BASE, c.idtBase);
    data.set(JAVA_SHORT, IDT_LIMIT, (short) c.idtLimit);
    data.set(JAVA_LONG, CR0, c.cr0);
    data.set(JAVA_LONG, CR2, c.cr2);
    data.set(JAVA_LONG, CR3, c.cr3);
    data.set(JAVA_LONG, CR4, c.cr4);
    data.set(JAVA_LONG, EFER, c.efer);
    if (apic != null) {
      data.set(JAVA_LONG, CR8, apic.cr8());
      data.set(JAVA_LONG, APIC_BASE, apic.base());
    } else {
      data.set(JAVA_LONG, CR8, c.apic.cr8());
      // All that KVM shows of this is CPUID's bit.
      data.set(JAVA_LONG, APIC_BASE, APIC_PAGE | (apicEnabled(c) ? APIC_ENABLED : 0));
    }
    data.asSlice(INTERRUPT_BITMAP).fill((byte) 0);
  }

  private static boolean apicEnabled(Cpu c) {
    return !c.apic.hasMsr(MsrTraps.APIC_BASE)
        || (c.apic.readMsr(MsrTraps.APIC_BASE) & APIC_ENABLED) != 0;
  }

  private static void putSegment(MemorySegment segment, Cpu c, int register) {
    int access = c.segAccess[register];
    segment.set(JAVA_LONG, BASE, c.segBase[register]);
    segment.set(JAVA_INT, LIMIT, (int) c.segLimit[register]);
    segment.set(JAVA_SHORT, SELECTOR, (short) c.selector[register]);
    for (int i = 0; i < RIGHTS.length; i++) {
      segment.set(JAVA_BYTE, RIGHTS[i], (byte) (access >> SHIFTS[i] & MASKS[i]));
    }
    boolean usable = (access & Descriptor.PRESENT) != 0;
    segment.set(JAVA_BYTE, UNUSABLE, (byte) (usable ? 0 : 1));
  }

  void save(Cpu c) {
    regs.read();
    MemorySegment data = regs.data;
    for (int i = 0; i < REGISTERS.length; i++) {
      c.r[i] = data.get(JAVA_LONG, REGISTERS[i]);
    }
    c.rip = data.get(JAVA_LONG, RIP);
    sregs.read();
    saveSpecial(c, sregs.data);
    Flags.set(c, (int) data.get(JAVA_LONG, RFLAGS));
    debug.read();
    for (int i = 0; i < 4; i++) {
      c.dr[i] = debug.data.get(JAVA_LONG, DB + 8 * i);
    }
    c.dr[6] = debug.data.get(JAVA_LONG, DR6);
    c.dr[7] = debug.data.get(JAVA_LONG, DR7);
    c.cpl = c.protectedMode() ? sregs.data.get(JAVA_BYTE, SEGMENTS[Cpu.SS] + DPL) & 3 : 0;
    DebugRegisters.armed(c);
    c.modeChanged();
    c.mmu.flushAll();
  }

  private void saveSpecial(Cpu c, MemorySegment data) {
    for (int i = 0; i < SEGMENTS.length; i++) {
      getSegment(data.asSlice(SEGMENTS[i], Structs.SEGMENT.size()), c, i);
    }
    c.gdtBase = data.get(JAVA_LONG, GDT_BASE);
    c.gdtLimit = data.get(JAVA_SHORT, GDT_LIMIT) & 0xFFFF;
    c.idtBase = data.get(JAVA_LONG, IDT_BASE);
    c.idtLimit = data.get(JAVA_SHORT, IDT_LIMIT) & 0xFFFF;
    c.cr0 = data.get(JAVA_LONG, CR0);
    c.cr2 = data.get(JAVA_LONG, CR2);
    c.cr3 = data.get(JAVA_LONG, CR3);
    c.cr4 = data.get(JAVA_LONG, CR4);
    c.efer = data.get(JAVA_LONG, EFER);
    if (apic != null) {
      apic.saveSpecial(data.get(JAVA_LONG, APIC_BASE), data.get(JAVA_LONG, CR8));
    }
    // What KVM has loaded with CR3; it reads the entries anew whenever it is given a state.
    boolean pae = (c.cr0 & Cpu.CR0_PG) != 0 && (c.cr4 & Cpu.CR4_PAE) != 0 && !c.longModeActive();
    for (int i = 0; pae && i < 4; i++) {
      long gpa = (c.cr3 & 0xFFFF_FFE0L) + 8 * i;
      c.pdpte[i] = c.memory.isReadable(gpa) ? c.memory.getLong(gpa) : 0;
    }
  }

  private static void getSegment(MemorySegment segment, Cpu c, int register) {
    boolean usable = segment.get(JAVA_BYTE, UNUSABLE) == 0;
    int access = 0;
    for (int i = 0; usable && i < RIGHTS.length; i++) {
      access |= (segment.get(JAVA_BYTE, RIGHTS[i]) & MASKS[i]) << SHIFTS[i];
    }
    c.selector[register] = segment.get(JAVA_SHORT, SELECTOR) & 0xFFFF;
    c.segBase[register] = segment.get(JAVA_LONG, BASE);
    c.segLimit[register] = usable ? segment.get(JAVA_INT, LIMIT) & 0xFFFF_FFFFL : 0;
    c.segAccess[register] = access;
  }
}
