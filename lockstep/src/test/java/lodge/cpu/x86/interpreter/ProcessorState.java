package lodge.cpu.x86.interpreter;

import java.util.ArrayList;
import java.util.List;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;

/** The architectural state of a processor at one moment. */
final class ProcessorState {
  private static final int MOST = 256;
  private static final int RIP = 0;
  private static final int RFLAGS = 1;
  private static final int REGISTERS = 2;

  private final long[] values = new long[MOST];
  private final String[] names;
  private int size;

  ProcessorState() {
    this(null);
  }

  private ProcessorState(String[] names) {
    this.names = names;
  }

  void take(Cpu c) {
    size = 0;
    add("rip", c.rip);
    add("rflags", Flags.get(c));
    for (int i = 0; i < 16; i++) {
      add("r", i, c.r[i]);
    }
    add("cpl", c.cpl);
    add("cr0", c.cr0);
    add("cr2", c.cr2);
    add("cr3", c.cr3);
    add("cr4", c.cr4);
    add("efer", c.efer);
    add("xcr0", c.xcr0);
    add("pkru", c.pkru);
    add("gdt base", c.gdtBase);
    add("gdt limit", c.gdtLimit);
    add("idt base", c.idtBase);
    add("idt limit", c.idtLimit);
    for (int i = 0; i < 8; i++) {
      add("selector ", i, c.selector[i]);
      add("segment base ", i, c.segBase[i]);
      add("segment limit ", i, c.segLimit[i]);
      add("segment access ", i, c.segAccess[i]);
      add("dr", i, c.dr[i]);
    }
    for (int i = 0; i < 64; i++) {
      add("ymm lane ", i, c.xmm[i]);
    }
    add("mxcsr", c.mxcsr);
    for (int i = 0; i < 8; i++) {
      add("x87 significand ", i, c.x87.significand[i]);
      add("x87 exponent ", i, c.x87.signExponent[i]);
    }
    add("x87 control", c.x87.control);
    add("x87 status", c.x87.status);
    add("x87 top", c.x87.top);
    add("x87 valid", c.x87.valid);
    add("x87 opcode", c.x87.lastOpcode);
    add("x87 rip", c.x87.lastRip);
    add("x87 data", c.x87.lastDataPointer);
    add("star", c.msrs.star);
    add("lstar", c.msrs.lstar);
    add("fmask", c.msrs.fmask);
    add("kernel gs base", c.msrs.kernelGsBase);
    add("tsc aux", c.msrs.tscAux);
    add("halted", c.halted ? 1 : 0);
    add("pending debug", c.pendingDebug);
  }

  private void add(String name, long value) {
    if (names != null) {
      names[size] = name;
    }
    values[size++] = value;
  }

  private void add(String name, int index, long value) {
    if (names != null) {
      names[size] = name + index;
    }
    values[size++] = value;
  }

  boolean equal(ProcessorState other) {
    for (int i = 0; i < size; i++) {
      if (values[i] != other.values[i]) {
        return false;
      }
    }
    return true;
  }

  /**
   * What is different in another one, "name here there" each.
   *
   * @param any processor: its state does not matter
   */
  List<String> differences(ProcessorState other, Cpu any) {
    ProcessorState named = new ProcessorState(new String[MOST]);
    named.take(any);
    List<String> found = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      if (values[i] != other.values[i]) {
        found.add("%s %x %x".formatted(named.names[i], values[i], other.values[i]));
      }
    }
    return found;
  }

  /** Between two repetitions of a string instruction. */
  boolean repeating() {
    return (values[RFLAGS] & Flags.RF) != 0;
  }

  long rip() {
    return values[RIP];
  }

  long rcx() {
    return values[REGISTERS + Cpu.RCX];
  }
}
