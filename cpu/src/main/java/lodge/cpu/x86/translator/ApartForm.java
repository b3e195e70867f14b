package lodge.cpu.x86.translator;

import java.util.Set;
import lodge.cpu.x86.decode.Form;
import lodge.cpu.x86.decode.Insn;

/**
 * Tells which vector, MMX and x87 instructions leave general registers and flags alone, so that a
 * region needs to hand little over when the interpreter's op executes them.
 */
final class ApartForm {
  private static final Set<String> FEATURES =
      Set.of(
          "X87",
          "MMX",
          "SSE",
          "SSE2",
          "SSE3",
          "SSSE3",
          "SSE41",
          "SSE42",
          "AES",
          "PCLMULQDQ",
          "SHA",
          "AVX",
          "AVX2",
          "FMA",
          "F16C",
          "AES+AVX",
          "PCLMULQDQ+AVX",
          "VAES",
          "VPCLMULQDQ");

  /** First letters of operands that are vector or x87 registers, memory or immediates. */
  private static final String APART = "VWHPQNULIMXSm";

  private ApartForm() {}

  /** Whether the instruction neither writes general registers nor reads or writes flags. */
  static boolean isApart(Insn insn) {
    Form form = insn.form;
    if (!FEATURES.contains(form.feature()) || insn.memory && insn.addressSize != 8) {
      return false;
    }
    String name = form.mnemonic().name();
    if (name.contains("COMI")
        || name.contains("TEST")
        || name.contains("STRI")
        || name.contains("STRM")
        || name.contains("MASKMOVDQU")
        || name.contains("MASKMOVQ")
        || name.contains("MXCSR")
        || name.contains("GATHER")
        || name.startsWith("FCMOV")) {
      return false;
    }
    String[] operands = form.operands();
    for (int i = 0; i < operands.length; i++) {
      boolean apart = APART.indexOf(operands[i].charAt(0)) >= 0;
      if (!apart && (i == 0 || !isGeneralSource(operands[i]))) {
        return false;
      }
    }
    return true;
  }

  /** Whether a general register is its source: ModRM.rm. */
  static boolean readsGeneral(Insn insn) {
    String[] operands = insn.form.operands();
    for (int i = 1; i < operands.length; i++) {
      if (isGeneralSource(operands[i])) {
        return !insn.memory;
      }
    }
    return false;
  }

  private static boolean isGeneralSource(String operand) {
    return operand.charAt(0) == 'E' || operand.charAt(0) == 'R';
  }
}
