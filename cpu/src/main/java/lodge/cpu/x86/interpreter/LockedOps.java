package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.Mmu;
import lodge.cpu.x86.decode.Insn;

/**
 * Instructions that read, modify and write memory atomically: those with LOCK, and XCHG with or
 * without it (SDM volume 3, 10.1.2.2). They are so on machines with one processor, too: they are
 * rare there.
 */
final class LockedOps {
  private static final int NEG = 16;
  private static final int NOT = 17;
  private static final int INC = 18;
  private static final int DEC = 19;

  private LockedOps() {}

  /** The op, or null when the instruction is not a locked one. */
  static Op link(Insn insn, int offset) {
    if (!insn.memory) {
      return null;
    }
    return switch (insn.form.mnemonic()) {
      case XCHG -> new Exchange(insn, offset);
      case ADD -> insn.lock ? new Arithmetic(Alu.ADD, insn, offset) : null;
      case OR -> insn.lock ? new Arithmetic(Alu.OR, insn, offset) : null;
      case ADC -> insn.lock ? new Arithmetic(Alu.ADC, insn, offset) : null;
      case SBB -> insn.lock ? new Arithmetic(Alu.SBB, insn, offset) : null;
      case AND -> insn.lock ? new Arithmetic(Alu.AND, insn, offset) : null;
      case SUB -> insn.lock ? new Arithmetic(Alu.SUB, insn, offset) : null;
      case XOR -> insn.lock ? new Arithmetic(Alu.XOR, insn, offset) : null;
      case NEG -> insn.lock ? new Unary(NEG, insn, offset) : null;
      case NOT -> insn.lock ? new Unary(NOT, insn, offset) : null;
      case INC -> insn.lock ? new Unary(INC, insn, offset) : null;
      case DEC -> insn.lock ? new Unary(DEC, insn, offset) : null;
      case XADD -> insn.lock ? new Xadd(insn, offset) : null;
      case CMPXCHG -> insn.lock ? new Cmpxchg(insn, offset) : null;
      case CMPXCHG8B -> insn.lock ? new Cmpxchg8b(insn, offset) : null;
      case CMPXCHG16B -> insn.lock ? new Cmpxchg16b(insn, offset) : null;
      case BTS -> insn.lock ? new BitChange(BitOps.BTS, insn, offset) : null;
      case BTR -> insn.lock ? new BitChange(BitOps.BTR, insn, offset) : null;
      case BTC -> insn.lock ? new BitChange(BitOps.BTC, insn, offset) : null;
      default -> null;
    };
  }

  /** ADD and so on; the source is a register or an immediate. */
  private static final class Arithmetic extends RmOp implements Mmu.Modification {
    private final byte operation;
    private final boolean immediate;
    private final int imm;

    Arithmetic(int operation, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
      this.immediate = insn.form.operands()[1].charAt(0) == 'I';
      this.imm = (int) insn.imm;
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.modify(writeAddress(c, size), size, this);
      return next;
    }

    @Override
    public long apply(Cpu c, long old) {
      return Alu.apply(c, operation, size, old, immediate ? imm : loadReg(c));
    }
  }

  private static final class Unary extends RmOp implements Mmu.Modification {
    private final byte operation;

    Unary(int operation, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.modify(writeAddress(c, size), size, this);
      return next;
    }

    @Override
    public long apply(Cpu c, long old) {
      return switch (operation) {
        case NEG -> Alu.neg(c, size, old);
        case INC -> Alu.inc(c, size, old);
        case DEC -> Alu.dec(c, size, old);
        default -> ~old;
      };
    }
  }

  private static final class Xadd extends RmOp implements Mmu.Modification {
    Xadd(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      storeReg(c, c.mmu.modify(writeAddress(c, size), size, this));
      return next;
    }

    @Override
    public long apply(Cpu c, long old) {
      return Alu.apply(c, Alu.ADD, size, old, loadReg(c));
    }
  }

  /** XCHG of a register and memory. */
  static final class Exchange extends RmOp implements Mmu.Modification {
    Exchange(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      storeReg(c, c.mmu.modify(writeAddress(c, size), size, this));
      return next;
    }

