package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import lodge.core.host.HostMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.FlagState;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/**
 * Bytecode for locked instructions with an aligned operand of 32 or 64 bits: the host's own atomic
 * instructions. So are XCHG with memory, XADD and CMPXCHG, locked or not.
 */
final class LockedEmitter {
  private static final ClassDesc HOST = HostMemory.class.describeConstable().orElseThrow();

  private final RegionEmitter region;
  private final IntegerEmitter integer;
  private final MemoryEmitter memory;

  LockedEmitter(RegionEmitter region, IntegerEmitter integer, MemoryEmitter memory) {
    this.region = region;
    this.integer = integer;
    this.memory = memory;
  }

  private CodeBuilder code() {
    return region.code;
  }

  /** Whether {@link #emit} has code for the instruction. */
  static boolean emits(Insn insn) {
    if (!insn.memory || insn.operandSize < 4) {
      return false;
    }
    return switch (insn.form.mnemonic()) {
      case XCHG, XADD, CMPXCHG -> true;
      case ADD, SUB, AND, OR, XOR, INC, DEC -> insn.lock;
      default -> false;
    };
  }

  static int flagKindAfter(Insn insn, int kind) {
    int size = insn.operandSize;
    return switch (insn.form.mnemonic()) {
      case XADD -> FlagState.sized(FlagState.ADD, size);
      case CMPXCHG -> FlagState.sized(FlagState.CMP, size);
      case ADD -> FlagState.sized(FlagState.ADD, size);
      case SUB -> FlagState.sized(FlagState.SUB, size);
      case INC -> FlagState.sized(FlagState.INC, size);
      case DEC -> FlagState.sized(FlagState.DEC, size);
      case AND, OR, XOR -> FlagState.sized(FlagState.LOGIC, size);
      default -> kind;
    };
  }

  void emit(Block.Placed placed) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    memory.findAligned(placed, size, true);
    Mnemonic mnemonic = insn.form.mnemonic();
    switch (mnemonic) {
      case XCHG -> {
        exchange("getAndSet", size, () -> integer.loadRegister(insn, insn.reg, size));
        integer.storeRegister(insn, insn.reg, size);
      }
      case XADD -> {
        integer.loadRegister(insn, insn.reg, size);
        code().lstore(Locals.FLAG_B);
        exchange("getAndAdd", size, () -> code().lload(Locals.FLAG_B));
        code().lstore(Locals.TEMP_1);
        code().lload(Locals.TEMP_1).lload(Locals.FLAG_B).ladd().lstore(Locals.FLAG_R);
        code().lload(Locals.TEMP_1);
        integer.storeRegister(insn, insn.reg, size);
      }
      case CMPXCHG -> compareAndExchange(insn, size);
      case INC, DEC -> {
        integer.carry();
        code().lstore(Locals.FLAG_B);
        long delta = mnemonic == Mnemonic.INC ? 1 : -1;
        exchange("getAndAdd", size, () -> code().loadConstant(delta));
        code().loadConstant(delta).ladd().lstore(Locals.FLAG_R);
      }
      default -> modify(insn, mnemonic, size);
    }
    region.kind = flagKindAfter(insn, region.kind);
  }

  private void modify(Insn insn, Mnemonic mnemonic, int size) {
    integer.operand(insn, 1, size);
    code().lstore(Locals.FLAG_B);
    String method =
        switch (mnemonic) {
          case AND -> "getAndAnd";
          case OR -> "getAndOr";
          case XOR -> "getAndXor";
          default -> "getAndAdd";
        };
    exchange(
        method,
        size,
        () -> {
          code().lload(Locals.FLAG_B);
          if (mnemonic == Mnemonic.SUB) {
            code().lneg();
          }
        });
    code().lload(Locals.FLAG_B);
    switch (mnemonic) {
      case AND -> code().land();
      case OR -> code().lor();
      case XOR -> code().lxor();
      case SUB -> code().lsub();
      default -> code().ladd();
    }
    code().lstore(Locals.FLAG_R);
  }

  /** Pushes what was there. */
  private void exchange(String method, int size, Runnable value) {
    code().lload(Locals.HOST);
    value.run();
    if (size == 8) {
      code().invokestatic(HOST, method, MethodTypeDesc.of(CD_long, CD_long, CD_long));
    } else {
      code().l2i().invokestatic(HOST, method, MethodTypeDesc.of(CD_int, CD_long, CD_int)).i2l();
    }
  }

  private void compareAndExchange(Insn insn, int size) {
    region.load(Cpu.RAX);
    code().lstore(Locals.FLAG_A);
    code().lload(Locals.HOST).lload(Locals.FLAG_A);
    if (size == 8) {
      region.load(insn.reg);
      MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long);
      code().invokestatic(HOST, "compareAndExchange", type);
    } else {
      code().l2i();
      region.load(insn.reg);
      MethodTypeDesc type = MethodTypeDesc.of(CD_int, CD_long, CD_int, CD_int);
      code().l2i().invokestatic(HOST, "compareAndExchange", type).i2l();
    }
    code().lstore(Locals.FLAG_B);
    Label equal = code().newLabel();
    code().lload(Locals.FLAG_A).lload(Locals.FLAG_B);
    if (size == 8) {
      code().lcmp();
    } else {
      code().lsub().l2i();
    }
    code().ifeq(equal);
    code().lload(Locals.FLAG_B);
    integer.storeRegister(insn, Cpu.RAX, size);
    code().labelBinding(equal);
  }
}
