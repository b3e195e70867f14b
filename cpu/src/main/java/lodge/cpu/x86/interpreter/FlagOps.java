package lodge.cpu.x86.interpreter;

import java.security.SecureRandom;
import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Vector;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/** Single flags, LAHF and SAHF, decimal arithmetic, and what does nothing. */
final class FlagOps {
  private FlagOps() {}

  static final class Nop extends Op {
    @Override
    public Op exec(Cpu c) {
      return next;
    }
  }

  /**
   * PAUSE. Whoever spins waits for another processor, whose thread may be waiting for the host's
   * processor that this one uses up.
   */
  static final class Pause extends Op {
    private static final int PATIENCE = 512;

    private int spins;

    @Override
    public Op exec(Cpu c) {
      if (!c.mmu.codeWatch().single()) {
        Thread.onSpinWait();
        if (++spins % PATIENCE == 0) {
          Thread.yield();
        }
      }
      return next;
    }
  }

  /** Bytes that are no instruction here: #UD. */
  static final class Undefined extends Op {
    @Override
    public Op exec(Cpu c) {
      throw c.undefined();
    }
  }

  /** An instruction that is not all inside its code segment: #GP(0). */
  static final class BeyondLimit extends Op {
    @Override
    public Op exec(Cpu c) {
      throw c.generalProtection(0);
    }
  }

  /** More than 15 bytes: #GP(0). */
  static final class TooLong extends Op {
    @Override
    public Op exec(Cpu c) {
      throw c.generalProtection(0);
    }
  }

  static final class SetFlag extends Op {
    private final Mnemonic mnemonic;

    SetFlag(Mnemonic mnemonic) {
      this.mnemonic = mnemonic;
    }

    @Override
    public Op exec(Cpu c) {
      switch (mnemonic) {
        case CLC -> Flags.setCf(c, false);
        case STC -> Flags.setCf(c, true);
        case CMC -> Flags.setCf(c, !Flags.cf(c));
        case CLD -> c.eflags &= ~Flags.DF;
        default -> c.eflags |= Flags.DF;
      }
      return next;
    }
  }

  static final class Lahf extends Op {
    @Override
    public Op exec(Cpu c) {
      long ah = Flags.get(c) & 0xD7;
      c.r[Cpu.RAX] = c.r[Cpu.RAX] & ~0xFF00L | ah << 8;
      return next;
    }
  }

  static final class Sahf extends Op {
    @Override
    public Op exec(Cpu c) {
      Flags.setArithmetic(c, (int) (c.r[Cpu.RAX] >> 8) & 0xD5 | (Flags.of(c) ? Flags.OF : 0));
      return next;
    }
  }

  static final class Salc extends Op {
    @Override
    public Op exec(Cpu c) {
      Registers.write8(c.r, Cpu.RAX, Flags.cf(c) ? 0xFF : 0);
      return next;
    }
  }

  /** AAA, AAS, DAA, DAS (SDM volume 2). */
  static final class AdjustDecimal extends Op {
    private final Mnemonic mnemonic;

    AdjustDecimal(Mnemonic mnemonic) {
      this.mnemonic = mnemonic;
    }

    @Override
    public Op exec(Cpu c) {
      switch (mnemonic) {
        case AAA -> ascii(c, 0x106);
        case AAS -> ascii(c, -0x106);
        case DAA -> packed(c, 1);
        default -> packed(c, -1);
      }
      return next;
    }

    private static void ascii(Cpu c, int correction) {
      int ax = (int) c.r[Cpu.RAX] & 0xFFFF;
      boolean adjust = (ax & 0xF) > 9 || Flags.af(c);
      if (adjust) {
        ax += correction;
      }
      ax &= 0xFF0F;
      Registers.write(c.r, Cpu.RAX, 2, ax);
      c.flagResult = (byte) ax;
      c.flagAux = adjust ? Flags.AUX_CF | Flags.AUX_PO | Flags.AUX_AF : 0;
    }

    private static void packed(Cpu c, int sign) {
      int al = (int) c.r[Cpu.RAX] & 0xFF;
      int old = al;
      boolean cf = false;
      boolean af = (old & 0xF) > 9 || Flags.af(c);
      if (af) {
        al += 6 * sign;
        cf = Flags.cf(c) || (al & ~0xFF) != 0;
      }
      if (old > 0x99 || Flags.cf(c)) {
        al += 0x60 * sign;
        cf = true;
      }
      Registers.write8(c.r, Cpu.RAX, al);
      c.flagResult = (byte) al;
      c.flagAux = (cf ? Flags.AUX_CF | Flags.AUX_PO : 0) | (af ? Flags.AUX_AF : 0);
    }
  }

  /** AAD and AAM with any base. */
  static final class AdjustBase extends Op {
    private final boolean multiply;
    private final int base;

    AdjustBase(Insn insn) {
      this.multiply = insn.form.mnemonic() == Mnemonic.AAM;
      this.base = (int) insn.imm & 0xFF;
    }

    @Override
    public Op exec(Cpu c) {
      int ax = (int) c.r[Cpu.RAX] & 0xFFFF;
      if (!multiply) {
        // The undefined flags are those of the addition.
        long sum = Alu.apply(c, Alu.ADD, 1, ax & 0xFF, (ax >> 8) * base & 0xFF);
        Registers.write(c.r, Cpu.RAX, 2, sum & 0xFF);
        return next;
      }
      if (base == 0) {
        throw c.fault(Vector.DE);
      }
      int al = ax & 0xFF;
      ax = al / base << 8 | al % base;
      Registers.write(c.r, Cpu.RAX, 2, ax);
      c.flagResult = (byte) ax;
      c.flagAux = 0;
      return next;
    }
  }

  /** BOUND: #BR outside of the bounds. */
  static final class Bound extends RmOp {
    Bound(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = readAddress(c, 2 * size);
      long lower = Alu.signExtend(size, c.mmu.read(gva, size));
      long index = Alu.signExtend(size, loadReg(c));
      // The upper bound is not even read when the lower one fails.
      if (index < lower || index > Alu.signExtend(size, c.mmu.read(gva + size, size))) {
        throw c.fault(Vector.BR);
      }
      return next;
    }
  }

  /** RDRAND and RDSEED: always there, CF set. */
  static final class Random extends Op {
    private static final SecureRandom SOURCE = new SecureRandom();
    private final byte register;
    private final byte size;

    Random(Insn insn) {
      this.register = (byte) insn.rm;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      Registers.write(c.r, register, size, SOURCE.nextLong());
      Flags.setArithmetic(c, Flags.CF);
      return next;
    }
  }
}
