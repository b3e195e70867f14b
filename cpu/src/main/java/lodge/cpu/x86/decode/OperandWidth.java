package lodge.cpu.x86.decode;

/**
 * How many bytes an operand takes, for people: from the table's notation, and where that says no
 * more than "vector", from what the manual says of the instruction.
 */
final class OperandWidth {
  private OperandWidth() {}

  /**
   * @param notation as {@link Form} has it
   * @return 0 where it is not said
   */
  static int of(Insn insn, String notation) {
    int vector = insn.vexL != 0 ? 32 : 16;
    char kind = notation.charAt(0);
    boolean memory = insn.memory && (kind == 'W' || kind == 'U');
    return switch (insn.form.mnemonic()) {
      case VCVTPS2DQ, VCVTTPS2DQ, VCVTDQ2PS -> vector;
      case VCVTPD2PS -> kind == 'V' ? 16 : vector;
      case VGATHERQPS, VPGATHERQD -> kind == 'M' ? 0 : 16;
      case CVTPS2PI, CVTTPS2PI -> memory ? 8 : 16;
      case MOVDDUP, VMOVDDUP -> memory && vector == 16 ? 8 : vector;
      case CVTPS2PD, CVTDQ2PD, VCVTPS2PD, VCVTDQ2PD, VCVTPH2PS ->
          kind == 'V' ? vector : memory ? vector / 2 : 16;
      case VCVTPS2PH -> kind == 'V' ? vector : kind == 'I' ? 1 : memory ? vector / 2 : 16;
      case VPMOVSXBW, VPMOVZXBW, VPMOVSXWD, VPMOVZXWD, VPMOVSXDQ, VPMOVZXDQ ->
          kind == 'V' ? vector : memory ? vector / 2 : 16;
      case VPMOVSXBD, VPMOVZXBD, VPMOVSXWQ, VPMOVZXWQ ->
          kind == 'V' ? vector : memory ? vector / 4 : 16;
      case VPMOVSXBQ, VPMOVZXBQ -> kind == 'V' ? vector : memory ? vector / 8 : 16;
      default ->
          insn.form.feature().equals("FMA")
              ? fused(insn, memory, vector)
              : byType(insn, notation.substring(1), vector);
    };
  }

  /** Of the register that holds a gather's indices. */
  static int index(Insn insn) {
    return switch (insn.form.mnemonic()) {
      case VGATHERDPD, VPGATHERDQ -> 16;
      default -> insn.vexL != 0 ? 32 : 16;
    };
  }

  /** Of scalar ones the table says no more than of packed ones. */
  private static int fused(Insn insn, boolean memory, int vector) {
    String name = insn.form.mnemonic().name();
    int scalar = name.endsWith("SS") ? 4 : name.endsWith("SD") ? 8 : 0;
    return scalar == 0 ? vector : memory ? scalar : 16;
  }

  private static int byType(Insn insn, String type, int vector) {
    return switch (type) {
      case "b" -> 1;
      case "w", "16int", "2byte" -> 2;
      case "d", "ss", "32int", "32fp" -> 4;
      case "q", "sd", "pi", "64int", "64fp" -> 8;
      case "80fp", "80bcd" -> 10;
      case "dq" -> 16;
      case "qq" -> 32;
      case "v", "y" -> insn.operandSize;
      case "z" -> Math.min(insn.operandSize, 4);
      case "x", "ps", "pd" -> vector;
      default -> 0;
    };
  }
}
