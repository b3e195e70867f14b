package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;

/**
 * MOV, MOVZX, MOVSX, MOVSXD, LEA, XCHG, CMOVcc, SETcc, BSWAP and the sign extensions of the
 * accumulator.
 */
final class MoveOps {
  private MoveOps() {}

  static final class MovRr64 extends Op {
    private final byte dst;
    private final byte src;

    MovRr64(int dst, int src) {
      this.dst = (byte) dst;
      this.src = (byte) src;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = r[src];
      return next;
    }
  }

  static final class MovRr32 extends Op {
    private final byte dst;
    private final byte src;

    MovRr32(int dst, int src) {
      this.dst = (byte) dst;
      this.src = (byte) src;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      r[dst] = r[src] & 0xFFFF_FFFFL;
      return next;
    }
  }

  /** A whole register from a constant. */
  static final class MovImm extends Op {
    private final byte dst;
    private final long imm;

    MovImm(int dst, long imm) {
      this.dst = (byte) dst;
      this.imm = imm;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = imm;
      return next;
    }
  }

  static final class Load64 extends MemOp {
    private final byte dst;

    Load64(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = c.mmu.read64(readAddress(c, 8));
      return next;
    }
  }

  /** MOV r32, [memory]; also MOVSXD without REX.W. */
  static final class Load32 extends MemOp {
    private final byte dst;

    Load32(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = c.mmu.read32(readAddress(c, 4)) & 0xFFFF_FFFFL;
      return next;
    }
  }

  /** MOVZX r32 or r64, byte [memory]. */
  static final class LoadZero8 extends MemOp {
    private final byte dst;

    LoadZero8(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = c.mmu.read8(readAddress(c, 1));
      return next;
    }
  }

  /** MOVZX r32 or r64, word [memory]. */
  static final class LoadZero16 extends MemOp {
    private final byte dst;

    LoadZero16(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = c.mmu.read16(readAddress(c, 2));
      return next;
    }
  }

  /** MOVSXD r64, dword [memory]. */
  static final class LoadSign32 extends MemOp {
    private final byte dst;

    LoadSign32(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = c.mmu.read32(readAddress(c, 4));
      return next;
    }
  }

  static final class Store64 extends MemOp {
    private final byte src;

    Store64(Insn insn, int offset) {
      super(insn, offset);
      this.src = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.write64(writeAddress(c, 8), c.r[src]);
      return next;
    }
  }

  static final class Store32 extends MemOp {
    private final byte src;

    Store32(Insn insn, int offset) {
      super(insn, offset);
      this.src = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.write32(writeAddress(c, 4), (int) c.r[src]);
      return next;
    }
  }

  static final class Store8 extends MemOp {
    private final byte src;

    Store8(Insn insn, int offset) {
      super(insn, offset);
      this.src = (byte) Registers.code(insn, insn.reg, 1);
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.write8(writeAddress(c, 1), Registers.read8(c.r, src));
      return next;
    }
  }

  /** MOV [memory], immediate, of any size. */
  static final class StoreImm extends MemOp {
    private final byte size;
    private final int imm;

    StoreImm(Insn insn, int offset) {
      super(insn, offset);
      this.size = (byte) insn.operandSize;
      this.imm = (int) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.write(writeAddress(c, size), size, imm);
      return next;
    }
  }

  static final class StoreImm8 extends MemOp {
    private final byte imm;

    StoreImm8(Insn insn, int offset) {
      super(insn, offset);
      this.imm = (byte) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.write8(writeAddress(c, 1), imm);
      return next;
    }
  }

