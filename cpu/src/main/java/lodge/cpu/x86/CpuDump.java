package lodge.cpu.x86;

/** A processor's state as text, for people. */
public final class CpuDump {
  private static final String[] NAMES = {
    "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
    "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"
  };
  private static final String[] SEGMENTS = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};

  private CpuDump() {}

  public static String of(Cpu c) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            "RIP %016x RFLAGS %08x CPL %d CR2 %016x%n", c.rip, Flags.get(c), c.cpl, c.cr2));
    for (int i = 0; i < 16; i++) {
      text.append(String.format("%-3s %016x%s", NAMES[i], c.r[i], i % 4 == 3 ? "\n" : " "));
    }
    text.append(
        String.format("CR0 %08x CR3 %016x CR4 %08x EFER %x%n", c.cr0, c.cr3, c.cr4, c.efer));
    for (int i = 0; i < 8; i++) {
      text.append(
          String.format(
              "%-4s %04x base %016x limit %08x access %04x%n",
              SEGMENTS[i], c.selector[i], c.segBase[i], c.segLimit[i], c.segAccess[i]));
    }
    text.append(
        String.format(
            "GDT %016x %04x IDT %016x %04x%n", c.gdtBase, c.gdtLimit, c.idtBase, c.idtLimit));
    text.append("Code at RIP:").append(code(c)).append('\n');
    return text.toString();
  }

  private static String code(Cpu c) {
    StringBuilder text = new StringBuilder();
    long start = c.mode64() ? c.rip : c.segBase[Cpu.CS] + c.rip & 0xFFFF_FFFFL;
    long cr2 = c.cr2;
    for (int i = 0; i < 16; i++) {
      try {
        long gpa = c.mmu.translateFetch(start + i);
        text.append(
            c.memory.isReadable(gpa) ? String.format(" %02x", c.memory.getByte(gpa)) : " ??");
      } catch (CpuException e) {
        text.append(" not mapped");
        break;
      }
    }
    c.cr2 = cr2;
    return text.toString();
  }
}
