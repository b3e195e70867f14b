package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/** VEX-encoded moves of whole registers, scalars and halves. */
final class VexMoves {
  private VexMoves() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case VMOVAPS, VMOVAPD, VMOVDQA, VMOVNTPS, VMOVNTPD, VMOVNTDQ, VMOVNTDQA ->
          whole(insn, offset, true);
      case VMOVUPS, VMOVUPD, VMOVDQU, VLDDQU -> whole(insn, offset, false);
      case VMOVSD -> scalar(insn, offset, 8);
      case VMOVSS -> scalar(insn, offset, 4);
      case VMOVQ -> element(insn, offset, 8);
      case VMOVD -> element(insn, offset, 4);
      case VMOVLPS, VMOVLPD ->
          toMemory(insn) ? new StoreLane(insn, offset, 0) : new Combine(insn, offset, true, 0);
      case VMOVHPS, VMOVHPD ->
          toMemory(insn) ? new StoreLane(insn, offset, 1) : new Combine(insn, offset, false, 0);
      case VMOVHLPS -> new Combine(insn, offset, true, 1);
      case VMOVLHPS -> new Combine(insn, offset, false, 0);
      case VZEROUPPER -> new ZeroUpper(insn);
      case VZEROALL -> new ZeroAll(insn);
      default -> null;
    };
  }

  /** Whether ModRM.rm is the destination. */
  private static boolean toMemory(Insn insn) {
    char first = insn.form.operands()[0].charAt(0);
    return first == 'W' || first == 'M' || first == 'E' || first == 'U';
  }

  private static Op whole(Insn insn, int offset, boolean aligned) {
    boolean store = toMemory(insn);
    if (!insn.memory) {
      int to = store ? insn.rm : insn.reg;
      int from = store ? insn.reg : insn.rm;
      return insn.vexL != 0 ? new Copy256(to, from) : new Copy128(to, from);
    }
    if (aligned) {
      return store ? new StoreAligned(insn, offset) : new LoadAligned(insn, offset);
    }
    if (insn.vexL != 0) {
      return store ? new Store256(insn, offset) : new Load256(insn, offset);
    }
    return store ? new Store128(insn, offset) : new Load128(insn, offset);
  }

  private static Op scalar(Insn insn, int offset, int size) {
    if (insn.memory) {
      return toMemory(insn) ? new StoreElement(insn, offset, size) : new Load(insn, offset, size);
    }
    return toMemory(insn)
        ? new Merge(insn.rm, insn.vexRegister, insn.reg, size)
        : new Merge(insn.reg, insn.vexRegister, insn.rm, size);
  }

  /** VMOVD and VMOVQ. */
  private static Op element(Insn insn, int offset, int size) {
    String[] operands = insn.form.operands();
    boolean general = operands[0].charAt(0) == 'E' || operands[1].charAt(0) == 'E';
    boolean store = toMemory(insn);
    if (insn.memory) {
      return store ? new StoreElement(insn, offset, size) : new Load(insn, offset, size);
    }
    if (general) {
      return store ? new ToGeneral(insn, size) : new FromGeneral(insn, size);
    }
    return store ? new CopyQuad(insn.rm, insn.reg) : new CopyQuad(insn.reg, insn.rm);
  }

  private static long mask(int size) {
    return size == 8 ? -1L : 0xFFFF_FFFFL;
  }

  static final class Copy256 extends VectorMoves.RegisterMove {
    Copy256(int to, int from) {
      super(to, from);
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      long[] x = c.xmm;
      x[to] = x[from];
      x[to + 1] = x[from + 1];
      x[to + 2] = x[from + 2];
      x[to + 3] = x[from + 3];
      return next;
    }
  }

  static final class Copy128 extends VectorMoves.RegisterMove {
    Copy128(int to, int from) {
      super(to, from);
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      long[] x = c.xmm;
      x[to] = x[from];
      x[to + 1] = x[from + 1];
      x[to + 2] = 0;
      x[to + 3] = 0;
      return next;
    }
  }

  /** VMOVQ between registers. */
  static final class CopyQuad extends VectorMoves.RegisterMove {
    CopyQuad(int to, int from) {
      super(to, from);
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      long[] x = c.xmm;
      x[to] = x[from];
      x[to + 1] = 0;
      x[to + 2] = 0;
      x[to + 3] = 0;
      return next;
    }
  }

  static final class Load256 extends VexOp {
    Load256(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      c.mmu.read256(readAddress(c, 32), c.xmm, reg);
      return next;
    }
  }

  static final class Load128 extends VexOp {
    Load128(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long gva = readAddress(c, 16);
      long low = c.mmu.readLane(gva);
      long high = c.mmu.readLane(gva + 8);
      put(c, low, high);
      return next;
    }
  }

  static final class Store256 extends VexOp {
    Store256(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      c.mmu.write256(writeAddress(c, 32), c.xmm, reg);
      return next;
    }
  }

  static final class Store128 extends VexOp {
    Store128(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      c.mmu.write128(writeAddress(c, 16), c.xmm[reg], c.xmm[reg + 1]);
      return next;
    }
  }

  /** Loads whose operand has to be aligned to its size. */
  static final class LoadAligned extends VexOp {
    LoadAligned(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      if (!wide) {
        long gva = alignedRead(c);
        long low = c.mmu.read64(gva);
        long high = c.mmu.read64(gva + 8);
        put(c, low, high);
        return next;
      }
      long gva = readAddress(c, 32);
      if ((gva & 31) != 0) {
        throw c.generalProtection(0);
      }
      c.mmu.read256(gva, c.xmm, reg);
      return next;
    }
  }

  static final class StoreAligned extends VexOp {
    StoreAligned(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      if (!wide) {
        c.mmu.write128(alignedWrite(c), c.xmm[reg], c.xmm[reg + 1]);
        return next;
      }
      long gva = writeAddress(c, 32);
      if ((gva & 31) != 0) {
        throw c.generalProtection(0);
      }
      c.mmu.write256(gva, c.xmm, reg);
      return next;
    }
  }

  /** VMOVSS, VMOVSD, VMOVD and VMOVQ from memory. */
  static final class Load extends VexOp {
    private final byte size;

    Load(Insn insn, int offset, int size) {
      super(insn, offset);
      this.size = (byte) size;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long gva = readAddress(c, size);
      put(c, size == 8 ? c.mmu.read64(gva) : c.mmu.read32(gva) & 0xFFFF_FFFFL, 0);
      return next;
    }
  }

  /** VMOVSS, VMOVSD, VMOVD and VMOVQ to memory. */
  static final class StoreElement extends VexOp {
    private final byte size;

    StoreElement(Insn insn, int offset, int size) {
      super(insn, offset);
      this.size = (byte) size;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long gva = writeAddress(c, size);
      if (size == 8) {
        c.mmu.write64(gva, c.xmm[reg]);
      } else {
        c.mmu.write32(gva, (int) c.xmm[reg]);
      }
      return next;
    }
  }

  /** VMOVSS and VMOVSD between registers. */
  static final class Merge extends VectorMoves.RegisterMove {
    private final byte first;
    private final long mask;

    Merge(int to, int first, int from, int size) {
      super(to, from);
      this.first = (byte) (4 * first);
      this.mask = mask(size);
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      long[] x = c.xmm;
      x[to] = x[first] & ~mask | x[from] & mask;
      x[to + 1] = x[first + 1];
      x[to + 2] = 0;
      x[to + 3] = 0;
      return next;
    }
  }

  /** VMOVD and VMOVQ to a general register. */
  static final class ToGeneral extends Op {
    private final byte to;
    private final byte from;
    private final long mask;

    ToGeneral(Insn insn, int size) {
      this.to = (byte) insn.rm;
      this.from = (byte) (4 * insn.reg);
      this.mask = mask(size);
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      c.r[to] = c.xmm[from] & mask;
      return next;
    }
  }

  /** VMOVD and VMOVQ from a general register. */
  static final class FromGeneral extends Op {
    private final byte to;
    private final byte from;
    private final long mask;

    FromGeneral(Insn insn, int size) {
      this.to = (byte) (4 * insn.reg);
      this.from = (byte) insn.rm;
      this.mask = mask(size);
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      long[] x = c.xmm;
      x[to] = c.r[from] & mask;
      x[to + 1] = 0;
      x[to + 2] = 0;
      x[to + 3] = 0;
      return next;
    }
  }

  /** VMOVLPS, VMOVHPS and their kin to memory. */
  static final class StoreLane extends VexOp {
    private final byte lane;

    StoreLane(Insn insn, int offset, int lane) {
      super(insn, offset);
      this.lane = (byte) lane;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      c.mmu.write64(writeAddress(c, 8), c.xmm[reg + lane]);
      return next;
    }
  }

  /** One lane from the second source, the other from the first one. */
  static final class Combine extends VexOp {
    private final boolean intoLow;
    private final byte lane;

    Combine(Insn insn, int offset, boolean intoLow, int lane) {
      super(insn, offset);
      this.intoLow = intoLow;
      this.lane = (byte) lane;
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long value = rm >= 0 ? c.xmm[rm + lane] : c.mmu.read64(readAddress(c, 8));
      if (intoLow) {
        put(c, value, c.xmm[first + 1]);
      } else {
        put(c, c.xmm[first], value);
      }
      return next;
    }
  }

  /** Outside 64-bit mode only the first eight registers change. */
  static final class ZeroUpper extends Op {
    private final int end;

    ZeroUpper(Insn insn) {
      end = insn.codeSize == 8 ? 64 : 32;
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      for (int i = 0; i < end; i += 4) {
        c.xmm[i + 2] = 0;
        c.xmm[i + 3] = 0;
      }
      return next;
    }
  }

  /** As {@link ZeroUpper}, whole registers. */
  static final class ZeroAll extends Op {
    private final int end;

    ZeroAll(Insn insn) {
      end = insn.codeSize == 8 ? 64 : 32;
    }

    @Override
    public Op exec(Cpu c) {
      VexOp.checkAvx(c);
      for (int i = 0; i < end; i++) {
        c.xmm[i] = 0;
      }
      return next;
    }
  }
}
