package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.FlagState;
import lodge.cpu.x86.Shifts;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/**
 * Bytecode for rotates, shifts by CL, bit tests, scans and counts. Those that keep some of the
 * flags have the processor's own brought up to date and changed by the interpreter's functions.
 */
final class BitEmitter {
  private static final ClassDesc SHIFTS = Shifts.class.describeConstable().orElseThrow();
  private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");

  private final RegionEmitter region;
  private final IntegerEmitter integer;

  BitEmitter(RegionEmitter region, IntegerEmitter integer) {
    this.region = region;
    this.integer = integer;
  }

  private CodeBuilder code() {
    return region.code;
  }

  /** Whether {@link #emit} has code for the instruction. All of them leave flags that are ready. */
  static boolean emits(Insn insn) {
    return switch (insn.form.mnemonic()) {
      case ROL, ROR, RCL, RCR, SHL, SHR, SAR, BSF, BSR, TZCNT, LZCNT, POPCNT -> insn.hasModrm;
      case SHLD, SHRD -> insn.operandSize >= 4;
      case BT, BTS, BTR, BTC -> !insn.memory || hasImmediate(insn);
      default -> false;
    };
  }

  private static boolean hasImmediate(Insn insn) {
    String[] operands = insn.form.operands();
    return operands[operands.length - 1].charAt(0) == 'I';
  }

  void emit(Block.Placed placed) {
    Insn insn = placed.insn();
    Mnemonic mnemonic = insn.form.mnemonic();
    switch (mnemonic) {
      case ROL -> shift(placed, Shifts.ROL);
      case ROR -> shift(placed, Shifts.ROR);
      case RCL -> shift(placed, Shifts.RCL);
      case RCR -> shift(placed, Shifts.RCR);
      case SHL -> shift(placed, Shifts.SHL);
      case SHR -> shift(placed, Shifts.SHR);
      case SAR -> shift(placed, Shifts.SAR);
      case SHLD -> doubleShift(placed, "shld");
      case SHRD -> doubleShift(placed, "shrd");
      case BT, BTS, BTR, BTC -> test(placed, mnemonic);
      case BSF, BSR -> scan(placed, mnemonic == Mnemonic.BSR);
      default -> count(placed, mnemonic);
    }
    region.kind = FlagState.READY;
  }

  private void shift(Block.Placed placed, int operation) {
    Insn insn = placed.insn();
    boolean byCl = (insn.opcode & 0xFE) == 0xD2;
    boolean byOne = (insn.opcode & 0xFE) == 0xD0;
    integer.readModify(placed);
    zeroExtend(insn.operandSize);
    code().lstore(Locals.TEMP_1);
    region.storeFlags();
    code().aload(Locals.CPU).loadConstant(operation).loadConstant(insn.operandSize);
    code().lload(Locals.TEMP_1);
    pushCount(insn, byCl, byOne);
    boolean keeps = !byCl && !insn.memory && operation <= Shifts.ROR;
    code()
        .invokestatic(
            SHIFTS,
            keeps ? "rotateRegister" : "apply",
            MethodTypeDesc.of(CD_long, RegionEmitter.CPU, CD_int, CD_int, CD_long, CD_int));
    region.loadFlags();
    integer.storeDestination(insn, insn.operandSize, insn.memory);
  }

  private void pushCount(Insn insn, boolean byCl, boolean byOne) {
    if (byCl) {
      region.load(Cpu.RCX);
      code().l2i();
    } else {
      code().loadConstant(byOne ? 1 : (int) insn.imm & 63);
    }
  }

  private void doubleShift(Block.Placed placed, String method) {
    Insn insn = placed.insn();
    integer.readModify(placed);
    zeroExtend(insn.operandSize);
    code().lstore(Locals.TEMP_1);
    region.storeFlags();
    code().aload(Locals.CPU).loadConstant(insn.operandSize).lload(Locals.TEMP_1);
    integer.loadRegister(insn, insn.reg, insn.operandSize);
    zeroExtend(insn.operandSize);
    pushCount(insn, !hasImmediate(insn), false);
    code()
        .invokestatic(
            SHIFTS,
            method,
            MethodTypeDesc.of(CD_long, RegionEmitter.CPU, CD_int, CD_long, CD_long, CD_int));
    region.loadFlags();
    integer.storeDestination(insn, insn.operandSize, insn.memory);
  }

