package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.FloatConvert;
import lodge.cpu.x86.vector.Packed;
import lodge.cpu.x86.vector.PackedOperation;
import lodge.cpu.x86.vector.PackedShift;
import lodge.cpu.x86.vector.PackedShuffle;
import lodge.cpu.x86.vector.SimdFloat;

/** Everything with an MMX register. */
final class MmxOps {
  private MmxOps() {}

  /** Whether a form names an MMX register (P, Q and N in the SDM's notation). */
  static boolean isMmx(Insn insn) {
    for (String operand : insn.form.operands()) {
      char kind = operand.charAt(0);
      if (kind == 'P' || kind == 'Q' || kind == 'N') {
        return true;
      }
    }
    return insn.form.mnemonic() == Mnemonic.EMMS;
  }

  /** Links a form of which {@link #isMmx} holds. */
  static Op link(Insn insn, int offset) {
    Mnemonic m = insn.form.mnemonic();
    boolean immediate =
        insn.form.operands().length == 2 && insn.form.operands()[1].charAt(0) == 'I';
    if (PackedOperation.isShift(m) && immediate) {
      return new ShiftImmediate(insn);
    }
    if (PackedOperation.isLane(m)
        || PackedOperation.isHalving(m)
        || PackedOperation.isInterleave(m)
        || PackedOperation.isShift(m)) {
      return new Binary(insn, offset);
    }
    return switch (m) {
      case PSHUFB, PSHUFW, PALIGNR -> new Binary(insn, offset);
      case MOVD, MOVQ, MOVNTQ -> move(insn, offset);
      case EMMS -> new Empty();
      case PINSRW -> new Insert(insn, offset);
      case PEXTRW, PMOVMSKB -> new ToGeneral(insn, offset);
      case MOVQ2DQ, MOVDQ2Q -> new Exchange(insn);
      case MASKMOVQ -> new StoreMasked(insn, offset);
      case CVTPI2PS, CVTPI2PD -> new FromIntegers(insn, offset);
      case CVTPS2PI, CVTTPS2PI, CVTPD2PI, CVTTPD2PI -> new ToIntegers(insn, offset);
      default -> null;
    };
  }

  private static Op move(Insn insn, int offset) {
    String[] operands = insn.form.operands();
    char to = operands[0].charAt(0);
    boolean general = to == 'E' || operands[1].charAt(0) == 'E';
    int size = insn.form.mnemonic() == Mnemonic.MOVD ? 4 : 8;
    return to == 'P'
        ? new Load(insn, offset, size, general)
        : new Store(insn, offset, size, general);
  }

  /** From an MMX register, a general register or memory to an MMX register. */
  static final class Load extends MmxOp {
    private final int size;
    private final byte general;

    Load(Insn insn, int offset, int size, boolean general) {
      super(insn, offset);
      this.size = size;
      this.general = (byte) (general && !insn.memory ? insn.rm : -1);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      long value = general >= 0 ? c.r[general] : source(c, size);
      write(c, reg, size == 4 ? value & 0xFFFF_FFFFL : value);
      return next;
    }
  }

  /** From an MMX register to an MMX register, a general register or memory. */
  static final class Store extends MmxOp {
    private final int size;
    private final byte general;

    Store(Insn insn, int offset, int size, boolean general) {
      super(insn, offset);
      this.size = size;
      this.general = (byte) (general && !insn.memory ? insn.rm : -1);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      long value = c.x87.mmx(reg);
      // The stack top changes before the store, which may fault; the tags after it.
      c.x87.top = 0;
      if (general >= 0) {
        c.r[general] = size == 4 ? value & 0xFFFF_FFFFL : value;
      } else if (rm >= 0) {
        c.x87.setMmx(rm, value);
      } else {
        c.mmu.write(writeAddress(c, size), size, value);
      }
      c.x87.enterMmx();
      return next;
    }
  }

  /** Arithmetic, packing, interleaving and shifts by a register. */
  static final class Binary extends MmxOp {
    private final Mnemonic mnemonic;
    private final int control;
    private final int size;
    private final int kind;

    Binary(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
      control = SimdOp.immediate(insn);
      size = insn.form.operands()[1].equals("Qd") ? 4 : 8;
      kind =
          PackedOperation.isLane(mnemonic)
              ? 0
              : PackedOperation.isHalving(mnemonic)
                  ? 1
                  : PackedOperation.isInterleave(mnemonic)
                      ? 2
                      : PackedOperation.isShift(mnemonic) ? 3 : 4;
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      long b = source(c, size);
      long a = c.x87.mmx(reg);
      long result =
          switch (kind) {
            case 0 -> PackedOperation.lane(mnemonic, a, b);
            case 1 -> PackedOperation.halve(mnemonic, a, b);
            case 2 ->
                PackedOperation.isInterleaveHigh(mnemonic)
                    ? PackedOperation.interleaveHigh(mnemonic, a, b)
                    : PackedOperation.interleaveLow(mnemonic, a, b);
            case 3 -> PackedOperation.shift(mnemonic, a, b);
            default -> permute(a, b);
          };
      write(c, reg, result);
      return next;
    }

    private long permute(long a, long b) {
      return switch (mnemonic) {
        case PSHUFB -> PackedShuffle.shuffleBytes(a, b);
        case PSHUFW -> PackedShuffle.words(b, control);
        // PALIGNR: the source below the destination, shifted right by bytes.
        default -> PackedShift.rightBytesLow(b, a, control);
      };
    }
  }

