package lodge.cpu.x86.interpreter;

import java.lang.invoke.VarHandle;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Cpuid;
import lodge.cpu.x86.Hypercalls;
import lodge.cpu.x86.SystemCalls;
import lodge.cpu.x86.decode.Insn;

/** MSRs, counters, segment bases, protection keys, CPUID, fences and cache lines. */
final class ProcessorOps {
  private static final int IA32_EFER = 0xC000_0080;
  private static final long LOW = 0xFFFF_FFFFL;

  private ProcessorOps() {}

  static final class Swapgs extends Op {
    @Override
    public Op exec(Cpu c) {
      SystemCalls.swapgs(c);
      return next;
    }
  }

  static final class Rdmsr extends Op {
    @Override
    public Op exec(Cpu c) {
      if (c.cpl != 0) {
        throw c.generalProtection(0);
      }
      long value = c.msrs.read((int) c.r[Cpu.RCX]);
      c.r[Cpu.RAX] = value & LOW;
      c.r[Cpu.RDX] = value >>> 32;
      return next;
    }
  }

  static final class Wrmsr extends Op {
    @Override
    public Op exec(Cpu c) {
      if (c.cpl != 0) {
        throw c.generalProtection(0);
      }
      c.drainStores();
      int number = (int) c.r[Cpu.RCX];
      c.msrs.write(number, c.r[Cpu.RAX] & LOW | c.r[Cpu.RDX] << 32);
      // What the processor may execute has changed, or the APIC wants a look.
      return number == IA32_EFER || c.attention ? leave(c) : next;
    }
  }

  static final class Vmcall extends Op {
    @Override
    public Op exec(Cpu c) {
      c.drainStores();
      Hypercalls.execute(c);
      return c.attention ? leave(c) : next;
    }
  }

  static final class CpuidOp extends Op {
    @Override
    public Op exec(Cpu c) {
      c.drainStores();
      Cpuid.execute(c);
      return serialized(c);
    }
  }

  /** RDTSC and RDTSCP. */
  static final class Rdtsc extends Op {
    private final boolean withAux;

    Rdtsc(boolean withAux) {
      this.withAux = withAux;
    }

    @Override
    public Op exec(Cpu c) {
      if ((c.cr4 & Cpu.CR4_TSD) != 0 && c.cpl != 0) {
        throw c.generalProtection(0);
      }
      long value = c.tsc();
      c.r[Cpu.RAX] = value & LOW;
      c.r[Cpu.RDX] = value >>> 32;
      if (withAux) {
        c.r[Cpu.RCX] = c.msrs.tscAux;
      }
      return next;
    }
  }

  /** There are no performance counters: every index is invalid. */
  static final class Rdpmc extends Op {
    @Override
    public Op exec(Cpu c) {
      throw c.generalProtection(0);
    }
  }

  static final class Rdpid extends Op {
    private final byte dst;

    Rdpid(Insn insn) {
      this.dst = (byte) insn.rm;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = c.msrs.tscAux;
      return next;
    }
  }

  private static void requireBases(Cpu c) {
    if ((c.cr4 & Cpu.CR4_FSGSBASE) == 0) {
      throw c.undefined();
    }
  }

  /** RDFSBASE and RDGSBASE. */
  static final class ReadBase extends Op {
    private final byte segment;
    private final byte dst;
    private final byte size;

    ReadBase(Insn insn, int segment) {
      this.segment = (byte) segment;
      this.dst = (byte) insn.rm;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      requireBases(c);
      Registers.write(c.r, dst, size, c.segBase[segment]);
      return next;
    }
  }

  /** WRFSBASE and WRGSBASE. */
  static final class WriteBase extends Op {
    private final byte segment;
    private final byte src;
    private final byte size;

    WriteBase(Insn insn, int segment) {
      this.segment = (byte) segment;
      this.src = (byte) insn.rm;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      requireBases(c);
      long base = Registers.read(c.r, src, size);
      if (!c.canonical(base)) {
        throw c.generalProtection(0);
      }
      c.segBase[segment] = base;
      return next;
    }
  }

  private static void requireKeys(Cpu c) {
    if ((c.cr4 & Cpu.CR4_PKE) == 0) {
      throw c.undefined();
    }
    if ((c.r[Cpu.RCX] & LOW) != 0) {
      throw c.generalProtection(0);
    }
  }

  static final class Rdpkru extends Op {
    @Override
    public Op exec(Cpu c) {
      requireKeys(c);
      c.r[Cpu.RAX] = c.pkru & LOW;
      c.r[Cpu.RDX] = 0;
      return next;
    }
  }

  /** Cached translations hold the rights that the keys gave them. */
  static final class Wrpkru extends Op {
    @Override
    public Op exec(Cpu c) {
      requireKeys(c);
      if ((c.r[Cpu.RDX] & LOW) != 0) {
        throw c.generalProtection(0);
      }
      int value = (int) c.r[Cpu.RAX];
      if (c.pkru == value) {
        return next;
      }
      c.pkru = value;
      c.mmu.flushAll();
      return leave(c);
    }
  }

  /** Checks its address like a load; nothing is watched, so MWAIT does not wait. */
  static final class Monitor extends Op {
    private final byte segment;
    private final long mask;

    Monitor(Insn insn) {
      this.segment = MemOp.segment(insn);
      this.mask = MemOp.mask(insn.addressSize);
    }

    @Override
    public Op exec(Cpu c) {
      if (c.cpl != 0) {
        throw c.undefined();
      }
      if ((c.r[Cpu.RCX] & LOW) != 0) {
        throw c.generalProtection(0);
      }
      c.mmu.read8(MemOp.readAddress(c, segment, c.r[Cpu.RAX] & mask, 1));
      return next;
    }
  }

  /** A hint: it may always wake at once. */
  static final class Mwait extends Op {
    @Override
    public Op exec(Cpu c) {
      if (c.cpl != 0) {
        throw c.undefined();
      }
      if ((c.r[Cpu.RCX] & LOW) != 0) {
        throw c.generalProtection(0);
      }
      return leave(c);
    }
  }

  /** CLFLUSH, CLFLUSHOPT, CLWB: an access to a byte, and nothing to write back. */
  static final class FlushLine extends MemOp {
    FlushLine(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.probeRead(readAddress(c, 1), 1);
      return next;
    }
  }

  /** Refetches what follows. */
  static final class Serialize extends Op {
    @Override
    public Op exec(Cpu c) {
      c.drainStores();
      return leave(c);
    }
  }

  static final class Lfence extends Op {
    @Override
    public Op exec(Cpu c) {
      VarHandle.loadLoadFence();
      return next;
    }
  }

  static final class Sfence extends Op {
    @Override
    public Op exec(Cpu c) {
      VarHandle.storeStoreFence();
      return next;
    }
  }

  static final class Mfence extends Op {
    @Override
    public Op exec(Cpu c) {
      VarHandle.fullFence();
      return next;
    }
  }
}
