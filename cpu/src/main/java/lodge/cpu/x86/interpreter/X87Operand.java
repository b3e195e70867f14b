package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Conversions;
import lodge.cpu.x86.x87.X87;

/** An x87 op with a memory operand. */
abstract class X87Operand extends MemOp {
  static final int SINGLE = 0;
  static final int DOUBLE = 1;
  static final int INT16 = 2;
  static final int INT32 = 3;
  static final int INT64 = 4;
  static final int BCD = 5;

  /** FOP: the low three bits of the first opcode byte, then ModRM. */
  private final short opcode;

  X87Operand(Insn insn, int offset) {
    super(insn, offset);
    opcode = (short) X87Operand.opcode(insn);
  }

  static int opcode(Insn insn) {
    return (insn.opcode & 7) << 8 | insn.mod << 6 | (insn.reg & 7) << 3 | insn.rm & 7;
  }

  /** Reads a number of one of the formats above into {@link X87#number}. */
  final void read(Cpu c, X87 x, int format) {
    switch (format) {
      case SINGLE -> Conversions.fromSingle(x.number, c.mmu.read32(readAddress(c, 4)));
      case DOUBLE -> Conversions.fromDouble(x.number, c.mmu.read64(readAddress(c, 8)));
      case INT16 -> Conversions.fromInteger(x.number, (short) c.mmu.read16(readAddress(c, 2)));
      case INT32 -> Conversions.fromInteger(x.number, c.mmu.read32(readAddress(c, 4)));
      case INT64 -> Conversions.fromInteger(x.number, c.mmu.read64(readAddress(c, 8)));
      default -> {
        long gva = readAddress(c, 10);
        long low = c.mmu.read64(gva);
        Conversions.fromBcd(x.number, low, c.mmu.read16(gva + 8));
      }
    }
  }

  /**
   * Ends a store of {@link lodge.cpu.x86.x87.ExtFloat#sig}: first what may fault, then what may
   * not.
   */
  final Op store(Cpu c, X87 x, boolean stores, int size, boolean pop) {
    if (stores) {
      c.mmu.write(writeAddress(c, size), size, x.number.sig);
    }
    x.complete(x.number.flags);
    if (stores && pop) {
      x.pop();
    }
    return done(c, x);
  }

  /**
   * Records this instruction; the opcode and data pointer with an unmasked exception only, as
   * processors of today do.
   */
  final Op done(Cpu c, X87 x) {
    x.lastRip = rip(c);
    if ((x.status & X87.ES) != 0) {
      x.lastOpcode = opcode;
      x.lastDataPointer = effectiveAddress(c);
    }
    return next;
  }
}
