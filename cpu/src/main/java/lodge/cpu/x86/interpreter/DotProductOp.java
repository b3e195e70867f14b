package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.FloatOperation;
import lodge.cpu.x86.vector.SimdFloat;

/**
 * DPPD and DPPS: the products, then their sums, each a rounded step that may fault by itself.
 *
 * <p>The processor adds in another order for each element of the result. That shows only when NaNs
 * meet: the first operand's is the one that survives.
 */
final class DotProductOp extends WideOp {
  private final boolean wide;
  private final int control;

  DotProductOp(Insn insn, int offset) {
    super(insn, offset);
    wide = insn.form.mnemonic() == Mnemonic.DPPD;
    control = immediate(insn);
  }

  @Override
  void apply(Cpu c, long low, long high) {
    if (wide) {
      doubles(c, low, high);
    } else {
      singles(c, low, high);
    }
  }

  private boolean selected(int bit) {
    return (control >> bit & 1) != 0;
  }

  private void doubles(Cpu c, long low, long high) {
    SimdFloat e = c.simd.begin(c);
    long first = selected(4) ? e.multiply64(c.xmm[reg], low) : 0;
    long second = selected(5) ? e.multiply64(c.xmm[reg + 1], high) : 0;
    e.commit(c);
    e.begin(c);
    long sum = e.add64(first, second);
    long swapped = e.add64(second, first);
    e.commit(c);
    c.xmm[reg] = selected(0) ? sum : 0;
    c.xmm[reg + 1] = selected(1) ? swapped : 0;
  }

  private void singles(Cpu c, long low, long high) {
    SimdFloat e = c.simd.begin(c);
    int p0 = product(e, 4, c.xmm[reg], low);
    int p1 = product(e, 5, c.xmm[reg] >>> 32, low >>> 32);
    int p2 = product(e, 6, c.xmm[reg + 1], high);
    int p3 = product(e, 7, c.xmm[reg + 1] >>> 32, high >>> 32);
    e.commit(c);
    e.begin(c);
    int evenLow = e.add32(p1, p0);
    int evenHigh = e.add32(p3, p2);
    int oddLow = e.add32(p0, p1);
    int oddHigh = e.add32(p2, p3);
    e.commit(c);
    e.begin(c);
    int s0 = e.add32(evenLow, evenHigh);
    int s1 = e.add32(oddLow, oddHigh);
    int s2 = e.add32(evenHigh, evenLow);
    int s3 = e.add32(oddHigh, oddLow);
    e.commit(c);
    c.xmm[reg] = FloatOperation.singles(selected(0) ? s0 : 0, selected(1) ? s1 : 0);
    c.xmm[reg + 1] = FloatOperation.singles(selected(2) ? s2 : 0, selected(3) ? s3 : 0);
  }

  private int product(SimdFloat e, int bit, long a, long b) {
    return selected(bit) ? e.multiply32((int) a, (int) b) : 0;
  }
}
