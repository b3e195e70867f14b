package lodge.cpu.x86.kvm;

import java.util.ArrayList;
import java.util.List;

/** All of a processor's state that scenarios set and compare, as numbered words. */
final class CpuState {
  static final int RIP = 16;
  static final int RFLAGS = 17;

  /** Four words for each segment register in {@link lodge.cpu.x86.Cpu}'s order. */
  static final int SEGMENTS = 18;

  static final int SELECTOR = 0;
  static final int BASE = 1;
  static final int LIMIT = 2;
  static final int ACCESS = 3;

  static final int GDT_BASE = 50;
  static final int GDT_LIMIT = 51;
  static final int IDT_BASE = 52;
  static final int IDT_LIMIT = 53;
  static final int CR0 = 54;
  static final int CR2 = 55;
  static final int CR3 = 56;
  static final int CR4 = 57;
  static final int EFER = 58;

  /** DR0 to DR3. */
  static final int DR = 59;

  static final int DR6 = 63;
  static final int DR7 = 64;
  static final int MSRS = 65;

  /** SYSENTER's three, STAR, LSTAR, CSTAR, FMASK, KERNEL_GS_BASE, PAT. */
  static final int[] MSR_NUMBERS = {
    0x174, 0x175, 0x176, 0xC000_0081, 0xC000_0082, 0xC000_0083, 0xC000_0084, 0xC000_0102, 0x277
  };

  static final int COUNT = MSRS + MSR_NUMBERS.length;

  private static final String[] REGISTERS = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15", "rip", "rflags"
  };
  private static final String[] SEGMENT_NAMES = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
  private static final String[] PARTS = {"", ".base", ".limit", ".access"};
  private static final List<String> NAMES = names();

  final long[] v = new long[COUNT];

  private static List<String> names() {
    List<String> names = new ArrayList<>(List.of(REGISTERS));
    for (String segment : SEGMENT_NAMES) {
      for (String part : PARTS) {
        names.add(segment + part);
      }
    }
    names.addAll(List.of("gdt.base", "gdt.limit", "idt.base", "idt.limit"));
    names.addAll(List.of("cr0", "cr2", "cr3", "cr4", "efer"));
    names.addAll(List.of("dr0", "dr1", "dr2", "dr3", "dr6", "dr7"));
    for (int number : MSR_NUMBERS) {
      names.add("msr" + Integer.toHexString(number));
    }
    return List.copyOf(names);
  }

  static String name(int index) {
    return NAMES.get(index);
  }

  /** Index of a part of a segment register. */
  static int segment(int register, int part) {
    return SEGMENTS + 4 * register + part;
  }

  /**
   * @param access as {@link lodge.cpu.x86.Cpu#segAccess}
   */
  void segment(int register, int selector, long base, long limit, int access) {
    int at = SEGMENTS + 4 * register;
    v[at] = selector;
    v[at + 1] = base;
    v[at + 2] = limit;
    v[at + 3] = access;
  }

  CpuState copy() {
    CpuState copy = new CpuState();
    System.arraycopy(v, 0, copy.v, 0, COUNT);
    return copy;
  }

  /** What the manual leaves open in segment registers that cannot be used is made the same. */
  void normalize() {
    for (int i = 0; i < 8; i++) {
      int at = SEGMENTS + 4 * i;
      if ((v[at + ACCESS] & 0x80) == 0) {
        v[at + ACCESS] = 0;
        v[at + LIMIT] = 0;
        boolean flat = (v[EFER] & 0x400) != 0 && (i == 4 || i == 5);
        if (!flat) {
          v[at + BASE] = 0;
        }
      }
    }
  }
}