    @Override
    public long apply(Cpu c, long old) {
      return loadReg(c);
    }
  }

  /** The destination is written in both cases: with its old value when the comparison fails. */
  private static final class Cmpxchg extends RmOp implements Mmu.Modification {
    Cmpxchg(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long accumulator = Registers.read(c.r, Cpu.RAX, size);
      long old = c.mmu.modify(writeAddress(c, size), size, this);
      if (old != accumulator) {
        Registers.write(c.r, Cpu.RAX, size, old);
      }
      return next;
    }

    @Override
    public long apply(Cpu c, long old) {
      long accumulator = Registers.read(c.r, Cpu.RAX, size);
      Alu.apply(c, Alu.CMP, size, accumulator, old);
      return accumulator == old ? loadReg(c) : old;
    }
  }

  private static final class Cmpxchg8b extends MemOp implements Mmu.Modification {
    Cmpxchg8b(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long[] r = c.r;
      long expected = expected(c);
      long old = c.mmu.modify(writeAddress(c, 8), 8, this);
      if (old != expected) {
        r[Cpu.RAX] = old & 0xFFFF_FFFFL;
        r[Cpu.RDX] = old >>> 32;
      }
      ArithmeticOps.setZf(c, old == expected);
      return next;
    }

    private static long expected(Cpu c) {
      return c.r[Cpu.RDX] << 32 | c.r[Cpu.RAX] & 0xFFFF_FFFFL;
    }

    @Override
    public long apply(Cpu c, long old) {
      return old == expected(c) ? c.r[Cpu.RCX] << 32 | c.r[Cpu.RBX] & 0xFFFF_FFFFL : old;
    }
  }

  /** CMPXCHG16B; #GP(0) when the operand is not aligned. */
  private static final class Cmpxchg16b extends MemOp {
    Cmpxchg16b(Insn insn, int offset) {
      super(insn, offset);
    }

    @Override
    public Op exec(Cpu c) {
      long gva = writeAddress(c, 16);
      if ((gva & 15) != 0) {
        throw c.generalProtection(0);
      }
      long[] r = c.r;
      boolean equal = c.mmu.exchange128(gva, r[Cpu.RAX], r[Cpu.RDX], r[Cpu.RBX], r[Cpu.RCX]);
      if (!equal) {
        r[Cpu.RAX] = c.mmu.seenLow;
        r[Cpu.RDX] = c.mmu.seenHigh;
      }
      ArithmeticOps.setZf(c, equal);
      return next;
    }
  }

  /** BTS, BTR, BTC; a register's bit offset reaches beyond the operand. */
  private static final class BitChange extends RmOp implements Mmu.Modification {
    private final byte operation;
    private final boolean immediate;
    private final byte bit;
    private final byte segment;
    private final long mask;

    BitChange(int operation, Insn insn, int offset) {
      super(insn, offset);
      this.operation = (byte) operation;
      this.immediate = insn.opcode == 0xBA;
      this.bit = (byte) insn.imm;
      this.segment = MemOp.segment(insn);
      this.mask = MemOp.mask(insn.addressSize);
    }

    @Override
    public Op exec(Cpu c) {
      c.mmu.modify(address(c, displacement(c)), size, this);
      return next;
    }

    /** In bytes, of the operand that holds the bit. */
    private long displacement(Cpu c) {
      int log = size == 8 ? 6 : size == 4 ? 5 : 4;
      return immediate ? 0 : (Alu.signExtend(size, c.r[reg]) >> log) * size;
    }

    private long address(Cpu c, long displacement) {
      return MemOp.writeAddress(c, segment, effectiveAddress(c) + displacement & mask, size);
    }

    @Override
    public long apply(Cpu c, long old) {
      int position = (immediate ? bit : (int) c.r[reg]) & 8 * size - 1;
      Flags.setCf(c, (old >>> position & 1) != 0);
      return BitOps.change(operation, old, 1L << position);
    }
  }
}
