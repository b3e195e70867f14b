package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;

/** What KVM and a vCPU's thread tell each other at exits, and the exits that devices answer. */
final class RunArea {
  private static final long REQUEST_WINDOW = Structs.RUN.offset("request_interrupt_window");
  private static final long EXIT_REASON = Structs.RUN.offset("exit_reason");
  private static final long READY = Structs.RUN.offset("ready_for_interrupt_injection");
  private static final long CR8 = Structs.RUN.offset("cr8");
  private static final long IO_DIRECTION = Structs.RUN.offset("io.direction");
  private static final long IO_SIZE = Structs.RUN.offset("io.size");
  private static final long IO_PORT = Structs.RUN.offset("io.port");
  private static final long IO_COUNT = Structs.RUN.offset("io.count");
  private static final long IO_DATA = Structs.RUN.offset("io.data_offset");
  private static final long MMIO_ADDRESS = Structs.RUN.offset("mmio.phys_addr");
  private static final long MMIO_DATA = Structs.RUN.offset("mmio.data");
  private static final long MMIO_LENGTH = Structs.RUN.offset("mmio.len");
  private static final long MMIO_IS_WRITE = Structs.RUN.offset("mmio.is_write");
  private static final long DEBUG_STATUS = Structs.RUN.offset("debug.arch.dr6");
  private static final long MSR_ERROR = Structs.RUN.offset("msr.error");
  private static final long MSR_INDEX = Structs.RUN.offset("msr.index");
  private static final long MSR_DATA = Structs.RUN.offset("msr.data");

  private static final long EOI_VECTOR = Structs.RUN.offset("eoi.vector");

  private static final int IO_OUT = 1;
  private static final long PAGE_MASK = ~0xFFFL;

  private final MemorySegment run;
  private final Cpu cpu;

  RunArea(MemorySegment run, Cpu cpu) {
    this.run = run;
    this.cpu = cpu;
  }

  ExitReason reason() {
    return ExitReason.of(run.get(JAVA_INT, EXIT_REASON));
  }

  /** Asks KVM to come back as soon as the guest takes interrupts. */
  void requestWindow(boolean wanted) {
    run.set(JAVA_BYTE, REQUEST_WINDOW, (byte) (wanted ? 1 : 0));
  }

  /** Whether the guest takes an interrupt now. */
  boolean windowOpen() {
    return run.get(JAVA_BYTE, READY) != 0;
  }

  void putCr8(int value) {
    run.set(JAVA_LONG, CR8, value);
  }

  int cr8() {
    return (int) run.get(JAVA_LONG, CR8) & 0xF;
  }

  /** IN, OUT, INS and OUTS. @return whether it was a read */
  boolean answerPort() {
    int size = run.get(JAVA_BYTE, IO_SIZE);
    int port = run.get(JAVA_SHORT, IO_PORT) & 0xFFFF;
    int count = run.get(JAVA_INT, IO_COUNT);
    long at = run.get(JAVA_LONG, IO_DATA);
    boolean out = run.get(JAVA_BYTE, IO_DIRECTION) == IO_OUT;
    for (int i = 0; i < count; i++, at += size) {
      if (out) {
        cpu.ports.write(port, size, (int) get(at, size));
      } else {
        put(at, size, cpu.ports.read(port, size));
      }
    }
    return !out;
  }

  /** A load or store where there is no memory, or a store to ROM. @return whether it was a load */
  boolean answerMemory() {
    long gpa = run.get(JAVA_LONG, MMIO_ADDRESS);
    int length = run.get(JAVA_INT, MMIO_LENGTH);
    boolean write = run.get(JAVA_BYTE, MMIO_IS_WRITE) != 0;
    // Parts of accesses that cross pages have odd lengths.
    int piece = Integer.bitCount(length) == 1 ? length : 1;
    for (int i = 0; i < length; i += piece) {
      if (write) {
        write(gpa + i, piece, get(MMIO_DATA + i, piece));
      } else {
        put(MMIO_DATA + i, piece, read(gpa + i, piece));
      }
    }
    return !write;
  }

  private long read(long gpa, int size) {
    return (gpa & PAGE_MASK) == cpu.apic.mmioBase()
        ? cpu.apic.read((int) gpa & 0xFFF, size)
        : cpu.mmio.read(gpa, size);
  }

  private void write(long gpa, int size, long value) {
    if ((gpa & PAGE_MASK) == cpu.apic.mmioBase()) {
      cpu.apic.write((int) gpa & 0xFFF, size, value);
    } else {
      cpu.mmio.write(gpa, size, value);
    }
  }

  private long get(long at, int size) {
    return switch (size) {
      case 1 -> run.get(JAVA_BYTE, at) & 0xFF;
      case 2 -> run.get(JAVA_SHORT, at) & 0xFFFF;
      case 4 -> run.get(JAVA_INT, at) & 0xFFFF_FFFFL;
      default -> run.get(JAVA_LONG, at);
    };
  }

  private void put(long at, int size, long value) {
    switch (size) {
      case 1 -> run.set(JAVA_BYTE, at, (byte) value);
      case 2 -> run.set(JAVA_SHORT, at, (short) value);
      case 4 -> run.set(JAVA_INT, at, (int) value);
      default -> run.set(JAVA_LONG, at, value);
    }
  }

  /** Of a level-triggered interrupt. */
  int endedVector() {
    return run.get(JAVA_BYTE, EOI_VECTOR) & 0xFF;
  }

  /** DR6 of a stop for the debugger. */
  long debugStatus() {
    return run.get(JAVA_LONG, DEBUG_STATUS);
  }

  /** RDMSR of a register that is not KVM's. */
  void answerMsrRead() {
    try {
      run.set(JAVA_LONG, MSR_DATA, cpu.msrs.read(run.get(JAVA_INT, MSR_INDEX)));
      run.set(JAVA_BYTE, MSR_ERROR, (byte) 0);
    } catch (CpuException e) {
      run.set(JAVA_BYTE, MSR_ERROR, (byte) 1);
    }
  }

  /** WRMSR of such a register. */
  void answerMsrWrite() {
    try {
      cpu.msrs.write(run.get(JAVA_INT, MSR_INDEX), run.get(JAVA_LONG, MSR_DATA));
      run.set(JAVA_BYTE, MSR_ERROR, (byte) 0);
    } catch (CpuException e) {
      run.set(JAVA_BYTE, MSR_ERROR, (byte) 1);
    }
  }
}
