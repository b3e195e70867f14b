package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/**
 * VMASKMOVPS, VMASKMOVPD, VPMASKMOVD and VPMASKMOVQ: elements whose mask has its top bit set are
 * moved, the others neither read nor written, so that they cannot fault either. There are no
 * alignment checks.
 */
final class VexMasked {
  private VexMasked() {}

  static Op link(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case VMASKMOVPS, VPMASKMOVD -> link(insn, offset, 4);
      case VMASKMOVPD, VPMASKMOVQ -> link(insn, offset, 8);
      default -> null;
    };
  }

  private static Op link(Insn insn, int offset, int size) {
    boolean store = insn.form.operands()[0].charAt(0) == 'M';
    return store ? new Store(insn, offset, size) : new Load(insn, offset, size);
  }

  abstract static class MaskedOp extends VexOp {
    final byte size;

    MaskedOp(Insn insn, int offset, int size) {
      super(insn, offset);
      this.size = (byte) size;
    }

    final int elements() {
      return (wide ? 32 : 16) / size;
    }

    final boolean selected(Cpu c, int i) {
      return size == 8
          ? c.xmm[first + i] < 0
          : (int) (c.xmm[first + (i >> 1)] >>> 32 * (i & 1)) < 0;
    }
  }

  static final class Load extends MaskedOp {
    Load(Insn insn, int offset, int size) {
      super(insn, offset, size);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long[] x = c.xmm;
      long start = effectiveAddress(c);
      for (int i = 0; i < 4; i++) {
        x[Cpu.OPERAND + i] = 0;
      }
      for (int i = 0; i < elements(); i++) {
        if (selected(c, i)) {
          if (size == 8) {
            x[Cpu.OPERAND + i] = c.mmu.readLane(readAddressAt(c, start + 8 * i, 8));
          } else {
            long value = c.mmu.readHalfLane(readAddressAt(c, start + 4 * i, 4)) & 0xFFFF_FFFFL;
            x[Cpu.OPERAND + (i >> 1)] |= value << 32 * (i & 1);
          }
        }
      }
      put(c, x[Cpu.OPERAND], x[Cpu.OPERAND + 1], x[Cpu.OPERAND + 2], x[Cpu.OPERAND + 3]);
      return next;
    }
  }

  static final class Store extends MaskedOp {
    Store(Insn insn, int offset, int size) {
      super(insn, offset, size);
    }

    @Override
    public Op exec(Cpu c) {
      checkAvx(c);
      long start = effectiveAddress(c);
      int lowest = -1;
      int highest = -1;
      for (int i = 0; i < elements(); i++) {
        if (selected(c, i)) {
          lowest = lowest < 0 ? i : lowest;
          highest = i;
        }
      }
      if (lowest < 0) {
        return next;
      }
      long first = writeAddressAt(c, start + size * lowest, size);
      long last = writeAddressAt(c, start + size * highest, size) + size - 1;
      // As Intel's processors do: a fault in the second page is reported at the last byte of all.
      c.mmu.probeWrite(first, 1);
      if ((first ^ last) >>> 12 != 0) {
        c.mmu.probeWrite(last, 1);
      }
      for (int i = lowest; i <= highest; i++) {
        if (selected(c, i)) {
          long gva = writeAddressAt(c, start + size * i, size);
          if (size == 8) {
            c.mmu.writeLane(gva, c.xmm[reg + i]);
          } else {
            c.mmu.writeHalfLane(gva, (int) (c.xmm[reg + (i >> 1)] >>> 32 * (i & 1)));
          }
        }
      }
      return next;
    }
  }
}
