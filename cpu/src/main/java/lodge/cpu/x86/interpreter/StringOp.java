package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Flags;
import lodge.cpu.x86.decode.Insn;

/**
 * MOVS, STOS, LODS, CMPS and SCAS with their repeat prefixes (SDM volume 2, REP). Registers are
 * true after every element, so a fault or an interrupt in the middle restarts where it was. One
 * call does a limited number of elements and returns itself until RCX is 0, which lets interrupts
 * in between.
 */
abstract class StringOp extends Op {
  /** Elements in one call where they go one by one. */
  private static final int BATCH = 256;

  final byte size;
  final byte source;

  /** ES, which no prefix overrides. */
  private final byte destination;

  final boolean flat;
  private final byte addressSize;
  private final long mask;
  private final int repeat;

  StringOp(Insn insn) {
    this.size = (byte) insn.operandSize;
    this.source = MemOp.segment(insn);
    this.destination = (byte) (insn.codeSize == 8 ? Cpu.FLAT : Cpu.ES);
    this.flat = insn.codeSize == 8 && insn.addressSize == 8;
    this.addressSize = (byte) insn.addressSize;
    this.mask = MemOp.mask(insn.addressSize);
    this.repeat = insn.repeat;
  }

  /** One element: memory first, then {@link #advance}. */
  abstract void element(Cpu c);

  /** What the processors do with RSI and RDI at the start of a repetition with 32-bit addresses. */
  void extend(Cpu c) {}

  /** ZF decides about going on (CMPS, SCAS). */
  boolean compares() {
    return false;
  }

  /**
   * Does many elements at once where that looks the same to the guest; returns how many, 0 when it
   * cannot.
   */
  long bulk(Cpu c, long count) {
    return 0;
  }

  @Override
  public final Op exec(Cpu c) {
    if (repeat == Insn.NONE) {
      element(c);
      return next;
    }
    long count = c.r[Cpu.RCX] & mask;
    if (addressSize == 4) {
      // These are written even when nothing else happens or the first element faults.
      c.r[Cpu.RCX] = count;
      extend(c);
    }
    if (count == 0) {
      return next;
    }
    if (c.single) {
      return steps(c, count, 1);
    }
    if (flat && (c.eflags & Flags.DF) == 0) {
      long done = bulk(c, count);
      if (done != 0) {
        c.r[Cpu.RCX] = count - done;
        return count == done ? Repeat.done(c, next) : Repeat.again(c, this);
      }
    }
    return steps(c, count, BATCH);
  }

  /**
   * At most {@code limit} elements. Whoever looks between them, at a fault (SDM volume 2, REP) or
   * another event, finds the flags as they were before the instruction.
   */
  private Op steps(Cpu c, long count, int limit) {
    long flagResult = c.flagResult;
    long flagAux = c.flagAux;
    long invalidations = c.codeInvalidations;
    try {
      for (int i = 0; i < limit; i++) {
        element(c);
        count--;
        Registers.write(c.r, Cpu.RCX, addressSize, count);
        if (count == 0 || compares() && Flags.zf(c) != (repeat == Insn.REP)) {
          return Repeat.done(c, next);
        }
        if (c.codeInvalidations != invalidations) {
          // It may be this instruction that was overwritten.
          c.flagResult = flagResult;
          c.flagAux = flagAux;
          c.rip = rip(c);
          return Repeat.again(c, null);
        }
      }
    } catch (CpuException fault) {
      c.flagResult = flagResult;
      c.flagAux = flagAux;
      throw fault;
    }
    c.flagResult = flagResult;
    c.flagAux = flagAux;
    return Repeat.again(c, this);
  }

  final long readSource(Cpu c) {
    long gva = MemOp.readAddress(c, source, c.r[Cpu.RSI] & mask, size);
    return c.mmu.read(gva, size);
  }

  final long readDestination(Cpu c) {
    return c.mmu.read(MemOp.readAddress(c, destination, c.r[Cpu.RDI] & mask, size), size);
  }

