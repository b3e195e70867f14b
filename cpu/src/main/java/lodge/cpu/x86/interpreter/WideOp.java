package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/** An op with a 16-byte source, register or memory, that has to be aligned there. */
abstract class WideOp extends SimdOp {
  WideOp(Insn insn, int offset) {
    super(insn, offset);
  }

  @Override
  public final Op exec(Cpu c) {
    check(c);
    if (rm >= 0) {
      apply(c, c.xmm[rm], c.xmm[rm + 1]);
    } else {
      long gva = alignedRead(c);
      apply(c, c.mmu.read64(gva), c.mmu.read64(gva + 8));
    }
    return next;
  }

  /** Does it, with the source's lanes. */
  abstract void apply(Cpu c, long low, long high);
}
