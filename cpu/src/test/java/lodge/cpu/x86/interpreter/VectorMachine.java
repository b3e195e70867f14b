package lodge.cpu.x86.interpreter;

import lodge.core.Clock;
import lodge.core.GuestMemory;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.cpu.x86.ApicPort;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Descriptor;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Insn;

/**
 * A processor without a board that executes single vector instructions in flat 64-bit mode, paging
 * off.
 */
final class VectorMachine implements AutoCloseable {
  final GuestMemory memory = GuestMemory.allocate(1 << 20);
  final Cpu cpu;
  private final Decoder decoder = new Decoder();

  /** What an op that was executed to its end returns. */
  private final Op end =
      new Op() {
        @Override
        public Op exec(Cpu c) {
          return null;
        }
      };

  VectorMachine() {
    cpu = new Cpu(0, new CpuModel(), memory, new PortBus(), new MmioBus(), STOPPED, NO_APIC);
    cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_NE | Cpu.CR0_ET;
    cpu.cr4 = Cpu.CR4_OSFXSR | Cpu.CR4_OSXMMEXCPT | Cpu.CR4_OSXSAVE;
    cpu.xcr0 = 7;
    cpu.efer = Cpu.EFER_LMA | Cpu.EFER_LME;
    cpu.segAccess[Cpu.CS] |= Descriptor.LONG;
    cpu.modeChanged();
  }

  /** Turns 4-level paging on: the first MiB is mapped one to one. */
  void paging() {
    memory.putLong(0x1000, 0x2000 | 7);
    memory.putLong(0x2000, 0x3000 | 7);
    memory.putLong(0x3000, 0x4000 | 7);
    for (int i = 0; i < 256; i++) {
      memory.putLong(0x4000 + 8 * i, i << 12 | 7);
    }
    cpu.cr3 = 0x1000;
    cpu.cr4 |= Cpu.CR4_PAE;
    cpu.cr0 |= Cpu.CR0_PG;
    cpu.modeChanged();
    cpu.mmu.flushAll();
  }

  /** Takes a page out of the mapping. */
  void unmap(int address) {
    memory.putLong(0x4000 + 8 * (address >>> 12), 0);
    cpu.mmu.flushAll();
  }

  Op link(byte[] code, int from) {
    Insn insn = decoder.decode(code, from, code.length - from, cpu.codeSize);
    Op op = VectorLinker.link(insn, 0);
    if (op != null) {
      op.next = end;
      op.length = (byte) insn.length;
    }
    return op;
  }

  /** Executes an op. Returns the vector of the exception that it throws, or -1. */
  int execute(Op op) {
    try {
      if (op.exec(cpu) != end) {
        throw new AssertionError("the op does not go on");
      }
      return -1;
    } catch (CpuException e) {
      return e.vector;
    }
  }

  /** Executes an instruction that is given by its bytes. */
  int execute(int... bytes) {
    byte[] code = new byte[16];
    for (int i = 0; i < bytes.length; i++) {
      code[i] = (byte) bytes[i];
    }
    return execute(link(code, 0));
  }

  @Override
  public void close() {
    memory.close();
  }

  private static final Clock STOPPED =
      new Clock() {
        @Override
        public long nanos() {
          return 0;
        }

        @Override
        public long epochNanos() {
          return 0;
        }

        @Override
        public Timer timer(Runnable action) {
          throw new UnsupportedOperationException();
        }
      };

  private static final ApicPort NO_APIC =
      new ApicPort() {
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
          return 0;
        }

        @Override
        public void write(int offset, int size, long value) {}
      };
}
