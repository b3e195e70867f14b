package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.Packed;

/** AVX and AVX2 instructions that move elements across 16-byte halves, and VTESTPS and VTESTPD. */
final class VexPermute {
  private VexPermute() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case VPBROADCASTB -> new Broadcast(insn, offset, 1);
      case VPBROADCASTW -> new Broadcast(insn, offset, 2);
      case VPBROADCASTD, VBROADCASTSS -> new Broadcast(insn, offset, 4);
      case VPBROADCASTQ, VBROADCASTSD -> new Broadcast(insn, offset, 8);
      case VBROADCASTF128, VBROADCASTI128 -> new BroadcastHalf(insn, offset);
      case VMOVDDUP -> insn.vexL != 0 ? new Even(insn, offset) : new Broadcast(insn, offset, 8);
      case VPERMD, VPERMPS -> new Doublewords(insn, offset);
      case VPERMQ, VPERMPD -> new Quadwords(insn, offset);
      case VPERM2F128, VPERM2I128 -> new Halves(insn, offset);
      case VINSERTF128, VINSERTI128 -> new InsertHalf(insn, offset);
      case VEXTRACTF128, VEXTRACTI128 -> new ExtractHalf(insn, offset);
      case VTESTPS -> new TestSigns(insn, offset, Packed.D);
      case VTESTPD -> new TestSigns(insn, offset, Long.MIN_VALUE);
      default -> null;
    };
  }

  /** One element everywhere. */
  static final class Broadcast extends VexOp {
    private final byte size;

    /** Multiplied by the element: all elements of a lane. */
    private final long ones;

    Broadcast(Insn insn, int offset, int size) {
      super(insn, offset);
      this.size = (byte) size;
      this.ones =
          switch (size) {
            case 1 -> 0x0101_0101_0101_0101L;
            case 2 -> 0x0001_0001_0001_0001L;
            case 4 -> 0x0000_0001_0000_0001L;
            default -> 1;
          };
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long element = narrow(c, size);
      if (size < 8) {
        element = (element & (1L << 8 * size) - 1) * ones;
      }
      long upper = wide ? element : 0;
      put(c, element, element, upper, upper);
      return next;
    }
  }

  /** 16 bytes of memory in both halves. */
  static final class BroadcastHalf extends VexOp {
    BroadcastHalf(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      int b = source128(c);
      long low = c.xmm[b];
      long high = c.xmm[b + 1];
      put(c, low, high, low, high);
      return next;
    }
  }

  /** VMOVDDUP of 256 bits. */
  static final class Even extends VexOp {
    Even(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      int b = source(c);
      long low = c.xmm[b];
      long high = c.xmm[b + 2];
      put(c, low, low, high, high);
      return next;
    }
  }

  /** VPERMD and VPERMPS: the first source selects. */
  static final class Doublewords extends VexOp {
    Doublewords(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      int b = source(c);
      put(c, lane(c, b, 0), lane(c, b, 1), lane(c, b, 2), lane(c, b, 3));
      return next;
    }

    private long lane(Cpu c, int b, int i) {
      long selectors = c.xmm[first + i];
      return element(c, b, (int) selectors) | element(c, b, (int) (selectors >>> 32)) << 32;
    }

    private static long element(Cpu c, int b, int selector) {
      return c.xmm[b + (selector >> 1 & 3)] >>> 32 * (selector & 1) & 0xFFFF_FFFFL;
    }
  }

  /** VPERMQ and VPERMPD. */
  static final class Quadwords extends VexOp {
    private final int control;

    Quadwords(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      put(
          c,
          x[b + (control & 3)],
          x[b + (control >> 2 & 3)],
          x[b + (control >> 4 & 3)],
          x[b + (control >> 6)]);
      return next;
    }
  }

  /** VPERM2F128 and VPERM2I128. */
  static final class Halves extends VexOp {
    private final int control;

    Halves(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      int b = source(c);
      put(
          c,
          lane(c, b, control, 0),
          lane(c, b, control, 1),
          lane(c, b, control >> 4, 0),
          lane(c, b, control >> 4, 1));
      return next;
    }

    /**
     * @param selector bits 1:0: a half of the first or second source; bit 3: zeros
     */
    private long lane(Cpu c, int b, int selector, int i) {
      if ((selector & 8) != 0) {
        return 0;
      }
      int from = (selector & 2) == 0 ? first : b;
      return c.xmm[from + 2 * (selector & 1) + i];
    }
  }

  /** VINSERTF128 and VINSERTI128. */
  static final class InsertHalf extends VexOp {
    private final boolean upper;

    InsertHalf(Insn insn, int offset) {
      super(insn, offset);
      upper = (insn.imm & 1) != 0;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source128(c);
      if (upper) {
        put(c, x[first], x[first + 1], x[b], x[b + 1]);
      } else {
        put(c, x[b], x[b + 1], x[first + 2], x[first + 3]);
      }
      return next;
    }
  }

  /** VEXTRACTF128 and VEXTRACTI128. */
  static final class ExtractHalf extends VexOp {
    private final byte from;

    ExtractHalf(Insn insn, int offset) {
      super(insn, offset);
      from = (byte) (reg + 2 * (insn.imm & 1));
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      long low = x[from];
      long high = x[from + 1];
      if (rm < 0) {
        c.mmu.write128(writeAddress(c, 16), low, high);
        return next;
      }
      x[rm] = low;
      x[rm + 1] = high;
      x[rm + 2] = 0;
      x[rm + 3] = 0;
      return next;
    }
  }

  /** VTESTPS and VTESTPD: as VPTEST, on sign bits alone. */
  static final class TestSigns extends VexOp {
    private final long signs;

    TestSigns(Insn insn, int offset, long signs) {
      super(insn, offset);
      this.signs = signs;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      int b = source(c);
      long both = 0;
      long rest = 0;
      for (int i = 0; i < (wide ? 4 : 2); i++) {
        both |= x[reg + i] & x[b + i];
        rest |= ~x[reg + i] & x[b + i];
      }
      boolean zf = (both & signs) == 0;
      boolean cf = (rest & signs) == 0;
      Flags.setArithmetic(c, (zf ? Flags.ZF : 0) | (cf ? Flags.CF : 0));
      return next;
    }
  }
}
