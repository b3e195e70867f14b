package lodge.cpu.x86.translator;

import lodge.cpu.x86.decode.Insn;

/** Where control goes after an instruction. */
enum Flow {
  /** To what follows in memory. */
  NEXT,
  /** To a constant address or to what follows. */
  CONDITIONAL,
  /** To a constant address. */
  JUMP,
  /** To a constant address, with the return address pushed. */
  CALL,
  /** To an address from a register, memory or the stack. */
  INDIRECT,
  /**
   * Only the interpreter can follow: far transfers and what changes the mode or what a region has
   * looked at when it was entered. Other system instructions return what follows in memory or leave
   * for the run loop.
   */
  UNKNOWN;

  static Flow of(Insn insn) {
    return switch (insn.form.mnemonic()) {
      case JCC -> CONDITIONAL;
      case JMP -> insn.hasModrm ? indirect(insn) : JUMP;
      case CALL -> insn.hasModrm ? indirect(insn) : CALL;
      case RET -> INDIRECT;
      case LOOP,
          LOOPE,
          LOOPNE,
          JCXZ,
          CALL_FAR,
          JMP_FAR,
          RET_FAR,
          IRET,
          INT,
          INT1,
          INT3,
          INTO,
          UD0,
          UD1,
          UD2,
          HLT,
          SYSCALL,
          SYSRET,
          SYSENTER,
          SYSEXIT,
          POP_SREG,
          LSS,
          LDS,
          LES,
          LFS,
          LGS,
          LGDT,
          LIDT,
          LLDT,
          LTR,
          LMSW,
          XSETBV,
          WRPKRU,
          INS,
          OUTS,
          MONITOR,
          MWAIT,
          FXRSTOR,
          XRSTOR,
          XRSTORS,
          LDMXCSR,
          VLDMXCSR,
          WBINVD,
          INVD,
          SERIALIZE ->
          UNKNOWN;
      default -> NEXT;
    };
  }

  /** A target in memory behind a 32-bit address is left to the interpreter. */
  private static Flow indirect(Insn insn) {
    return IntegerEmitter.emits(insn) ? INDIRECT : UNKNOWN;
  }
}
