package lodge.machine.boot;

import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;

/**
 * The processor states in which kernels are entered: flat segments, interrupts off, and for 64-bit
 * entries the first 4 GiB identity-mapped. The descriptor table that the segments would have been
 * loaded from is in memory too.
 */
final class EntryState {
  /** Selectors that the Linux boot protocol names __BOOT_CS and __BOOT_DS. */
  private static final int CODE_SELECTOR = 0x10;

  private static final int DATA_SELECTOR = 0x18;
  private static final int TASK_SELECTOR = 0x20;
  private static final int MULTIBOOT_CODE = 0x08;
  private static final int MULTIBOOT_DATA = 0x10;

  // Access rights as Cpu.segAccess holds them, limit bits 19:16 included.
  private static final int CODE_64 = 0xAF9B;
  private static final int CODE_32 = 0xCF9B;
  private static final int DATA = 0xCF93;
  private static final int TASK = 0x008B;
  private static final int TASK_LIMIT = 0x67;

  private static final int PAGE_PRESENT_WRITABLE = 3;
  private static final int PAGE_LARGE = 1 << 7;
  private static final int MAPPED_GIB = 4;

  private EntryState() {}

  /** 64-bit mode with identity-mapped 2 MiB pages (boot.rst, "64-bit boot protocol"). */
  static void longMode(GuestMemory memory, Cpu cpu, long entry) {
    identityMap(memory);
    cpu.cr3 = Placement.PAGE_TABLES;
    cpu.cr4 = Cpu.CR4_PAE;
    cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET | Cpu.CR0_NE | Cpu.CR0_PG & 0xFFFF_FFFFL;
    cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA;
    segments(memory, cpu, CODE_64);
    enter(cpu, entry);
  }

  /** 32-bit protected mode without paging (Xen docs/misc/pvh.pandoc). */
  static void protectedMode(GuestMemory memory, Cpu cpu, long entry) {
    cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET;
    cpu.cr4 = 0;
    cpu.efer = 0;
    segments(memory, cpu, CODE_32);
    enter(cpu, entry);
  }

  /**
   * As {@link #protectedMode}, with the table at the end of the firmware area, where no kernel is
   * loaded, and the selectors that QEMU's boot loader uses (Multiboot specification 0.6.96, 3.2
   * leaves them open). Task and local descriptor table are those after reset, and the interrupt
   * table is the real-mode one.
   */
  static void multiboot(GuestMemory memory, Cpu cpu, long entry) {
    cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET;
    cpu.cr4 = 0;
    cpu.efer = 0;
    long gdt = Placement.MULTIBOOT_GDT;
    memory.putLong(gdt + MULTIBOOT_CODE, descriptor(CODE_32, 0xFFFF));
    memory.putLong(gdt + MULTIBOOT_DATA, descriptor(DATA, 0xFFFF));
    cpu.gdtBase = gdt;
    cpu.gdtLimit = MULTIBOOT_DATA + 7;
    cpu.idtBase = 0;
    cpu.idtLimit = 0x3FF;
    flat(cpu, MULTIBOOT_CODE, CODE_32, MULTIBOOT_DATA);
    enter(cpu, entry);
  }

  private static void enter(Cpu cpu, long entry) {
    cpu.eflags = 2;
    cpu.r[Cpu.RSP] = Placement.STACK_TOP;
    cpu.rip = entry;
    cpu.modeChanged();
    cpu.mmu.flushAll();
  }

  /** One PML4, one page-directory-pointer table and four page directories, one after the other. */
  private static void identityMap(GuestMemory memory) {
    long pml4 = Placement.PAGE_TABLES;
    long pdpt = pml4 + GuestMemory.PAGE_SIZE;
    long directories = pdpt + GuestMemory.PAGE_SIZE;
    memory.putLong(pml4, pdpt | PAGE_PRESENT_WRITABLE);
    for (int gib = 0; gib < MAPPED_GIB; gib++) {
      memory.putLong(
          pdpt + 8L * gib,
          directories + (long) gib * GuestMemory.PAGE_SIZE | PAGE_PRESENT_WRITABLE);
    }
    for (long page = 0; page < MAPPED_GIB * 512; page++) {
      memory.putLong(directories + 8 * page, page << 21 | PAGE_LARGE | PAGE_PRESENT_WRITABLE);
    }
  }

  private static void segments(GuestMemory memory, Cpu cpu, int codeAccess) {
    memory.putLong(Placement.GDT + CODE_SELECTOR, descriptor(codeAccess, 0xFFFF));
    memory.putLong(Placement.GDT + DATA_SELECTOR, descriptor(DATA, 0xFFFF));
    memory.putLong(Placement.GDT + TASK_SELECTOR, descriptor(TASK, TASK_LIMIT));
    cpu.gdtBase = Placement.GDT;
    // A 64-bit TSS descriptor takes two entries; the second one is zero.
    cpu.gdtLimit = TASK_SELECTOR + 15;
    cpu.idtBase = 0;
    cpu.idtLimit = 0;
    flat(cpu, CODE_SELECTOR, codeAccess, DATA_SELECTOR);
    load(cpu, Cpu.TR, TASK_SELECTOR, TASK, TASK_LIMIT);
    load(cpu, Cpu.LDTR, 0, 0, 0);
  }

  private static void flat(Cpu cpu, int code, int codeAccess, int data) {
    load(cpu, Cpu.CS, code, codeAccess, 0xFFFF_FFFFL);
    for (int register : new int[] {Cpu.ES, Cpu.SS, Cpu.DS, Cpu.FS, Cpu.GS}) {
      load(cpu, register, data, DATA, 0xFFFF_FFFFL);
    }
    cpu.cpl = 0;
  }

  private static void load(Cpu cpu, int register, int selector, int access, long limit) {
    cpu.selector[register] = selector;
    cpu.segBase[register] = 0;
    cpu.segLimit[register] = limit;
    cpu.segAccess[register] = access;
  }

  /**
   * A descriptor with base 0 (SDM volume 3, 3.4.5); {@code access} holds the limit's upper bits.
   */
  private static long descriptor(int access, int limitLow) {
    return (long) access << 40 | limitLow;
  }
}
