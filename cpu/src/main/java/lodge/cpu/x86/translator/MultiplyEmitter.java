package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.FlagState;
import lodge.cpu.x86.decode.Insn;

/** Bytecode for multiplications and divisions of 32 and 64 bits. What would be #DE is declined. */
final class MultiplyEmitter {
  private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");
  private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
  private static final MethodTypeDesc BINARY = MethodTypeDesc.of(CD_long, CD_long, CD_long);

  private final RegionEmitter region;
  private final IntegerEmitter integer;

  MultiplyEmitter(RegionEmitter region, IntegerEmitter integer) {
    this.region = region;
    this.integer = integer;
  }

  private CodeBuilder code() {
    return region.code;
  }

  /** Whether {@link #emit} has code for the instruction. */
  static boolean emits(Insn insn) {
    return switch (insn.form.mnemonic()) {
      case MUL, IMUL, DIV, IDIV -> insn.operandSize >= 4;
      default -> false;
    };
  }

  /** Divisions leave the flags, which are undefined then, as they were. */
  static int flagKindAfter(Insn insn, int kind) {
    return switch (insn.form.mnemonic()) {
      case MUL, IMUL -> FlagState.READY;
      default -> kind;
    };
  }

  void emit(Block.Placed placed) {
    Insn insn = placed.insn();
    switch (insn.form.mnemonic()) {
      case MUL -> wide(placed, false);
      case IMUL -> {
        if (insn.form.operands().length == 1) {
          wide(placed, true);
        } else {
          narrow(placed);
        }
      }
      case DIV -> divide(placed, false);
      default -> divide(placed, true);
    }
    region.kind = flagKindAfter(insn, region.kind);
  }

  /** IMUL with two or three operands. */
  private void narrow(Block.Placed placed) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    integer.readOperand(placed, size);
    integer.signExtend(size);
    code().lstore(Locals.TEMP_1);
    if (insn.form.operands().length == 3) {
      code().loadConstant(insn.imm).lstore(Locals.TEMP_2);
    } else {
      integer.loadSigned(insn, insn.reg, size);
      code().lstore(Locals.TEMP_2);
    }
    product(size, true);
    flags();
    code().lload(Locals.TEMP_3);
    integer.storeRegister(insn, insn.reg, size);
  }

  /** From RAX and the operand to RDX and RAX. */
  private void wide(Block.Placed placed, boolean signed) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    integer.readOperand(placed, size);
    extend(size, signed);
    code().lstore(Locals.TEMP_1);
    region.load(Cpu.RAX);
    extend(size, signed);
    code().lstore(Locals.TEMP_2);
    product(size, signed);
    flags();
    code().lload(Locals.TEMP_3);
    integer.storeRegister(insn, Cpu.RAX, size);
    if (size == 8) {
      code().lload(Locals.TEMP_2);
    } else {
      code().lload(Locals.TEMP_2).bipush(32).lushr();
    }
    region.store(Cpu.RDX);
  }

  private void extend(int size, boolean signed) {
    if (signed) {
      integer.signExtend(size);
    } else if (size == 4) {
      code().loadConstant(0xFFFF_FFFFL).land();
    }
  }

  /**
   * Of TEMP_1 and TEMP_2: the low half goes, sign-extended, to TEMP_3; the high half of 64 bits or
   * the whole product of 32 to TEMP_2. Pushes what is not 0 when the high half says something.
   */
  private void product(int size, boolean signed) {
    code().lload(Locals.TEMP_1).lload(Locals.TEMP_2).lmul();
    if (size == 8) {
      code().lstore(Locals.TEMP_3);
      code().lload(Locals.TEMP_1).lload(Locals.TEMP_2);
      code().invokestatic(MATH, signed ? "multiplyHigh" : "unsignedMultiplyHigh", BINARY);
      code().lstore(Locals.TEMP_2).lload(Locals.TEMP_2);
      if (signed) {
        code().lload(Locals.TEMP_3).bipush(63).lshr().lxor();
      }
      return;
    }
    code().lstore(Locals.TEMP_2);
    code().lload(Locals.TEMP_2).l2i().i2l().lstore(Locals.TEMP_3);
    code().lload(Locals.TEMP_2);
    if (signed) {
      code().lload(Locals.TEMP_3).lxor();
    } else {
      code().bipush(32).lushr();
    }
  }

  /** Pops what is not 0 when the high half says something. */
  private void flags() {
    if (integer.flagsDead) {
      code().pop2();
      return;
    }
    code().lload(Locals.TEMP_3);
    code().invokestatic(RegionEmitter.STATE, "mulAux", BINARY).lstore(Locals.FLAG_A);
    code().lload(Locals.TEMP_3);
    MethodTypeDesc one = MethodTypeDesc.of(CD_long, CD_long);
    code().invokestatic(RegionEmitter.STATE, "mulResult", one).lstore(Locals.FLAG_R);
  }

  private void divide(Block.Placed placed, boolean signed) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    integer.readOperand(placed, size);
    extend(size, signed);
    code().lstore(Locals.TEMP_1);
    code().lload(Locals.TEMP_1).lconst_0().lcmp().ifeq(region.decline(placed));
    if (signed) {
      // The one quotient that does not fit is rare enough.
      code().lload(Locals.TEMP_1).loadConstant(-1L).lcmp().ifeq(region.decline(placed));
    }
    if (size == 4) {
      region.load(Cpu.RDX);
      code().bipush(32).lshl();
      region.load(Cpu.RAX);
      code().loadConstant(0xFFFF_FFFFL).land().lor();
    } else {
      region.load(Cpu.RAX);
    }
    code().lstore(Locals.TEMP_2);
    if (size == 8) {
      region.load(Cpu.RDX);
      if (signed) {
        code().lload(Locals.TEMP_2).bipush(63).lshr();
      } else {
        code().lconst_0();
      }
      code().lcmp().ifne(region.decline(placed));
    } else if (!signed) {
      code().lload(Locals.TEMP_2).bipush(32).lushr().lload(Locals.TEMP_1);
      code().lcmp().ifge(region.decline(placed));
    }
    code().lload(Locals.TEMP_2).lload(Locals.TEMP_1);
    if (signed) {
      code().ldiv();
    } else {
      code().invokestatic(LONG, "divideUnsigned", BINARY);
    }
    code().lstore(Locals.TEMP_3);
    if (size == 4 && signed) {
      code().lload(Locals.TEMP_3).lload(Locals.TEMP_3).l2i().i2l();
      code().lcmp().ifne(region.decline(placed));
    }
    code().lload(Locals.TEMP_2).lload(Locals.TEMP_3).lload(Locals.TEMP_1).lmul().lsub();
    integer.storeRegister(insn, Cpu.RDX, size);
    code().lload(Locals.TEMP_3);
    integer.storeRegister(insn, Cpu.RAX, size);
  }
}
