package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.PackedShuffle;

/**
 * Moves of single elements and half registers: between XMM registers, general registers and memory.
 */
final class ElementOps {
  private ElementOps() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case MOVLPS, MOVLPD, MOVHPS, MOVHPD, MOVHLPS, MOVLHPS, MOVDDUP -> new Half(insn, offset);
      case PMOVSXBW, PMOVZXBW -> new Widen(insn, offset, 1, 2);
      case PMOVSXBD, PMOVZXBD -> new Widen(insn, offset, 1, 4);
      case PMOVSXBQ, PMOVZXBQ -> new Widen(insn, offset, 1, 8);
      case PMOVSXWD, PMOVZXWD -> new Widen(insn, offset, 2, 4);
      case PMOVSXWQ, PMOVZXWQ -> new Widen(insn, offset, 2, 8);
      case PMOVSXDQ, PMOVZXDQ -> new Widen(insn, offset, 4, 8);
      case PINSRB -> new Insert(insn, offset, 1);
      case PINSRW -> new Insert(insn, offset, 2);
      case PINSRD -> new Insert(insn, offset, 4);
      case PINSRQ -> new Insert(insn, offset, 8);
      case INSERTPS -> new InsertSingle(insn, offset);
      case PEXTRB -> new Extract(insn, offset, 1);
      case PEXTRW -> new Extract(insn, offset, 2);
      case PEXTRD, EXTRACTPS -> new Extract(insn, offset, 4);
      case PEXTRQ -> new Extract(insn, offset, 8);
      case MOVMSKPS, MOVMSKPD -> new Signs(insn);
      case MASKMOVDQU -> new StoreMasked(insn, offset);
      default -> null;
    };
  }

  /** Moves of one lane. */
  static final class Half extends SimdOp {
    private final Mnemonic mnemonic;
    private final boolean store;

    Half(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
      store = insn.form.operands()[0].charAt(0) == 'M';
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      boolean upper = mnemonic == Mnemonic.MOVHPS || mnemonic == Mnemonic.MOVHPD;
      if (store) {
        c.mmu.write64(writeAddress(c, 8), c.xmm[upper ? reg + 1 : reg]);
        return next;
      }
      if (mnemonic == Mnemonic.MOVHLPS) {
        c.xmm[reg] = c.xmm[rm + 1];
        return next;
      }
      long value = narrow(c, 8);
      switch (mnemonic) {
        case MOVHPS, MOVHPD, MOVLHPS -> c.xmm[reg + 1] = value;
        case MOVDDUP -> {
          c.xmm[reg] = value;
          c.xmm[reg + 1] = value;
        }
        default -> c.xmm[reg] = value;
      }
      return next;
    }
  }

  /** PMOVSX and PMOVZX. */
  static final class Widen extends SimdOp {
    private final int from;
    private final int to;
    private final boolean signed;

    Widen(Insn insn, int offset, int from, int to) {
      super(insn, offset);
      this.from = from;
      this.to = to;
      this.signed = insn.form.mnemonic().name().startsWith("PMOVSX");
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      int bytes = 16 * from / to;
      long source = narrow(c, bytes);
      c.xmm[reg] = PackedShuffle.widen(source, from, to, signed);
      c.xmm[reg + 1] = PackedShuffle.widen(source >>> 4 * bytes, from, to, signed);
      return next;
    }
  }

  /** PINSRB, PINSRW, PINSRD and PINSRQ, from a general register or memory. */
  static final class Insert extends SimdOp {
    private final byte from;
    private final byte lane;
    private final int shift;
    private final int size;
    private final long mask;

    Insert(Insn insn, int offset, int size) {
      super(insn, offset);
      int index = immediate(insn) & 16 / size - 1;
      this.from = (byte) insn.rm;
      this.lane = (byte) (reg + (index * size >> 3));
      this.shift = 8 * size * index & 63;
      this.size = size;
      this.mask = size == 8 ? -1L : (1L << 8 * size) - 1 << shift;
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value = rm >= 0 ? c.r[from] : c.mmu.read(readAddress(c, size), size);
      c.xmm[lane] = c.xmm[lane] & ~mask | value << shift & mask;
      return next;
    }
  }

  /** INSERTPS. */
  static final class InsertSingle extends SimdOp {
    private final int control;

    InsertSingle(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      check(c);
      long value =
          rm >= 0
              ? PackedShuffle.doubleword(c.xmm[rm], c.xmm[rm + 1], control >> 6)
              : c.mmu.read32(readAddress(c, 4)) & 0xFFFF_FFFFL;
      int index = control >> 4 & 3;
      long both = value | value << 32;
      long low = c.xmm[reg];
      long high = c.xmm[reg + 1];
      if (index < 2) {
        low = PackedShuffle.blendDoublewords(low, both, 1 << index);
      } else {
        high = PackedShuffle.blendDoublewords(high, both, 1 << index - 2);
      }
      c.xmm[reg] = PackedShuffle.blendDoublewords(low, 0, control & 3);
      c.xmm[reg + 1] = PackedShuffle.blendDoublewords(high, 0, control >> 2 & 3);
      return next;
    }
  }

  /**
   * PEXTRB, PEXTRW, PEXTRD, PEXTRQ and EXTRACTPS, to a general register (zero-extended) or memory.
   */
  static final class Extract extends SimdOp {
    private final byte to;
    private final byte lane;
    private final int shift;
    private final int size;
    private final long mask;

    Extract(Insn insn, int offset, int size) {
      super(insn, offset);
      // 0F C5, the old register form of PEXTRW, has its operands the other way round.
      boolean reversed = insn.form.operands()[0].charAt(0) == 'G';
      int index = immediate(insn) & 16 / size - 1;
      this.to = (byte) (reversed ? insn.reg : insn.rm);
      this.lane = (byte) (4 * (reversed ? insn.rm : insn.reg) + (index * size >> 3));
      this.shift = 8 * size * index & 63;
      this.size = size;
      this.mask = size == 8 ? -1L : (1L << 8 * size) - 1;
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      long value = c.xmm[lane] >>> shift & mask;
      if (rm < 0) {
        c.mmu.write(writeAddress(c, size), size, value);
      } else {
        c.r[to] = value;
      }
      return next;
    }
  }

  /** MOVMSKPS and MOVMSKPD. */
  static final class Signs extends Op {
    private final byte to;
    private final byte from;
    private final boolean singles;

    Signs(Insn insn) {
      to = (byte) insn.reg;
      from = (byte) (4 * insn.rm);
      singles = insn.form.mnemonic() == Mnemonic.MOVMSKPS;
    }

    @Override
    public Op exec(Cpu c) {
      SimdOp.check(c);
      long low = c.xmm[from];
      long high = c.xmm[from + 1];
      if (singles) {
        c.r[to] = low >>> 31 & 1 | low >>> 62 & 2 | high >>> 29 & 4 | high >>> 60 & 8;
      } else {
        c.r[to] = low >>> 63 | high >>> 62 & 2;
      }
      return next;
    }
  }

  /** MASKMOVDQU: stores the bytes that the mask selects at the address in rDI. */
  static final class StoreMasked extends SimdOp {
    StoreMasked(Insn insn, int offset) {
      super(atDestinationIndex(insn), offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkEncoding(c);
      long gva = writeAddress(c, 16);
      long low = c.xmm[rm];
      long high = c.xmm[rm + 1];
      // As Intel's processors do: all 16 bytes have to be writable whatever the mask says, the
      // upper 8 first.
      long upper = writeAddress(c, 8, 8);
      c.mmu.probeWrite(upper, 8);
      c.mmu.probeWrite(gva, 8);
      writeMasked(c, gva, c.xmm[reg], low);
      writeMasked(c, upper, c.xmm[reg + 1], high);
      return next;
    }
  }

  /**
   * Gives an instruction without memory operand the one that it implies: [rDI] in DS or the
   * overriding segment.
   */
  static Insn atDestinationIndex(Insn insn) {
    insn.base = Cpu.RDI;
    insn.index = Cpu.ZERO;
    insn.scale = 0;
    insn.disp = 0;
    return insn;
  }

  /** Writes the bytes whose mask byte has its top bit set. */
  static void writeMasked(Cpu c, long gva, long value, long mask) {
    for (int i = 0; i < 8; i++) {
      if ((mask >>> 8 * i & 0x80) != 0) {
        c.mmu.write8(gva + i, (int) (value >>> 8 * i) & 0xFF);
      }
    }
  }
}
