package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/**
 * An op with an operand in register or memory (ModRM.rm) of any size: the base of all that is not
 * hot.
 */
abstract class RmOp extends MemOp {
  final boolean memory;
  final byte size;
  final byte rm;

  /** ModRM.reg as a register code of the same size. */
  final byte reg;

  /**
   * @param size of both operands in bytes
   */
  RmOp(Insn insn, int offset, int size) {
    super(insn, offset);
    this.memory = insn.memory;
    this.size = (byte) size;
    this.rm = (byte) (insn.memory ? 0 : Registers.code(insn, insn.rm, size));
    this.reg = (byte) Registers.code(insn, insn.reg, size);
  }

  RmOp(Insn insn, int offset) {
    this(insn, offset, insn.operandSize);
  }

  /** The operand, zero-extended. */
  final long load(Cpu c) {
    return memory ? c.mmu.read(readAddress(c, size), size) : Registers.read(c.r, rm, size);
  }

  /** First step of a change: the address, checked for writing. */
  final long address(Cpu c) {
    if (!memory) {
      return 0;
    }
    long gva = writeAddress(c, size);
    c.mmu.probeWrite(gva, size);
    return gva;
  }

  /** The operand at what {@link #address} returned, zero-extended. */
  final long loadAt(Cpu c, long gva) {
    return memory ? c.mmu.read(gva, size) : Registers.read(c.r, rm, size);
  }

  final void storeAt(Cpu c, long gva, long value) {
    if (memory) {
      c.mmu.write(gva, size, value);
    } else {
      Registers.write(c.r, rm, size, value);
    }
  }

  /** The register operand, zero-extended. */
  final long loadReg(Cpu c) {
    return Registers.read(c.r, reg, size);
  }

  final void storeReg(Cpu c, long value) {
    Registers.write(c.r, reg, size, value);
  }
}
