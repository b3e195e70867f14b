package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Segmentation;
import lodge.cpu.x86.decode.Insn;

/**
 * An op that may have a memory operand. The address is always base + index * scale + displacement,
 * cut to the address size, plus a segment base; absent parts name registers that hold 0, so there
 * is nothing to branch on.
 */
abstract class MemOp extends Op {
  private final byte base;
  private final byte index;
  private final byte scale;

  /** Segment whose base is added; {@link Cpu#FLAT} for ES, CS, SS and DS in 64-bit mode. */
  private final byte segment;

  /** The segment as named, for fault vectors. */
  private final boolean stack;

  /** Outside 64-bit mode limits and access rights have to be checked. */
  private final boolean checked;

  private final long mask;
  private final long disp;

  /**
   * @param offset the instruction's offset in its code page, which RIP-relative displacements
   *     include from here on
   */
  MemOp(Insn insn, int offset) {
    boolean mode64 = insn.codeSize == 8;
    this.base = (byte) insn.base;
    this.index = (byte) insn.index;
    this.scale = (byte) insn.scale;
    this.segment = segment(insn);
    this.stack = insn.segment == Cpu.SS;
    this.checked = !mode64;
    this.mask = mask(insn.addressSize);
    this.disp = insn.base == Cpu.CODE_BASE ? insn.disp + offset + insn.length : insn.disp;
  }

  /** The segment whose base counts: {@link Cpu#FLAT} for ES, CS, SS and DS in 64-bit mode. */
  static byte segment(Insn insn) {
    return (byte) (insn.codeSize == 8 && insn.segment < Cpu.FS ? Cpu.FLAT : insn.segment);
  }

  /** What an address size in bytes leaves of an offset. */
  static long mask(int addressSize) {
    return addressSize == 8 ? -1L : addressSize == 4 ? 0xFFFF_FFFFL : 0xFFFFL;
  }

  /** The linear address (GVA) of a read of {@code size} bytes at an offset in any mode. */
  static long readAddress(Cpu c, int segment, long offset, int size) {
    if (c.codeKey != Cpu.CODE_64) {
      Segmentation.checkRead(c, segment, offset, size);
      return c.segBase[segment] + offset & 0xFFFF_FFFFL;
    }
    return c.segBase[segment] + offset;
  }

  /** The linear address (GVA) of a write of {@code size} bytes at an offset in any mode. */
  static long writeAddress(Cpu c, int segment, long offset, int size) {
    if (c.codeKey != Cpu.CODE_64) {
      Segmentation.checkWrite(c, segment, offset, size);
      return c.segBase[segment] + offset & 0xFFFF_FFFFL;
    }
    return c.segBase[segment] + offset;
  }

  /** The offset in the segment: what LEA yields before it is cut to the operand size. */
  final long effectiveAddress(Cpu c) {
    long[] r = c.r;
    return r[base] + (r[index] << scale) + disp & mask;
  }

  /** The linear address (GVA) of a read of {@code size} bytes. */
  final long readAddress(Cpu c, int size) {
    long offset = effectiveAddress(c);
    if (checked) {
      Segmentation.checkRead(c, segment, offset, size);
      return c.segBase[segment] + offset & 0xFFFF_FFFFL;
    }
    return c.segBase[segment] + offset;
  }

  /**
   * The linear address (GVA) of a write, or of a read that a write follows, of {@code size} bytes.
   */
  final long writeAddress(Cpu c, int size) {
    long offset = effectiveAddress(c);
    if (checked) {
      Segmentation.checkWrite(c, segment, offset, size);
      return c.segBase[segment] + offset & 0xFFFF_FFFFL;
    }
    return c.segBase[segment] + offset;
  }

  /** An offset cut to the address size. */
  final long wrap(long offset) {
    return offset & mask;
  }

  /** As {@link #readAddress(Cpu, int)}, at another offset in the same segment. */
  final long readAddressAt(Cpu c, long offset, int size) {
    return readAddress(c, segment, offset, size);
  }

  /** As {@link #writeAddress(Cpu, int)}, at another offset in the same segment. */
  final long writeAddressAt(Cpu c, long offset, int size) {
    return writeAddress(c, segment, offset, size);
  }

  /** As {@link #writeAddress(Cpu, int)}, {@code displacement} bytes further on. */
  final long writeAddress(Cpu c, int displacement, int size) {
    return writeAddress(c, segment, effectiveAddress(c) + displacement & mask, size);
  }

  @Override
  public final boolean stackSegment() {
    return stack;
  }
}
