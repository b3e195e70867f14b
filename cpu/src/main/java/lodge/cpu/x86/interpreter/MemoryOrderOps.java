package lodge.cpu.x86.interpreter;

import java.lang.invoke.VarHandle;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.Crc32c;
import lodge.cpu.x86.vector.Mxcsr;

/**
 * What came with SSE but touches no vector register: MXCSR, fences, cache control, MOVNTI and
 * CRC32.
 */
final class MemoryOrderOps {
  private MemoryOrderOps() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case LDMXCSR -> new LoadControl(insn, offset);
      case STMXCSR -> new StoreControl(insn, offset);
      case LFENCE, SFENCE, MFENCE -> new Fence(insn.form.mnemonic());
      case PREFETCHNTA, PREFETCHT0, PREFETCHT1, PREFETCHT2, PREFETCHW -> new Hint();
      case CLFLUSH, CLFLUSHOPT, CLWB -> new CacheLine(insn, offset);
      case MOVNTI -> new StoreGeneral(insn, offset);
      case CRC32 -> new Checksum(insn, offset);
      default -> null;
    };
  }

  static final class LoadControl extends SimdOp {
    LoadControl(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      int value = c.mmu.read32(readAddress(c, 4));
      if ((value & ~Mxcsr.VALID) != 0) {
        throw c.generalProtection(0);
      }
      c.mxcsr = value;
      return next;
    }
  }

  static final class StoreControl extends SimdOp {
    StoreControl(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      c.mmu.write32(writeAddress(c, 4), c.mxcsr);
      return next;
    }
  }

  static final class Fence extends Op {
    private final Mnemonic mnemonic;

    Fence(Mnemonic mnemonic) {
      this.mnemonic = mnemonic;
    }

    @Override
    public Op exec(Cpu c) {
      switch (mnemonic) {
        case LFENCE -> VarHandle.acquireFence();
        case SFENCE -> VarHandle.releaseFence();
        default -> VarHandle.fullFence();
      }
      return next;
    }
  }

  /** Prefetches: they do not even fault. */
  static final class Hint extends Op {
    @Override
    public Op exec(Cpu c) {
      return next;
    }
  }

  /** There is no cache to write back, but the address is checked as that of a byte's read. */
  static final class CacheLine extends MemOp {
    CacheLine(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.probeRead(readAddress(c, 1), 1);
      return next;
    }
  }

  /** MOVNTI. */
  static final class StoreGeneral extends MemOp {
    private final byte from;
    private final int size;

    StoreGeneral(Insn insn, int offset) {
      super(insn, offset);
      from = (byte) insn.reg;
      size = insn.rexW ? 8 : 4;
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.write(writeAddress(c, size), size, c.r[from]);
      return next;
    }
  }

  /** CRC32. */
  static final class Checksum extends MemOp {
    private final byte to;
    private final byte from;
    private final int shift;
    private final int size;
    private final boolean memory;

    Checksum(Insn insn, int offset) {
      super(insn, offset);
      boolean bytes = insn.form.operands()[1].equals("Eb");
      // Without REX the byte registers 4 to 7 are AH, CH, DH and BH.
      boolean high = bytes && !insn.rex && insn.rm >= 4;
      to = (byte) insn.reg;
      from = (byte) (high ? insn.rm - 4 : insn.rm);
      shift = high ? 8 : 0;
      size = bytes ? 1 : insn.operandSize;
      memory = insn.memory;
    }

    @Override
    public Op exec(Cpu c) {
      long data = memory ? c.mmu.read(readAddress(c, size), size) : c.r[from] >>> shift;
      c.r[to] = Crc32c.update((int) c.r[to], data, size) & 0xFFFF_FFFFL;
      return next;
    }
  }
}
