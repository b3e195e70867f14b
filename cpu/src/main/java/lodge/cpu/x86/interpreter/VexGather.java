package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;

/**
 * Gathers: each element comes from its own address, which a vector register's indices give.
 *
 * <p>Elements are read from the lowest on. One that was read is entered in the destination and its
 * mask becomes 0, so that the instruction can be started again after a fault in a later one. When
 * that happens under single-step, the trap comes in lieu of the fault. There are no alignment
 * checks.
 */
final class VexGather extends VexOp {
  /** Bytes of an element. */
  private final byte size;

  private final boolean wideIndices;
  private final byte elements;

  /** Index in {@link Cpu#xmm} of the lowest lane of the indices. */
  private final byte indices;

  private final byte scale;

  private VexGather(Insn insn, int offset, int vector, int scale, int size, boolean wideIndices) {
    super(insn, offset);
    this.size = (byte) size;
    this.wideIndices = wideIndices;
    this.elements = (byte) ((wide ? 32 : 16) / Math.max(size, wideIndices ? 8 : 4));
    this.indices = (byte) (4 * vector);
    this.scale = (byte) scale;
  }

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case VPGATHERDD, VGATHERDPS -> link(insn, offset, 4, false);
      case VPGATHERDQ, VGATHERDPD -> link(insn, offset, 8, false);
      case VPGATHERQD, VGATHERQPS -> link(insn, offset, 4, true);
      case VPGATHERQQ, VGATHERQPD -> link(insn, offset, 8, true);
      default -> null;
    };
  }

  private static Op link(Insn insn, int offset, int size, boolean wideIndices) {
    int vector = insn.index;
    int scale = insn.scale;
    // What remains is the address that the indices are added to.
    insn.index = Cpu.ZERO;
    insn.scale = 0;
    return new VexGather(insn, offset, vector, scale, size, wideIndices);
  }

  @Override
  public Op exec(Cpu c) {
    checkAvx(c);
    expandMask(c.xmm);
    if ((c.eflags & Flags.TF) != 0) {
      return stepped(c);
    }
    gather(c);
    return next;
  }

  private Op stepped(Cpu c) {
    long cr2 = c.cr2;
    int selected = selected(c.xmm);
    try {
      gather(c);
      return next;
    } catch (CpuException fault) {
      if (selected(c.xmm) == selected) {
        throw fault;
      }
      c.cr2 = cr2;
      c.eflags |= Flags.RF;
      c.rip = rip(c);
      return null;
    }
  }

  private int selected(long[] x) {
    int count = 0;
    for (int i = 0; i < elements; i++) {
      count += get(x, first, i, size) != 0 ? 1 : 0;
    }
    return count;
  }

  private void gather(Cpu c) {
    long[] x = c.xmm;
    long base = effectiveAddress(c);
    for (int i = 0; i < elements; i++) {
      if (get(x, first, i, size) != 0) {
        long gva = readAddressAt(c, wrap(base + (index(x, i) << scale)), size);
        set(x, reg, i, size == 8 ? c.mmu.readLane(gva) : c.mmu.readHalfLane(gva) & 0xFFFF_FFFFL);
        set(x, first, i, 0);
        if (!wide) {
          x[reg + 2] = 0;
          x[reg + 3] = 0;
        }
      }
    }
    for (int lane = elements * size / 8; lane < 4; lane++) {
      x[reg + lane] = 0;
    }
    for (int lane = 0; lane < 4; lane++) {
      x[first + lane] = 0;
    }
  }

  /**
   * All bits of a mask element become its top bit, also of those that have no index; beyond the
   * vector length all become 0.
   */
  private void expandMask(long[] x) {
    int count = (wide ? 32 : 16) / size;
    for (int i = 0; i < count; i++) {
      boolean selected = get(x, first, i, size) >>> 8 * size - 1 != 0;
      set(x, first, i, selected ? -1L >>> 64 - 8 * size : 0);
    }
    if (!wide) {
      x[first + 2] = 0;
      x[first + 3] = 0;
    }
  }

  private long index(long[] x, int i) {
    return wideIndices ? x[indices + i] : (int) get(x, indices, i, 4);
  }

  /** An element of 4 or 8 bytes, zero-extended. */
  private static long get(long[] x, int register, int i, int size) {
    return size == 8 ? x[register + i] : x[register + (i >> 1)] >>> 32 * (i & 1) & 0xFFFF_FFFFL;
  }

  private void set(long[] x, int register, int i, long value) {
    if (size == 8) {
      x[register + i] = value;
    } else {
      int shift = 32 * (i & 1);
      int lane = register + (i >> 1);
      x[lane] = x[lane] & ~(0xFFFF_FFFFL << shift) | value << shift;
    }
  }
}
