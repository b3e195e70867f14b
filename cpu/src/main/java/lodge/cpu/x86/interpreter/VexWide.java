package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/** A VEX op that does the same in each 16-byte half, with a source as wide as the destination. */
abstract class VexWide extends VexOp {
  VexWide(Insn insn, int offset) {
    super(insn, offset);
  }

  @Override
  public final Op exec(Cpu c) {
    checkAvx(c);
    long[] x = c.xmm;
    int b = source(c);
    half(c, 0, x[b], x[b + 1]);
    if (wide) {
      half(c, 2, x[b + 2], x[b + 3]);
    } else {
      clearUpper(c);
    }
    return next;
  }

  /**
   * Does it in one half.
   *
   * @param at 0 in the lower, 2 in the upper half: to be added to lane indexes
   * @param low the second source's lanes
   */
  abstract void half(Cpu c, int at, long low, long high);

  final void set(Cpu c, int at, long low, long high) {
    c.xmm[reg + at] = low;
    c.xmm[reg + at + 1] = high;
  }
}
