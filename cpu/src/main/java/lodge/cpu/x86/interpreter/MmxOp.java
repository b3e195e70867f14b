package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/** An MMX op whose source is an MMX register or memory. */
abstract class MmxOp extends MemOp {
  /** Register that ModRM.reg names, 0 to 7. */
  final byte reg;

  /** Register that ModRM.rm names, 0 to 7; -1 when that is memory. */
  final byte rm;

  MmxOp(Insn insn, int offset) {
    super(insn, offset);
    this.reg = (byte) (insn.reg & 7);
    this.rm = (byte) (insn.memory ? -1 : insn.rm & 7);
  }

  /**
   * @param size bytes in memory: 2, 4 or 8
   */
  final long source(Cpu c, int size) {
    return rm >= 0 ? c.x87.mmx(rm) : c.mmu.read(readAddress(c, size), size);
  }

  /** Ends an instruction that writes an MMX register. */
  final void write(Cpu c, int register, long value) {
    c.x87.enterMmx();
    c.x87.setMmx(register, value);
  }
}