  static final class ShiftImmediate extends Op {
    private final Mnemonic mnemonic;
    private final byte register;
    private final int count;

    ShiftImmediate(Insn insn) {
      mnemonic = insn.form.mnemonic();
      register = (byte) (insn.rm & 7);
      count = SimdOp.immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      c.x87.enterMmx();
      c.x87.setMmx(register, PackedOperation.shift(mnemonic, c.x87.mmx(register), count));
      return next;
    }
  }

  /** EMMS. */
  static final class Empty extends Op {
    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      c.x87.emms();
      return next;
    }
  }

  /** PINSRW. */
  static final class Insert extends MmxOp {
    private final byte from;
    private final int shift;

    Insert(Insn insn, int offset) {
      super(insn, offset);
      from = (byte) insn.rm;
      shift = 16 * (SimdOp.immediate(insn) & 3);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      long value = rm >= 0 ? c.r[from] : c.mmu.read16(readAddress(c, 2));
      long mask = 0xFFFFL << shift;
      write(c, reg, c.x87.mmx(reg) & ~mask | value << shift & mask);
      return next;
    }
  }

  /** PEXTRW and PMOVMSKB. */
  static final class ToGeneral extends MmxOp {
    private final byte to;
    private final boolean mask;
    private final int shift;

    ToGeneral(Insn insn, int offset) {
      super(insn, offset);
      to = (byte) insn.reg;
      mask = insn.form.mnemonic() == Mnemonic.PMOVMSKB;
      shift = 16 * (SimdOp.immediate(insn) & 3);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      c.x87.enterMmx();
      long value = c.x87.mmx(rm);
      c.r[to] = mask ? Packed.topBits(value) : value >>> shift & 0xFFFF;
      return next;
    }
  }

  /** MOVQ2DQ and MOVDQ2Q. */
  static final class Exchange extends Op {
    private final boolean toMmx;
    private final byte to;
    private final byte from;

    Exchange(Insn insn) {
      toMmx = insn.form.mnemonic() == Mnemonic.MOVDQ2Q;
      to = (byte) (toMmx ? insn.reg & 7 : 4 * insn.reg);
      from = (byte) (toMmx ? 4 * insn.rm : insn.rm & 7);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      c.x87.checkMmx(c);
      c.x87.enterMmx();
      if (toMmx) {
        c.x87.setMmx(to, c.xmm[from]);
      } else {
        c.xmm[to] = c.x87.mmx(from);
        c.xmm[to + 1] = 0;
      }
      return next;
    }
  }

  /** MASKMOVQ: stores the bytes that the mask selects at the address in rDI. */
  static final class StoreMasked extends MmxOp {
    StoreMasked(Insn insn, int offset) {
      super(ElementOps.atDestinationIndex(insn), offset);
    }

    @Override
    public Op exec(Cpu c) {
      c.x87.checkMmx(c);
      c.x87.enterMmx();
      long gva = writeAddress(c, 8);
      long mask = c.x87.mmx(rm);
      c.mmu.probeWrite(gva, 8);
      ElementOps.writeMasked(c, gva, c.x87.mmx(reg), mask);
      return next;
    }
  }

  /** CVTPI2PS and CVTPI2PD. */
  static final class FromIntegers extends MmxOp {
    private final boolean singles;
    private final byte to;

    FromIntegers(Insn insn, int offset) {
      super(insn, offset);
      singles = insn.form.mnemonic() == Mnemonic.CVTPI2PS;
      to = (byte) (4 * insn.reg);
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      // From memory they leave the x87 state alone.
      if (rm >= 0) {
        c.x87.checkMmx(c);
        c.x87.enterMmx();
      }
      long source = source(c, 8);
      if (singles) {
        SimdFloat e = c.simd.begin(c);
        long result = ConvertOps.intsToSingles(e, source);
        e.commit(c);
        c.xmm[to] = result;
      } else {
        c.xmm[to] = FloatConvert.intToDouble((int) source);
        c.xmm[to + 1] = FloatConvert.intToDouble((int) (source >>> 32));
      }
      return next;
    }
  }

  /** CVTPS2PI, CVTTPS2PI, CVTPD2PI and CVTTPD2PI. */
  static final class ToIntegers extends SimdOp {
    private final boolean singles;
    private final boolean truncate;
    private final byte to;

    ToIntegers(Insn insn, int offset) {
      super(insn, offset);
      Mnemonic m = insn.form.mnemonic();
      singles = m == Mnemonic.CVTPS2PI || m == Mnemonic.CVTTPS2PI;
      truncate = m == Mnemonic.CVTTPS2PI || m == Mnemonic.CVTTPD2PI;
      to = (byte) (insn.reg & 7);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      c.x87.checkMmx(c);
      long low;
      long high = 0;
      if (singles) {
        low = narrow(c, 8);
      } else if (rm >= 0) {
        low = c.xmm[rm];
        high = c.xmm[rm + 1];
      } else {
        long gva = alignedRead(c);
        low = c.mmu.read64(gva);
        high = c.mmu.read64(gva + 8);
      }
      // The change to MMX comes before the conversion, which may fault.
      c.x87.enterMmx();
      SimdFloat e = c.simd.begin(c);
      int mode = truncate ? FloatConvert.TRUNCATE : FloatConvert.currentMode(e);
      long result =
          singles
              ? ConvertOps.singlesToInts(e, low, mode)
              : ConvertOps.doublesToInts(e, low, high, mode);
      e.commit(c);
      c.x87.setMmx(to, result);
      return next;
    }
  }
}
