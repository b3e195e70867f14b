package lodge.cpu.x86.translator;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/**
 * Which general registers an instruction's own code reads or writes; rather too many than too few.
 */
final class RegisterUse {
  private RegisterUse() {}

  static void mark(Insn insn, boolean[] used, boolean[] written) {
    if (insn.memory) {
      use(insn.base, used);
      use(insn.index, used);
    }
    if (VectorForm.of(insn) != null) {
      if (VectorForm.generalSource(insn) >= 0) {
        use(VectorForm.generalSource(insn), used);
      }
      if (VectorForm.generalDestination(insn) >= 0) {
        change(VectorForm.generalDestination(insn), used, written);
      }
      return;
    }
    if (!IntegerEmitter.emits(insn)) {
      if (ApartForm.isApart(insn) && ApartForm.readsGeneral(insn)) {
        use(insn.rm, used);
      }
      return;
    }
    if (insn.hasModrm) {
      if (!insn.memory) {
        byteOrWhole(insn, insn.rm, used, written);
      }
      byteOrWhole(insn, insn.reg, used, written);
    } else {
      byteOrWhole(insn, insn.opcodeRegister, used, written);
      change(Cpu.RAX, used, written);
    }
    switch (insn.form.mnemonic()) {
      case PUSH, POP, CALL, RET -> change(Cpu.RSP, used, written);
      case LEAVE -> {
        change(Cpu.RSP, used, written);
        change(Cpu.RBP, used, written);
      }
      case MUL, IMUL, DIV, IDIV, CWD, CBW -> {
        change(Cpu.RAX, used, written);
        change(Cpu.RDX, used, written);
      }
      case CMPXCHG -> change(Cpu.RAX, used, written);
      case ROL, ROR, RCL, RCR, SHL, SHR, SAR, SHLD, SHRD -> use(Cpu.RCX, used);
      default -> {}
    }
  }

  private static void use(int register, boolean[] used) {
    if (register < used.length) {
      used[register] = true;
    }
  }

  /** A byte register 4 to 7 may be AH to BH, parts of RAX to RBX. */
  private static void byteOrWhole(Insn insn, int register, boolean[] used, boolean[] written) {
    change(register, used, written);
    boolean bytes =
        switch (insn.form.mnemonic()) {
          case MOVZX, MOVSX, SETCC -> true;
          default -> insn.operandSize == 1;
        };
    if (bytes && !insn.rex && register >= 4 && register < 8) {
      change(register - 4, used, written);
    }
  }

  private static void change(int register, boolean[] used, boolean[] written) {
    used[register] = true;
    written[register] = true;
  }
}