  /** Register or memory from a register, of any size. */
  static final class MovToRm extends RmOp {
    MovToRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      if (memory) {
        c.mmu.write(writeAddress(c, size), size, loadReg(c));
      } else {
        Registers.write(c.r, rm, size, loadReg(c));
      }
      return next;
    }
  }

  /** A register from register or memory, of any size. */
  static final class MovFromRm extends RmOp {
    MovFromRm(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      storeReg(c, load(c));
      return next;
    }
  }

  /** A register of 8 or 16 bits from an immediate. */
  static final class MovImmSmall extends Op {
    private final byte code;
    private final byte size;
    private final int imm;

    MovImmSmall(int code, int size, long imm) {
      this.code = (byte) code;
      this.size = (byte) size;
      this.imm = (int) imm;
    }

    @Override
    public Op exec(Cpu c) {
      Registers.write(c.r, code, size, imm);
      return next;
    }
  }

  /** Accumulator and memory at an absolute offset. */
  static final class MovAccumulator extends MemOp {
    private final byte size;
    private final boolean store;

    MovAccumulator(Insn insn, int offset, boolean store) {
      super(insn, offset);
      this.size = (byte) insn.operandSize;
      this.store = store;
    }

    @Override
    public Op exec(Cpu c) {
      if (store) {
        c.mmu.write(writeAddress(c, size), size, c.r[Cpu.RAX]);
      } else {
        Registers.write(c.r, Cpu.RAX, size, c.mmu.read(readAddress(c, size), size));
      }
      return next;
    }
  }

  /** MOVZX, MOVSX, MOVSXD in their general form. */
  static final class Extend extends RmOp {
    private final byte dst;
    private final byte dstSize;
    private final boolean signed;

    Extend(Insn insn, int offset, int sourceSize, boolean signed) {
      super(insn, offset, sourceSize);
      this.dst = (byte) insn.reg;
      this.dstSize = (byte) insn.operandSize;
      this.signed = signed;
    }

    @Override
    public Op exec(Cpu c) {
      long value = load(c);
      Registers.write(c.r, dst, dstSize, signed ? Alu.signExtend(size, value) : value);
      return next;
    }
  }

  static final class ZeroExtend8 extends Op {
    private final byte dst;
    private final byte code;

    ZeroExtend8(int dst, int code) {
      this.dst = (byte) dst;
      this.code = (byte) code;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = Registers.read8(c.r, code);
      return next;
    }
  }

  static final class SignExtend32 extends Op {
    private final byte dst;
    private final byte src;

    SignExtend32(int dst, int src) {
      this.dst = (byte) dst;
      this.src = (byte) src;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = (int) c.r[src];
      return next;
    }
  }

  static final class Lea64 extends MemOp {
    private final byte dst;

    Lea64(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
    }

    @Override
    public Op exec(Cpu c) {
      c.r[dst] = effectiveAddress(c);
      return next;
    }
  }

  static final class Lea extends MemOp {
    private final byte dst;
    private final byte size;

    Lea(Insn insn, int offset) {
      super(insn, offset);
      this.dst = (byte) insn.reg;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      Registers.write(c.r, dst, size, effectiveAddress(c));
      return next;
    }
  }

  /** XCHG of two registers; with memory it is {@link LockedOps.Exchange}. */
  static final class Xchg extends RmOp {
    Xchg(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long value = load(c);
      Registers.write(c.r, rm, size, loadReg(c));
      storeReg(c, value);
      return next;
    }
  }

  /** XCHG of the accumulator with the register in the opcode. */
  static final class XchgAccumulator extends Op {
    private final byte other;
    private final byte size;

    XchgAccumulator(Insn insn) {
      this.other = (byte) insn.opcodeRegister;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      long a = Registers.read(c.r, Cpu.RAX, size);
      Registers.write(c.r, Cpu.RAX, size, Registers.read(c.r, other, size));
      Registers.write(c.r, other, size, a);
      return next;
    }
  }

  /**
   * The memory operand is read, and a 32-bit destination's upper half cleared, whatever the
   * condition.
   */
  static final class Cmov extends RmOp {
    private final byte condition;

    Cmov(Insn insn, int offset) {
      super(insn, offset);
      this.condition = (byte) (insn.opcode & 15);
    }

    @Override
    public Op exec(Cpu c) {
      long value = load(c);
      storeReg(c, Flags.condition(c, condition) ? value : loadReg(c));
      return next;
    }
  }

  static final class Setcc extends RmOp {
    private final byte condition;

    Setcc(Insn insn, int offset) {
      super(insn, offset, 1);
      this.condition = (byte) (insn.opcode & 15);
    }

    @Override
    public Op exec(Cpu c) {
      int value = Flags.condition(c, condition) ? 1 : 0;
      if (memory) {
        c.mmu.write8(writeAddress(c, 1), value);
      } else {
        Registers.write8(c.r, rm, value);
      }
      return next;
    }
  }

  static final class Bswap extends Op {
    private final byte register;
    private final byte size;

    Bswap(Insn insn) {
      this.register = (byte) insn.opcodeRegister;
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      switch (size) {
        case 8 -> r[register] = Long.reverseBytes(r[register]);
        case 4 -> r[register] = Integer.reverseBytes((int) r[register]) & 0xFFFF_FFFFL;
        // Undefined in the manual; the processors give 0.
        default -> r[register] &= ~0xFFFFL;
      }
      return next;
    }
  }

  static final class Movbe extends RmOp {
    private final boolean store;

    Movbe(Insn insn, int offset) {
      super(insn, offset);
      this.store = insn.opcode == 0xF1;
    }

    @Override
    public Op exec(Cpu c) {
      if (store) {
        c.mmu.write(writeAddress(c, size), size, swap(loadReg(c)));
      } else {
        storeReg(c, swap(load(c)));
      }
      return next;
    }

    private long swap(long value) {
      return Long.reverseBytes(value) >>> 64 - 8 * size;
    }
  }

  /** CBW, CWDE, CDQE. */
  static final class Cbw extends Op {
    private final byte size;

    Cbw(Insn insn) {
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      Registers.write(c.r, Cpu.RAX, size, Alu.signExtend(size / 2, c.r[Cpu.RAX]));
      return next;
    }
  }

  /** CWD, CDQ, CQO. */
  static final class Cwd extends Op {
    private final byte size;

    Cwd(Insn insn) {
      this.size = (byte) insn.operandSize;
    }

    @Override
    public Op exec(Cpu c) {
      Registers.write(c.r, Cpu.RDX, size, Alu.signExtend(size, c.r[Cpu.RAX]) >> 63);
      return next;
    }
  }

  static final class Xlat extends Op {
    private final byte segment;
    private final long mask;

    Xlat(Insn insn) {
      this.segment = MemOp.segment(insn);
      this.mask = MemOp.mask(insn.addressSize);
    }

    @Override
    public Op exec(Cpu c) {
      long offset = c.r[Cpu.RBX] + (c.r[Cpu.RAX] & 0xFF) & mask;
      Registers.write8(c.r, Cpu.RAX, c.mmu.read8(MemOp.readAddress(c, segment, offset, 1)));
      return next;
    }
  }
}
