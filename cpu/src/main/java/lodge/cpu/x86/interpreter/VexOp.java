package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.decode.Insn;

/**
 * What the VEX-encoded vector ops have in common. They write whole YMM registers: lanes that the
 * instruction does not speak of become 0. Their memory operands need not be aligned, but for those
 * of the instructions whose names say so.
 */
abstract class VexOp extends SimdOp {
  /** Index in {@link Cpu#xmm} of the lowest lane of the register that VEX.vvvv names. */
  final byte first;

  /** VEX.L: 256 bits. */
  final boolean wide;

  VexOp(Insn insn, int offset) {
    super(insn, offset);
    this.first = (byte) (4 * insn.vexRegister);
    this.wide = insn.vexL != 0;
  }

  /** #UD where VEX or AVX is not enabled, #NM with CR0.TS set (SDM volume 2, 2.7). */
  static void checkAvx(Cpu c) {
    if (!c.avxReady) {
      throw unavailable(c);
    }
  }

  private static CpuException unavailable(Cpu c) {
    return c.fault(c.avxEnabled() ? Vector.NM : Vector.UD);
  }

  /**
   * Index in {@link Cpu#xmm} of the lowest lane of a source of 16 or 32 bytes: that of the
   * register, or where a memory operand was loaded to.
   */
  final int source(Cpu c) {
    if (rm >= 0) {
      return rm;
    }
    if (wide) {
      c.mmu.read256(readAddress(c, 32), c.xmm, Cpu.OPERAND);
    } else {
      read128(c, readAddress(c, 16));
    }
    return Cpu.OPERAND;
  }

  /** As {@link #source}, of 16 bytes whatever the vector length. */
  final int source128(Cpu c) {
    if (rm >= 0) {
      return rm;
    }
    read128(c, readAddress(c, 16));
    return Cpu.OPERAND;
  }

  private static void read128(Cpu c, long gva) {
    c.xmm[Cpu.OPERAND] = c.mmu.readLane(gva);
    c.xmm[Cpu.OPERAND + 1] = c.mmu.readLane(gva + 8);
  }

  /** Writes a 128-bit result. */
  final void put(Cpu c, long low, long high) {
    put(c, low, high, 0, 0);
  }

  final void put(Cpu c, long l0, long l1, long l2, long l3) {
    long[] x = c.xmm;
    x[reg] = l0;
    x[reg + 1] = l1;
    x[reg + 2] = l2;
    x[reg + 3] = l3;
  }

  /** The upper half of the destination becomes 0. */
  final void clearUpper(Cpu c) {
    c.xmm[reg + 2] = 0;
    c.xmm[reg + 3] = 0;
  }
}
