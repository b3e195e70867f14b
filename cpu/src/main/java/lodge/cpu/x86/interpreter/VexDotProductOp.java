package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.FloatOperation;
import lodge.cpu.x86.vector.SimdFloat;

/** VDPPD and VDPPS, step by step as {@link DotProductOp}: each step on both halves. */
final class VexDotProductOp extends VexOp {
  private final boolean doubles;
  private final int control;

  VexDotProductOp(Insn insn, int offset) {
    super(insn, offset);
    doubles = insn.form.mnemonic() == Mnemonic.VDPPD;
    control = immediate(insn);
  }

  @Override
  public Op exec(Cpu c) {
    checkAvx(c);
    int b = source(c);
    if (doubles) {
      doubles(c, b);
    } else {
      singles(c, b);
    }
    return next;
  }

  private boolean selected(int bit) {
    return (control >> bit & 1) != 0;
  }

  private void doubles(Cpu c, int b) {
    long[] x = c.xmm;
    SimdFloat e = c.simd.begin(c);
    long p0 = selected(4) ? e.multiply64(x[first], x[b]) : 0;
    long p1 = selected(5) ? e.multiply64(x[first + 1], x[b + 1]) : 0;
    e.commit(c);
    e.begin(c);
    long sum = e.add64(p0, p1);
    long swapped = e.add64(p1, p0);
    e.commit(c);
    put(c, selected(0) ? sum : 0, selected(1) ? swapped : 0);
  }

  private void singles(Cpu c, int b) {
    long[] x = c.xmm;
    SimdFloat e = c.simd.begin(c);
    long p0 = products(e, x[first], x[b], 4);
    long p1 = products(e, x[first + 1], x[b + 1], 6);
    long p2 = wide ? products(e, x[first + 2], x[b + 2], 4) : 0;
    long p3 = wide ? products(e, x[first + 3], x[b + 3], 6) : 0;
    e.commit(c);
    e.begin(c);
    long s0 = pairSums(e, p0);
    long s1 = pairSums(e, p1);
    long s2 = wide ? pairSums(e, p2) : 0;
    long s3 = wide ? pairSums(e, p3) : 0;
    e.commit(c);
    e.begin(c);
    long l0 = sums(e, s0, s1, 0);
    long l1 = sums(e, s1, s0, 2);
    long l2 = wide ? sums(e, s2, s3, 0) : 0;
    long l3 = wide ? sums(e, s3, s2, 2) : 0;
    e.commit(c);
    put(c, l0, l1, l2, l3);
  }

  private long products(SimdFloat e, long a, long b, int bit) {
    return FloatOperation.singles(
        selected(bit) ? e.multiply32((int) a, (int) b) : 0,
        selected(bit + 1) ? e.multiply32((int) (a >>> 32), (int) (b >>> 32)) : 0);
  }

  /** The sum of both products in either order. */
  private static long pairSums(SimdFloat e, long products) {
    int low = (int) products;
    int high = (int) (products >>> 32);
    return FloatOperation.singles(e.add32(high, low), e.add32(low, high));
  }

  private long sums(SimdFloat e, long a, long b, int bit) {
    int low = e.add32((int) a, (int) b);
    int high = e.add32((int) (a >>> 32), (int) (b >>> 32));
    return FloatOperation.singles(selected(bit) ? low : 0, selected(bit + 1) ? high : 0);
  }
}
