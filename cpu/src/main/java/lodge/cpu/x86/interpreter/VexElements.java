package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.PackedShuffle;

/** VEX-encoded insertion of single elements, widening and sign masks. */
final class VexElements {
  private VexElements() {}

  static Op link(Insn insn, int offset) {
    return switch (VexLinker.operation(insn)) {
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
      case MOVMSKPS, MOVMSKPD -> new Signs(insn);
      default -> null;
    };
  }

  /** VPMOVSX and VPMOVZX. */
  static final class Widen extends VexOp {
    private final int from;
    private final int to;
    private final boolean signed;

    Widen(Insn insn, int offset, int from, int to) {
      super(insn, offset);
      this.from = from;
      this.to = to;
      this.signed = insn.form.mnemonic().name().startsWith("VPMOVSX");
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      // Bits of the source that make a lane: 8, 16 or 32.
      int step = 64 * from / to;
      int bytes = (wide ? 32 : 16) * from / to;
      long low;
      long high = 0;
      if (bytes == 16) {
        int b = source128(c);
        low = c.xmm[b];
        high = c.xmm[b + 1];
      } else {
        low = narrow(c, bytes);
        high = low >>> 2 * step;
      }
      long upper0 = wide ? widen(high) : 0;
      long upper1 = wide ? widen(high >>> step) : 0;
      put(c, widen(low), widen(low >>> step), upper0, upper1);
      return next;
    }

    private long widen(long source) {
      return PackedShuffle.widen(source, from, to, signed);
    }
  }

  /** VPINSRB, VPINSRW, VPINSRD and VPINSRQ, from a general register or memory. */
  static final class Insert extends VexOp {
    private final byte from;
    private final boolean upper;
    private final int shift;
    private final int size;
    private final long mask;

    Insert(Insn insn, int offset, int size) {
      super(insn, offset);
      int index = immediate(insn) & 16 / size - 1;
      this.from = (byte) insn.rm;
      this.upper = index * size >= 8;
      this.shift = 8 * size * index & 63;
      this.size = size;
      this.mask = size == 8 ? -1L : (1L << 8 * size) - 1 << shift;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long value = rm >= 0 ? c.r[from] : c.mmu.read(readAddress(c, size), size);
      long low = c.xmm[first];
      long high = c.xmm[first + 1];
      if (upper) {
        put(c, low, high & ~mask | value << shift & mask);
      } else {
        put(c, low & ~mask | value << shift & mask, high);
      }
      return next;
    }
  }

  /** VINSERTPS. */
  static final class InsertSingle extends VexOp {
    private final int control;

    InsertSingle(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long value =
          rm >= 0
              ? PackedShuffle.doubleword(c.xmm[rm], c.xmm[rm + 1], control >> 6)
              : c.mmu.read32(readAddress(c, 4)) & 0xFFFF_FFFFL;
      int place = 1 << (control >> 4 & 3);
      long both = value | value << 32;
      long low = PackedShuffle.blendDoublewords(c.xmm[first], both, place);
      long high = PackedShuffle.blendDoublewords(c.xmm[first + 1], both, place >> 2);
      put(
          c,
          PackedShuffle.blendDoublewords(low, 0, control),
          PackedShuffle.blendDoublewords(high, 0, control >> 2));
      return next;
    }
  }

  /** VMOVMSKPS and VMOVMSKPD. */
  static final class Signs extends Op {
    private final byte to;
    private final byte from;
    private final byte lanes;
    private final boolean singles;

    Signs(Insn insn) {
      to = (byte) insn.reg;
      from = (byte) (4 * insn.rm);
      lanes = (byte) (insn.vexL != 0 ? 4 : 2);
      singles = insn.form.mnemonic() == Mnemonic.VMOVMSKPS;
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      long signs = 0;
      for (int i = 0; i < lanes; i++) {
        long lane = c.xmm[from + i];
        signs |= singles ? (lane >>> 31 & 1 | lane >>> 62 & 2) << 2 * i : lane >>> 63 << i;
      }
      c.r[to] = signs;
      return next;
    }
  }
}
