package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;

/**
 * BMI1, BMI2 and ADX on general registers. Of the undefined flags, AF and PF are clear, and so is
 * SF after BEXTR.
 */
final class BitManipulation {
  private BitManipulation() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case ANDN -> new AndNot(insn, offset);
      case BLSR -> new LowestBit(insn, offset);
      case BLSMSK -> new LowestBit(insn, offset);
      case BLSI -> new LowestBit(insn, offset);
      case BZHI -> new ZeroHigh(insn, offset);
      case BEXTR -> new Extract(insn, offset);
      case PDEP -> new Deposit(insn, offset, true);
      case PEXT -> new Deposit(insn, offset, false);
      case MULX -> new Multiply(insn, offset);
      case SHLX, SHRX, SARX -> new Shift(insn, offset);
      case RORX -> new Rotate(insn, offset);
      case ADCX -> new AddCarry(insn, offset, false);
      case ADOX -> new AddCarry(insn, offset, true);
      default -> null;
    };
  }

  /** On 4 or 8 bytes, with a second source or the destination in VEX.vvvv. */
  abstract static class GeneralVexOp extends RmOp {
    /** The register in VEX.vvvv. */
    final byte other;

    /** Outside 64-bit mode the processor may be in a mode without VEX. */
    private final boolean uncertain;

    GeneralVexOp(Insn insn, int offset) {
      super(insn, offset, insn.rexW ? 8 : 4);
      other = (byte) insn.vexRegister;
      uncertain = insn.codeSize != 8;
    }

    final void check(Cpu c) {
      if (uncertain && !c.vexAllowed()) {
        throw c.undefined();
      }
    }

    final long loadOther(Cpu c) {
      return Registers.read(c.r, other, size);
    }

    final void storeOther(Cpu c, long value) {
      Registers.write(c.r, other, size, value);
    }

    /** A result with its sign where {@link Flags} expects it. */
    final long extended(long value) {
      return size == 8 ? value : (int) value;
    }

    /** SF and ZF by the result, CF as given, all others clear. */
    final void setFlags(Cpu c, long value, boolean carry) {
      long result = extended(value);
      c.flagResult = result;
      // PF shall be clear: make the low byte's parity odd.
      long parity = (Long.bitCount(result & 0xFF) & 1) == 0 ? 0x100 : 0;
      c.flagAux = (carry ? Flags.AUX_CF | Flags.AUX_PO : 0) | parity;
    }
  }

  static final class AndNot extends GeneralVexOp {
    AndNot(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long result = ~loadOther(c) & load(c);
      storeReg(c, result);
      setFlags(c, result, false);
      return next;
    }
  }

  /** BLSR, BLSMSK and BLSI. */
  static final class LowestBit extends GeneralVexOp {
    private final byte kind;

    LowestBit(Insn insn, int offset) {
      super(insn, offset);
      kind =
          (byte)
              switch (insn.form.mnemonic()) {
                case BLSR -> 1;
                case BLSMSK -> 2;
                default -> 3;
              };
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value = load(c);
      long result =
          switch (kind) {
            case 1 -> value & value - 1;
            case 2 -> value ^ value - 1;
            default -> value & -value;
          };
      storeOther(c, result);
      // BLSI says whether there was a bit, the others whether there was none.
      setFlags(c, result, (value == 0) != (kind == 3));
      return next;
    }
  }

  static final class ZeroHigh extends GeneralVexOp {
    ZeroHigh(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value = load(c);
      int count = (int) loadOther(c) & 0xFF;
      boolean all = count >= 8 * size;
      long result = all ? value : value & (1L << count) - 1;
      storeReg(c, result);
      setFlags(c, result, all);
      return next;
    }
  }

  /** BEXTR. */
  static final class Extract extends GeneralVexOp {
    Extract(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value = load(c);
      long control = loadOther(c);
      int start = (int) control & 0xFF;
      int length = (int) (control >>> 8) & 0xFF;
      long result = start >= 64 ? 0 : value >>> start;
      if (length < 64) {
        result &= (1L << length) - 1;
      }
      storeReg(c, result);
      c.flagResult = result == 0 ? 0 : 1;
      c.flagAux = result == 0 ? 0x100 : 0;
      return next;
    }
  }

  /** PDEP and PEXT. */
  static final class Deposit extends GeneralVexOp {
    private final boolean deposit;

    Deposit(Insn insn, int offset, boolean deposit) {
      super(insn, offset);
      this.deposit = deposit;
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long mask = load(c);
      long source = loadOther(c);
      storeReg(c, deposit ? Long.expand(source, mask) : Long.compress(source, mask));
      return next;
    }
  }

  /** MULX: when both halves go to one register, it is the high one that stays. */
  static final class Multiply extends GeneralVexOp {
    Multiply(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long a = Registers.read(c.r, Cpu.RDX, size);
      long b = load(c);
      long low = a * b;
      long high = size == 8 ? Math.unsignedMultiplyHigh(a, b) : low >>> 32;
      storeOther(c, low);
      storeReg(c, high);
      return next;
    }
  }

  /** SHLX, SHRX and SARX. */
  static final class Shift extends GeneralVexOp {
    private final byte kind;

    Shift(Insn insn, int offset) {
      super(insn, offset);
      kind =
          (byte)
              switch (insn.form.mnemonic()) {
                case SHLX -> 1;
                case SHRX -> 2;
                default -> 3;
              };
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value = load(c);
      int count = (int) c.r[other] & 8 * size - 1;
      storeReg(
          c,
          switch (kind) {
            case 1 -> value << count;
            case 2 -> value >>> count;
            default -> extended(value) >> count;
          });
      return next;
    }
  }

  /** RORX. */
  static final class Rotate extends GeneralVexOp {
    private final byte count;

    Rotate(Insn insn, int offset) {
      super(insn, offset);
      count = (byte) (insn.imm & 8 * size - 1);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value = load(c);
      storeReg(
          c, size == 8 ? Long.rotateRight(value, count) : Integer.rotateRight((int) value, count));
      return next;
    }
  }

  /** ADCX and ADOX: an addition whose carry goes through CF or OF alone. */
  static final class AddCarry extends RmOp {
    private final boolean overflow;

    AddCarry(Insn insn, int offset, boolean overflow) {
      super(insn, offset, insn.rexW ? 8 : 4);
      this.overflow = overflow;
    }

    @Override
    public Op exec(Cpu c) {
      long a = loadReg(c);
      long b = load(c);
      boolean carry = overflow ? Flags.of(c) : Flags.cf(c);
      long sum = a + b + (carry ? 1 : 0);
      storeReg(c, sum);
      boolean out = size == 8 ? ((a & b | (a | b) & ~sum) < 0) : sum >>> 32 != 0;
      if (overflow) {
        Flags.setCfOf(c, Flags.cf(c), out);
      } else {
        Flags.setCf(c, out);
      }
      return next;
    }
  }
}
