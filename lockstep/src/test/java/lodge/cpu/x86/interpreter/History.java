package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.InsnText;

/** The instructions that were executed last. */
final class History {
  private static final int SIZE = 256;

  private final long[] rips = new long[SIZE];
  private long count;

  void add(long rip) {
    rips[(int) (count++ % SIZE)] = rip;
  }

  /** Disassembles them, as far as they can be read where the processor is now. */
  String text(Cpu cpu) {
    StringBuilder text = new StringBuilder();
    for (long i = Math.max(0, count - SIZE); i < count; i++) {
      long rip = rips[(int) (i % SIZE)];
      text.append("    0x%x  %s%n".formatted(rip, instruction(cpu, rip)));
    }
    return text.toString();
  }

  /** The program's or the kernel's. */
  private static String instruction(Cpu cpu, long rip) {
    String text = "?";
    int cpl = cpu.cpl;
    for (int as = 0; as <= 3 && text.equals("?"); as += 3) {
      cpu.cpl = as;
      text = readable(cpu, rip);
    }
    cpu.cpl = cpl;
    return text;
  }

  private static String readable(Cpu cpu, long rip) {
    byte[] code = new byte[Decoder.MAX_LENGTH];
    long linear = cpu.codeKey == Cpu.CODE_64 ? rip : cpu.segBase[Cpu.CS] + rip & 0xFFFF_FFFFL;
    try {
      for (int i = 0; i < code.length; i++) {
        code[i] = cpu.memory.getByte(cpu.mmu.translateFetch(linear + i));
      }
    } catch (CpuException e) {
      return "?";
    }
    return InsnText.of(new Decoder().decode(code, 0, code.length, cpu.codeSize), rip);
  }
}
