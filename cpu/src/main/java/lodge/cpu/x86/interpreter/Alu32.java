package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/**
 * Two-operand arithmetic on 32-bit operands whose destination is a register: the hottest
 * instructions there are, so each has a class of its own. Forms that write memory are in {@link
 * AluMemory}.
 */
final class Alu32 {
  private Alu32() {}

  /** Register, register. */
  static Op registers(int operation, int dst, int src) {
    return switch (operation) {
      case Alu.ADD -> new AddRr(dst, src);
      case Alu.OR -> new OrRr(dst, src);
      case Alu.ADC -> new AdcRr(dst, src);
      case Alu.SBB -> new SbbRr(dst, src);
      case Alu.AND -> new AndRr(dst, src);
      case Alu.SUB -> new SubRr(dst, src);
      case Alu.XOR -> new XorRr(dst, src);
      case Alu.CMP -> new CmpRr(dst, src);
      case Alu.TEST -> new TestRr(dst, src);
      default -> throw new IllegalArgumentException("operation " + operation);
    };
  }

  /** Register, immediate. */
  static Op immediate(int operation, int dst, long imm) {
    return switch (operation) {
      case Alu.ADD -> new AddRi(dst, (int) imm);
      case Alu.OR -> new OrRi(dst, (int) imm);
      case Alu.ADC -> new AdcRi(dst, (int) imm);
      case Alu.SBB -> new SbbRi(dst, (int) imm);
      case Alu.AND -> new AndRi(dst, (int) imm);
      case Alu.SUB -> new SubRi(dst, (int) imm);
      case Alu.XOR -> new XorRi(dst, (int) imm);
      case Alu.CMP -> new CmpRi(dst, (int) imm);
      case Alu.TEST -> new TestRi(dst, (int) imm);
      default -> throw new IllegalArgumentException("operation " + operation);
    };
  }

  /** Register, memory. */
  static Op load(int operation, Insn insn, int offset) {
    return switch (operation) {
      case Alu.ADD -> new AddRm(insn, offset);
      case Alu.OR -> new OrRm(insn, offset);
      case Alu.ADC -> new AdcRm(insn, offset);
      case Alu.SBB -> new SbbRm(insn, offset);
      case Alu.AND -> new AndRm(insn, offset);
      case Alu.SUB -> new SubRm(insn, offset);
      case Alu.XOR -> new XorRm(insn, offset);
      case Alu.CMP -> new CmpRm(insn, offset);
      case Alu.TEST -> new TestRm(insn, offset);
      default -> throw new IllegalArgumentException("operation " + operation);
    };
  }

  private abstract static class Rr extends Op {
    final byte dst;
    final byte src;

    Rr(int dst, int src) {
      this.dst = (byte) dst;
      this.src = (byte) src;
    }
  }

  private abstract static class Ri extends Op {
    final byte dst;
    final int imm;

    Ri(int dst, int imm) {
      this.dst = (byte) dst;
      this.imm = imm;
    }
  }

  private abstract static class Rm extends MemOp {
    final byte dst;

    Rm(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
    }
  }

  private static final class AddRr extends Rr {
    AddRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.add32(c, (int) r[dst], (int) r[src]) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AddRi extends Ri {
    AddRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.add32(c, (int) r[dst], imm) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AddRm extends Rm {
    AddRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      r[dst] = Alu.add32(c, (int) r[dst], value) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class OrRr extends Rr {
    OrRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] | (int) r[src]) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class OrRi extends Ri {
    OrRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] | imm) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class OrRm extends Rm {
    OrRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] | value) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AdcRr extends Rr {
    AdcRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.adc32(c, (int) r[dst], (int) r[src]) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AdcRi extends Ri {
    AdcRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.adc32(c, (int) r[dst], imm) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AdcRm extends Rm {
    AdcRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      r[dst] = Alu.adc32(c, (int) r[dst], value) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class SbbRr extends Rr {
    SbbRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.sbb32(c, (int) r[dst], (int) r[src]) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class SbbRi extends Ri {
    SbbRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.sbb32(c, (int) r[dst], imm) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class SbbRm extends Rm {
    SbbRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      r[dst] = Alu.sbb32(c, (int) r[dst], value) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AndRr extends Rr {
    AndRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] & (int) r[src]) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AndRi extends Ri {
    AndRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] & imm) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class AndRm extends Rm {
    AndRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] & value) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class SubRr extends Rr {
    SubRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.sub32(c, (int) r[dst], (int) r[src]) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class SubRi extends Ri {
    SubRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.sub32(c, (int) r[dst], imm) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class SubRm extends Rm {
    SubRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      r[dst] = Alu.sub32(c, (int) r[dst], value) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class XorRr extends Rr {
    XorRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] ^ (int) r[src]) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class XorRi extends Ri {
    XorRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] ^ imm) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class XorRm extends Rm {
    XorRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      r[dst] = Alu.logic32(c, (int) r[dst] ^ value) & 0xFFFF_FFFFL;
      return next;
    }
  }

  private static final class CmpRr extends Rr {
    CmpRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      Alu.sub32(c, (int) r[dst], (int) r[src]);
      return next;
    }
  }

  private static final class CmpRi extends Ri {
    CmpRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      Alu.sub32(c, (int) r[dst], imm);
      return next;
    }
  }

  private static final class CmpRm extends Rm {
    CmpRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      Alu.sub32(c, (int) r[dst], value);
      return next;
    }
  }

  private static final class TestRr extends Rr {
    TestRr(int dst, int src) {
      super(dst, src);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      Alu.logic32(c, (int) r[dst] & (int) r[src]);
      return next;
    }
  }

  private static final class TestRi extends Ri {
    TestRi(int dst, int imm) {
      super(dst, imm);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      Alu.logic32(c, (int) r[dst] & imm);
      return next;
    }
  }

  private static final class TestRm extends Rm {
    TestRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      int value = c.mmu.read32(readAddress(c, 4));
      long[] r = c.r;
      Alu.logic32(c, (int) r[dst] & value);
      return next;
    }
  }
}
