package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.x87.Transfers;
import lodge.cpu.x86.x87.X87;

/** Loads from and stores to memory. */
final class X87Transfer {
  private X87Transfer() {}

  /** FLD m32fp and m64fp, FILD, FBLD. */
  static final class Load extends X87Operand {
    private final byte format;

    Load(Insn insn, int offset, int format) {
      super(insn, offset);
      this.format = (byte) format;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      read(c, x, format);
      Transfers.load(x);
      return done(c, x);
    }
  }

  /** FLD m80fp. */
  static final class LoadExtended extends X87Operand {
    LoadExtended(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      long gva = readAddress(c, 10);
      long sig = c.mmu.read64(gva);
      Transfers.loadExtended(x, c.mmu.read16(gva + 8), sig);
      return done(c, x);
    }
  }

  /** FST and FSTP m32fp and m64fp. */
  static final class StoreReal extends X87Operand {
    private final byte size;
    private final boolean pop;

    StoreReal(Insn insn, int offset, int size, boolean pop) {
      super(insn, offset);
      this.size = (byte) size;
      this.pop = pop;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      return store(c, x, Transfers.real(x, size), size, pop);
    }
  }

  /** FIST, FISTP and FISTTP. */
  static final class StoreInteger extends X87Operand {
    private final byte size;
    private final boolean truncate;
    private final boolean pop;

    StoreInteger(Insn insn, int offset, int size) {
      super(insn, offset);
      int reg = insn.reg & 7;
      this.size = (byte) size;
      this.truncate = reg == 1;
      this.pop = reg != 2;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      return store(c, x, Transfers.integer(x, size, truncate), size, pop);
    }
  }

  /** FSTP m80fp and FBSTP. */
  static final class StoreTenBytes extends X87Operand {
    private final boolean bcd;

    StoreTenBytes(Insn insn, int offset, boolean bcd) {
      super(insn, offset);
      this.bcd = bcd;
    }

    @Override
    public Op exec(Cpu c) {
      X87 x = c.x87;
      x.check(c);
      boolean stores = bcd ? Transfers.bcd(x) : Transfers.extended(x);
      if (stores) {
        long gva = writeAddress(c, 10);
        // As in the processors: a fault of the second part leaves the first one written.
        c.mmu.write64(gva, x.number.sig);
        c.mmu.write16(gva + 8, x.number.se);
      }
      x.complete(x.number.flags);
      if (stores) {
        x.pop();
      }
      return done(c, x);
    }
  }
}