  final void writeDestination(Cpu c, long value) {
    c.mmu.write(MemOp.writeAddress(c, destination, c.r[Cpu.RDI] & mask, size), size, value);
  }

  final void advance(Cpu c, int register) {
    long step = (c.eflags & Flags.DF) != 0 ? -size : size;
    Registers.write(c.r, register, addressSize, (c.r[register] & mask) + step);
  }

  /** How many whole elements of {@code count} fit between {@code gva} and the end of its page. */
  final long withinPage(long gva, long count) {
    long room = (4096 - (gva & 0xFFF)) / size;
    return Long.compareUnsigned(count, room) < 0 ? count : room;
  }

  static final class Movs extends StringOp {
    Movs(Insn insn) {
      super(insn);
    }

    @Override
    void extend(Cpu c) {
      c.r[Cpu.RSI] &= 0xFFFF_FFFFL;
      c.r[Cpu.RDI] &= 0xFFFF_FFFFL;
    }

    @Override
    void element(Cpu c) {
      writeDestination(c, readSource(c));
      advance(c, Cpu.RSI);
      advance(c, Cpu.RDI);
    }

    @Override
    long bulk(Cpu c, long count) {
      long from = c.segBase[source] + c.r[Cpu.RSI];
      long to = c.r[Cpu.RDI];
      long elements = withinPage(to, withinPage(from, count));
      if (elements == 0) {
        return 0;
      }
      long fromGpa = c.mmu.ramAddress(from, false);
      long toGpa = c.mmu.ramAddress(to, true);
      long length = elements * size;
      if (fromGpa < 0 || toGpa < 0 || toGpa > fromGpa && toGpa < fromGpa + length) {
        return 0;
      }
      c.memory.copy(fromGpa, toGpa, length);
      c.r[Cpu.RSI] += length;
      c.r[Cpu.RDI] += length;
      return elements;
    }
  }

  static final class Stos extends StringOp {
    Stos(Insn insn) {
      super(insn);
    }

    @Override
    void extend(Cpu c) {
      c.r[Cpu.RDI] &= 0xFFFF_FFFFL;
    }

    @Override
    void element(Cpu c) {
      writeDestination(c, c.r[Cpu.RAX]);
      advance(c, Cpu.RDI);
    }

    @Override
    long bulk(Cpu c, long count) {
      long to = c.r[Cpu.RDI];
      long elements = withinPage(to, count);
      if (elements == 0) {
        return 0;
      }
      long value = c.r[Cpu.RAX];
      long gpa = c.mmu.ramAddress(to, true);
      if (gpa < 0) {
        return 0;
      }
      long length = elements * size;
      if (Alu.zeroExtend(size, value)
          == Alu.zeroExtend(size, (value & 0xFF) * 0x0101_0101_0101_0101L)) {
        c.memory.fill(gpa, length, (byte) value);
      } else {
        c.memory.fill(gpa, length, value, size);
      }
      c.r[Cpu.RDI] += length;
      return elements;
    }
  }

  static final class Lods extends StringOp {
    Lods(Insn insn) {
      super(insn);
    }

    @Override
    void element(Cpu c) {
      Registers.write(c.r, Cpu.RAX, size, readSource(c));
      advance(c, Cpu.RSI);
    }
  }

  static final class Cmps extends StringOp {
    Cmps(Insn insn) {
      super(insn);
    }

    @Override
    void element(Cpu c) {
      // When both operands fault, the processors report the destination.
      long b = readDestination(c);
      Alu.apply(c, Alu.CMP, size, readSource(c), b);
      advance(c, Cpu.RSI);
      advance(c, Cpu.RDI);
    }

    @Override
    boolean compares() {
      return true;
    }
  }

  static final class Scas extends StringOp {
    Scas(Insn insn) {
      super(insn);
    }

    @Override
    void element(Cpu c) {
      Alu.apply(c, Alu.CMP, size, c.r[Cpu.RAX], readDestination(c));
      advance(c, Cpu.RDI);
    }

    @Override
    boolean compares() {
      return true;
    }
  }
}
