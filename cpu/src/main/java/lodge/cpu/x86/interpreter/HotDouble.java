package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.SimdFloat;

/** Double-precision arithmetic as compiled loops use it: a class a form. */
final class HotDouble {
  private HotDouble() {}

  static Op link(Insn insn, int offset) {
    boolean memory = insn.memory;
    return switch (insn.form.mnemonic()) {
      case ADDSD -> memory ? new AddMemory(insn, offset) : new Add(insn, offset);
      case SUBSD -> memory ? new SubtractMemory(insn, offset) : new Subtract(insn, offset);
      case MULSD -> memory ? new MultiplyMemory(insn, offset) : new Multiply(insn, offset);
      case DIVSD -> memory ? new DivideMemory(insn, offset) : new Divide(insn, offset);
      case ADDPD -> memory ? new AddPackedMemory(insn, offset) : new AddPacked(insn, offset);
      case MULPD ->
          memory ? new MultiplyPackedMemory(insn, offset) : new MultiplyPacked(insn, offset);
      default -> null;
    };
  }

  static final class Add extends SimdOp {
    Add(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.xmm[rm];
      SimdFloat e = c.simd.begin(c);
      long result = e.add64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class AddMemory extends SimdOp {
    AddMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.mmu.read64(readAddress(c, 8));
      SimdFloat e = c.simd.begin(c);
      long result = e.add64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class Subtract extends SimdOp {
    Subtract(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.xmm[rm];
      SimdFloat e = c.simd.begin(c);
      long result = e.subtract64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class SubtractMemory extends SimdOp {
    SubtractMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.mmu.read64(readAddress(c, 8));
      SimdFloat e = c.simd.begin(c);
      long result = e.subtract64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class Multiply extends SimdOp {
    Multiply(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.xmm[rm];
      SimdFloat e = c.simd.begin(c);
      long result = e.multiply64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class MultiplyMemory extends SimdOp {
    MultiplyMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.mmu.read64(readAddress(c, 8));
      SimdFloat e = c.simd.begin(c);
      long result = e.multiply64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class Divide extends SimdOp {
    Divide(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.xmm[rm];
      SimdFloat e = c.simd.begin(c);
      long result = e.divide64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class DivideMemory extends SimdOp {
    DivideMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long source = c.mmu.read64(readAddress(c, 8));
      SimdFloat e = c.simd.begin(c);
      long result = e.divide64(c.xmm[reg], source);
      e.commit(c);
      c.xmm[reg] = result;
      return next;
    }
  }

  static final class AddPacked extends SimdOp {
    AddPacked(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long sourceLow = c.xmm[rm];
      long sourceHigh = c.xmm[rm + 1];
      SimdFloat e = c.simd.begin(c);
      long low = e.add64(c.xmm[reg], sourceLow);
      long high = e.add64(c.xmm[reg + 1], sourceHigh);
      e.commit(c);
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
      return next;
    }
  }

  static final class AddPackedMemory extends SimdOp {
    AddPackedMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long sourceLow = c.mmu.read64(gva);
      long sourceHigh = c.mmu.read64(gva + 8);
      SimdFloat e = c.simd.begin(c);
      long low = e.add64(c.xmm[reg], sourceLow);
      long high = e.add64(c.xmm[reg + 1], sourceHigh);
      e.commit(c);
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
      return next;
    }
  }

  static final class MultiplyPacked extends SimdOp {
    MultiplyPacked(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long sourceLow = c.xmm[rm];
      long sourceHigh = c.xmm[rm + 1];
      SimdFloat e = c.simd.begin(c);
      long low = e.multiply64(c.xmm[reg], sourceLow);
      long high = e.multiply64(c.xmm[reg + 1], sourceHigh);
      e.commit(c);
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
      return next;
    }
  }

  static final class MultiplyPackedMemory extends SimdOp {
    MultiplyPackedMemory(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long gva = alignedRead(c);
      long sourceLow = c.mmu.read64(gva);
      long sourceHigh = c.mmu.read64(gva + 8);
      SimdFloat e = c.simd.begin(c);
      long low = e.multiply64(c.xmm[reg], sourceLow);
      long high = e.multiply64(c.xmm[reg + 1], sourceHigh);
      e.commit(c);
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
      return next;
    }
  }
}