  private void test(Block.Placed placed, Mnemonic mnemonic) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    if (mnemonic == Mnemonic.BT) {
      integer.readOperand(placed, size);
    } else {
      integer.readModify(placed);
    }
    code().lstore(Locals.TEMP_1);
    if (hasImmediate(insn)) {
      code().loadConstant((int) insn.imm & 8 * size - 1);
    } else {
      region.load(insn.reg);
      code().l2i().loadConstant(8 * size - 1).iand();
    }
    code().istore(Locals.INT);
    region.storeFlags();
    code().aload(Locals.CPU).lload(Locals.TEMP_1).iload(Locals.INT);
    code()
        .invokestatic(
            RegionEmitter.STATE,
            "setCarry",
            MethodTypeDesc.of(CD_void, RegionEmitter.CPU, CD_long, CD_int));
    region.loadFlags();
    if (mnemonic == Mnemonic.BT) {
      return;
    }
    code().lload(Locals.TEMP_1).lconst_1().iload(Locals.INT).lshl();
    switch (mnemonic) {
      case BTS -> code().lor();
      case BTR -> code().loadConstant(-1L).lxor().land();
      default -> code().lxor();
    }
    integer.storeDestination(insn, size, insn.memory);
  }

  /** BSF and BSR: a source of 0 leaves the destination. */
  private void scan(Block.Placed placed, boolean reverse) {
    Insn insn = placed.insn();
    integer.readOperand(placed, insn.operandSize);
    zeroExtend(insn.operandSize);
    code().lstore(Locals.TEMP_1);
    Label zero = code().newLabel();
    Label done = code().newLabel();
    code().lload(Locals.TEMP_1).lconst_0().lcmp().ifeq(zero);
    if (reverse) {
      code().bipush(63);
    }
    code().lload(Locals.TEMP_1);
    String method = reverse ? "numberOfLeadingZeros" : "numberOfTrailingZeros";
    code().invokestatic(LONG, method, MethodTypeDesc.of(CD_int, CD_long));
    if (reverse) {
      code().isub();
    }
    code().istore(Locals.INT);
    code().iload(Locals.INT).i2l();
    integer.storeRegister(insn, insn.reg, insn.operandSize);
    code().lconst_1().lstore(Locals.FLAG_R);
    code().iload(Locals.INT);
    MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_int);
    code().invokestatic(RegionEmitter.STATE, "scanAux", type).lstore(Locals.FLAG_A);
    code().goto_(done);
    code().labelBinding(zero);
    code().lconst_0().lstore(Locals.FLAG_R);
    code().lconst_0().lstore(Locals.FLAG_A);
    code().labelBinding(done);
  }

  private void count(Block.Placed placed, Mnemonic mnemonic) {
    Insn insn = placed.insn();
    int bits = 8 * insn.operandSize;
    integer.readOperand(placed, insn.operandSize);
    zeroExtend(insn.operandSize);
    code().lstore(Locals.TEMP_1);
    code().lload(Locals.TEMP_1);
    MethodTypeDesc type = MethodTypeDesc.of(CD_int, CD_long);
    switch (mnemonic) {
      case POPCNT -> code().invokestatic(LONG, "bitCount", type);
      case LZCNT -> {
        code().invokestatic(LONG, "numberOfLeadingZeros", type);
        code().loadConstant(64 - bits).isub();
      }
      default -> {
        code().invokestatic(LONG, "numberOfTrailingZeros", type).loadConstant(bits);
        MethodTypeDesc ints = MethodTypeDesc.of(CD_int, CD_int, CD_int);
        code().invokestatic(ClassDesc.of("java.lang.Math"), "min", ints);
      }
    }
    code().istore(Locals.INT);
    code().iload(Locals.INT).i2l();
    integer.storeRegister(insn, insn.reg, insn.operandSize);
    code().lload(Locals.TEMP_1).iload(Locals.INT);
    String aux = mnemonic == Mnemonic.POPCNT ? "populationAux" : "countAux";
    MethodTypeDesc both = MethodTypeDesc.of(CD_long, CD_long, CD_int);
    code().invokestatic(RegionEmitter.STATE, aux, both).lstore(Locals.FLAG_A);
    code().iload(Locals.INT);
    MethodTypeDesc one = MethodTypeDesc.of(CD_long, CD_int);
    code().invokestatic(RegionEmitter.STATE, "countResult", one).lstore(Locals.FLAG_R);
  }

  private void zeroExtend(int size) {
    if (size < 8) {
      code().loadConstant((1L << 8 * size) - 1).land();
    }
  }
}
