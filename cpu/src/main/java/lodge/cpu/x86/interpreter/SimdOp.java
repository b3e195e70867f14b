package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.decode.Insn;

/** What the MMX and SSE ops have in common: their operands, and whether they may run at all. */
abstract class SimdOp extends MemOp {
  /** Index in {@link Cpu#xmm} of the lowest lane of the register that ModRM.reg names. */
  final byte reg;

  /** The same for ModRM.rm; -1 when that is memory. */
  final byte rm;

  /** VEX-encoded: other rules say whether it may run. */
  final boolean vex;

  SimdOp(Insn insn, int offset) {
    super(insn, offset);
    this.vex = insn.vex;
    this.reg = (byte) (4 * insn.reg);
    this.rm = (byte) (insn.memory ? -1 : 4 * insn.rm);
  }

  /** #UD with CR0.EM set or CR4.OSFXSR clear, #NM with CR0.TS set (SDM volume 3, 2.5 and 13.1). */
  static void check(Cpu c) {
    if (!c.sseReady) {
      throw unavailable(c);
    }
  }

  /** For what exists in both encodings: {@link #check} or {@link VexOp#checkAvx}. */
  final void checkEncoding(Cpu c) {
    if (vex) {
      VexOp.checkAvx(c);
    } else {
      check(c);
    }
  }

  private static CpuException unavailable(Cpu c) {
    boolean undefined = (c.cr0 & Cpu.CR0_EM) != 0 || (c.cr4 & Cpu.CR4_OSFXSR) == 0;
    return c.fault(undefined ? Vector.UD : Vector.NM);
  }

  /** The GVA of a 16-byte source that has to be aligned. */
  final long alignedRead(Cpu c) {
    long gva = readAddress(c, 16);
    if ((gva & 15) != 0) {
      throw c.generalProtection(0);
    }
    return gva;
  }

  /** The GVA of a 16-byte destination that has to be aligned. */
  final long alignedWrite(Cpu c) {
    long gva = writeAddress(c, 16);
    if ((gva & 15) != 0) {
      throw c.generalProtection(0);
    }
    return gva;
  }

  /**
   * A register or memory source that is no wider than a lane.
   *
   * @param size bytes in memory: 1, 2, 4 or 8
   * @return zero-extended from memory, the whole low lane from a register
   */
  final long narrow(Cpu c, int size) {
    return rm >= 0 ? c.xmm[rm] : c.mmu.read(readAddress(c, size), size);
  }

  /** The immediate byte. */
  static int immediate(Insn insn) {
    return (int) insn.imm & 0xFF;
  }
}
