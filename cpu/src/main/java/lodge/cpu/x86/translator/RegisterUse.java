package lodge.cpu.x86.translator;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/** Which general registers an instruction's own code reads or writes. */
final class RegisterUse {
  private RegisterUse() {}

  /** Marks those that it reads or writes, rather too many than too few. */
  static void mark(Insn insn, boolean[] used) {
    if (insn.memory) {
      use(insn.base, used);
      use(insn.index, used);
    }
    if (VectorForm.of(insn) != null) {
      if (VectorForm.generalSource(insn) >= 0) {
        use(VectorForm.generalSource(insn), used);
      }
      if (VectorForm.generalDestination(insn) >= 0) {
        use(VectorForm.generalDestination(insn), used);
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
        byteOrWhole(insn, insn.rm, used);
      }
      byteOrWhole(insn, insn.reg, used);
    } else {
      byteOrWhole(insn, insn.opcodeRegister, used);
      use(Cpu.RAX, used);
    }
    switch (insn.form.mnemonic()) {
      case PUSH, POP, CALL, RET -> use(Cpu.RSP, used);
      case LEAVE -> {
        use(Cpu.RSP, used);
        use(Cpu.RBP, used);
      }
      case MUL, IMUL, DIV, IDIV, CWD, CBW -> {
        use(Cpu.RAX, used);
        use(Cpu.RDX, used);
      }
      case CMPXCHG -> use(Cpu.RAX, used);
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
  private static void byteOrWhole(Insn insn, int register, boolean[] used) {
    use(register, used);
    if (isHighByte(insn, register)) {
      use(register - 4, used);
    }
  }

  private static boolean isHighByte(Insn insn, int register) {
    boolean bytes =
        switch (insn.form.mnemonic()) {
          case MOVZX, MOVSX, SETCC -> true;
          default -> insn.operandSize == 1;
        };
    return bytes && !insn.rex && register >= 4 && register < 8;
  }

  /** Those that it may write, a bit each. */
  static int written(Insn insn) {
    if (VectorForm.of(insn) != null) {
      int register = VectorForm.generalDestination(insn);
      return register < 0 ? 0 : 1 << register;
    }
    if (!IntegerEmitter.emits(insn)) {
      return 0;
    }
    return switch (insn.form.mnemonic()) {
      case CMP, TEST, BT, JMP, JCC, NOP -> 0;
      case PUSH, CALL, RET -> 1 << Cpu.RSP;
      case POP -> 1 << Cpu.RSP | operand(insn, 0);
      case LEAVE -> 1 << Cpu.RSP | 1 << Cpu.RBP;
      case MUL, DIV, IDIV, CWD, CBW -> 1 << Cpu.RAX | 1 << Cpu.RDX;
      case IMUL ->
          insn.form.operands().length == 1 ? 1 << Cpu.RAX | 1 << Cpu.RDX : operand(insn, 0);
      case CMPXCHG -> 1 << Cpu.RAX | operand(insn, 0);
      case XCHG, XADD -> operand(insn, 0) | operand(insn, 1);
      default -> insn.form.operands().length == 0 ? 0 : operand(insn, 0);
    };
  }

  /** The register that an operand is, as a bit; 0 when it is in memory. */
  private static int operand(Insn insn, int number) {
    String operand = insn.form.operands()[number];
    int register =
        switch (operand.charAt(0)) {
          case 'E', 'R' -> insn.memory ? -1 : insn.rm;
          case 'M' -> -1;
          case 'G' -> insn.reg;
          case 'Z' -> insn.opcodeRegister;
          default -> Cpu.RAX;
        };
    if (register < 0) {
      return 0;
    }
    // The destination of MOVZX and MOVSX is no byte register, though the source may be.
    return 1 << (operand.endsWith("b") && isHighByte(insn, register) ? register - 4 : register);
  }
}
