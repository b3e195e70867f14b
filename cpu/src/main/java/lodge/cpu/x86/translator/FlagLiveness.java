package lodge.cpu.x86.translator;

import java.util.List;
import lodge.cpu.x86.decode.Insn;

/**
 * Which instructions' flags nobody can see: not a later instruction, and not whoever the region is
 * left for. HotSpot's optimizing compiler finds that out by itself; the first one, which comes long
 * before, is spared the work.
 */
final class FlagLiveness {
  private FlagLiveness() {}

  /** Whether others overwrite the flags of an instruction of a block before they can be seen. */
  static boolean dead(List<Block.Placed> code, int index) {
    for (int i = index + 1; i < code.size(); i++) {
      Insn insn = code.get(i).insn();
      if (mayLeave(insn)) {
        return false;
      }
      switch (insn.form.mnemonic()) {
        case ADD, SUB, CMP, AND, OR, XOR, TEST, NEG, IMUL, MUL -> {
          return true;
        }
        case ADC, SBB, CMOVCC, SETCC, INC, DEC -> {
          return false;
        }
        default -> {
          if (IntegerEmitter.shiftCount(insn) > 0) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Whether the region can be left at an instruction, or its flags are not simply written. */
  private static boolean mayLeave(Insn insn) {
    if (Flow.of(insn) != Flow.NEXT) {
      return true;
    }
    return switch (insn.form.mnemonic()) {
      case LEA, NOP -> !IntegerEmitter.emits(insn);
      case MOV, MOVZX, MOVSX, MOVSXD, CBW, CWD, NOT, XCHG, BSWAP -> accesses(insn);
      case ADD, SUB, CMP, AND, OR, XOR, TEST, NEG, IMUL, MUL -> accesses(insn);
      case ADC, SBB, CMOVCC, SETCC, INC, DEC -> accesses(insn);
      case SHL, SHR, SAR -> insn.memory || IntegerEmitter.shiftCount(insn) < 0;
      default -> true;
    };
  }

  private static boolean accesses(Insn insn) {
    return insn.memory || !IntegerEmitter.emits(insn);
  }
}
