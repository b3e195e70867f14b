package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;

/** BT and its kin, bit scans and counts. */
final class BitOps {
  static final int BT = 0;
  static final int BTS = 1;
  static final int BTR = 2;
  static final int BTC = 3;

  private BitOps() {}

  static long change(int operation, long value, long bit) {
    return switch (operation) {
      case BTS -> value | bit;
      case BTR -> value & ~bit;
      default -> value ^ bit;
    };
  }

  /** The bit offset is an immediate, or a register and the operand is a register. */
  static final class BitTest extends RmOp {
    private final byte operation;
    private final boolean immediate;
    private final byte bit;

    BitTest(Insn insn, int offset, int operation, boolean immediate) {
      super(insn, offset);
      this.operation = (byte) operation;
      this.immediate = immediate;
      this.bit = (byte) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      int position = (immediate ? bit : (int) c.r[reg]) & 8 * size - 1;
      if (operation == BT) {
        Flags.setCf(c, (load(c) >>> position & 1) != 0);
        return next;
      }
      long gva = address(c);
      long value = loadAt(c, gva);
      storeAt(c, gva, change(operation, value, 1L << position));
      Flags.setCf(c, (value >>> position & 1) != 0);
      return next;
    }
  }

  /** A bit string in memory: the register's signed offset reaches beyond the operand. */
  static final class BitString extends Op {
    private final byte operation;
    private final byte size;
    private final byte reg;
    private final Displaced operand;

    BitString(Insn insn, int offset, int operation) {
      this.operation = (byte) operation;
      this.size = (byte) insn.operandSize;
      this.reg = (byte) insn.reg;
      this.operand = new Displaced(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long bitOffset = Alu.signExtend(size, c.r[reg]);
      int log = size == 8 ? 6 : size == 4 ? 5 : 4;
      long displacement = (bitOffset >> log) * size;
      int position = (int) bitOffset & 8 * size - 1;
      if (operation == BT) {
        long value = c.mmu.read(operand.readAddress(c, displacement, size), size);
        Flags.setCf(c, (value >>> position & 1) != 0);
        return next;
      }
      long gva = operand.writeAddress(c, displacement, size);
      c.mmu.probeWrite(gva, size);
      long value = c.mmu.read(gva, size);
      c.mmu.write(gva, size, change(operation, value, 1L << position));
      Flags.setCf(c, (value >>> position & 1) != 0);
      return next;
    }

    @Override
    public boolean stackSegment() {
      return operand.stackSegment();
    }
  }

  /** A memory operand with something added to its offset. */
  private static final class Displaced extends MemOp {
    private final byte segment;
    private final long mask;

    Displaced(Insn insn, int offset) {
      super(insn, offset);
      this.segment = segment(insn);
      this.mask = mask(insn.addressSize);
    }

    long readAddress(Cpu c, long displacement, int size) {
      return MemOp.readAddress(c, segment, effectiveAddress(c) + displacement & mask, size);
    }

    long writeAddress(Cpu c, long displacement, int size) {
      return MemOp.writeAddress(c, segment, effectiveAddress(c) + displacement & mask, size);
    }

    @Override
    public Op exec(Cpu c) {
      throw new AssertionError("an operand only");
    }
  }

  /**
   * BSF and BSR. With a source of 0 the destination stays, which software relies on. Of the
   * undefined flags, PF is the parity of the index and the others are clear, as Intel's processors
   * leave them.
   */
  static final class BitScan extends RmOp {
    private final boolean reverse;

    BitScan(Insn insn, int offset, boolean reverse) {
      super(insn, offset);
      this.reverse = reverse;
    }

    @Override
    public Op exec(Cpu c) {
      long value = load(c);
      if (value == 0) {
        c.flagResult = 0;
        c.flagAux = 0;
        return next;
      }
      int index =
          reverse ? 63 - Long.numberOfLeadingZeros(value) : Long.numberOfTrailingZeros(value);
      storeReg(c, index);
      c.flagResult = 1;
      c.flagAux = (Integer.bitCount(index) & 1) == 0 ? 0x100 : 0;
      return next;
    }
  }

  static final class Lzcnt extends RmOp {
    Lzcnt(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long value = load(c);
      int count = Long.numberOfLeadingZeros(value) - (64 - 8 * size);
      countFlags(c, value, count);
      storeReg(c, count);
      return next;
    }
  }

  static final class Tzcnt extends RmOp {
    Tzcnt(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long value = load(c);
      int count = Math.min(Long.numberOfTrailingZeros(value), 8 * size);
      countFlags(c, value, count);
      storeReg(c, count);
      return next;
    }
  }

  private static void countFlags(Cpu c, long value, int count) {
    c.flagResult = count == 0 ? 0 : 1;
    c.flagAux = (value == 0 ? Flags.AUX_CF | Flags.AUX_PO : 0) | (count == 0 ? 0x100 : 0);
  }

  static final class Popcnt extends RmOp {
    Popcnt(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long value = load(c);
      storeReg(c, Long.bitCount(value));
      Flags.setArithmetic(c, value == 0 ? Flags.ZF : 0);
      return next;
    }
  }
}
