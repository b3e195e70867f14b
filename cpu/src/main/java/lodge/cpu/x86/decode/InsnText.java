package lodge.cpu.x86.decode;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import lodge.cpu.x86.Cpu;

/** An instruction in Intel's syntax, for people: {@code add dword ptr [rax+0x10], ecx}. */
public final class InsnText {
  private static final String[] CONDITIONS = {
    "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"
  };

  /** What is implied in strings' operands is not written: the size is part of the name. */
  private static final Set<Mnemonic> STRINGS =
      EnumSet.of(
          Mnemonic.CMPS,
          Mnemonic.INS,
          Mnemonic.LODS,
          Mnemonic.MOVS,
          Mnemonic.OUTS,
          Mnemonic.SCAS,
          Mnemonic.STOS);

  /** Their immediates of 8 bits stand for wider ones. */
  private static final Set<Mnemonic> EXTENDING =
      EnumSet.of(
          Mnemonic.ADC,
          Mnemonic.ADD,
          Mnemonic.AND,
          Mnemonic.CMP,
          Mnemonic.IMUL,
          Mnemonic.OR,
          Mnemonic.PUSH,
          Mnemonic.SBB,
          Mnemonic.SUB,
          Mnemonic.XOR);

  private final Insn insn;
  private final long rip;

  private InsnText(Insn insn, long rip) {
    this.insn = insn;
    this.rip = rip;
  }

  /**
   * @param rip the instruction's address, for the targets of jumps
   */
  public static String of(Insn insn, long rip) {
    return new InsnText(insn, rip).text();
  }

  private String text() {
    List<String> operands = new ArrayList<>();
    if (!STRINGS.contains(insn.form.mnemonic())) {
      for (String each : insn.form.operands()) {
        operands.add(operand(each));
      }
    }
    return prefix() + name() + (operands.isEmpty() ? "" : " " + String.join(", ", operands));
  }

  private String prefix() {
    Mnemonic mnemonic = insn.form.mnemonic();
    boolean repeats = insn.repeat != Insn.NONE && STRINGS.contains(mnemonic);
    boolean compares = mnemonic == Mnemonic.CMPS || mnemonic == Mnemonic.SCAS;
    return (insn.lock ? "lock " : "")
        + (!repeats ? "" : !compares ? "rep " : insn.repeat == Insn.REP ? "repe " : "repne ");
  }

  private String name() {
    Mnemonic mnemonic = insn.form.mnemonic();
    String condition = CONDITIONS[insn.opcode & 15];
    String name = mnemonic.name().toLowerCase(Locale.ROOT);
    if (STRINGS.contains(mnemonic)) {
      return name + bySize(insn.operandSize, "b", "w", "d", "q");
    }
    return switch (mnemonic) {
      case JCC -> "j" + condition;
      case SETCC -> "set" + condition;
      case CMOVCC -> "cmov" + condition;
      case CBW -> bySize(insn.operandSize, "", "cbw", "cwde", "cdqe");
      case CWD -> bySize(insn.operandSize, "", "cwd", "cdq", "cqo");
      case JCXZ -> bySize(insn.addressSize, "", "jcxz", "jecxz", "jrcxz");
      case CALL_FAR -> "call far";
      case JMP_FAR -> "jmp far";
      case RET_FAR -> "retf";
      case MOV_CR, MOV_DR, MOV_SREG -> "mov";
      case PUSH_SREG -> "push";
      case POP_SREG -> "pop";
      default -> name;
    };
  }

  /**
   * @param notation as {@link Form} has it
   */
  private String operand(String notation) {
    int either = notation.indexOf('/');
    String own =
        either < 0 || notation.startsWith("m")
            ? notation
            : insn.memory ? notation.substring(either + 1) : notation.substring(0, either);
    return switch (own) {
      case "STi" -> "st(" + (insn.rm & 7) + ")";
      case "ST0" -> "st";
      case "rAX", "eAX" -> RegisterText.general(Cpu.RAX, insn.operandSize, true);
      case "1", "AL", "AX", "CL", "DX", "XMM0", "CS", "DS", "ES", "FS", "GS", "SS" ->
          own.toLowerCase(Locale.ROOT);
      default ->
          switch (own.charAt(0)) {
            case 'E', 'R' -> insn.memory ? memory(own) : general(insn.rm, own);
            case 'G' -> general(insn.reg, own);
            case 'Z' -> general(insn.opcodeRegister, own);
            case 'B' -> general(insn.vexRegister, own);
            case 'V' -> vector(insn.reg, own);
            case 'H' -> vector(insn.vexRegister, own);
            case 'U', 'W' -> insn.memory ? memory(own) : vector(insn.rm, own);
            case 'L' -> vector((int) insn.imm >> 4 & 15, own);
            case 'P' -> "mm" + insn.reg;
            case 'N', 'Q' -> insn.memory ? memory(own) : "mm" + insn.rm;
            case 'S' -> RegisterText.segment(insn.reg);
            case 'C' -> "cr" + insn.reg;
            case 'D' -> "dr" + insn.reg;
            case 'I' -> immediate(own);
            case 'J' -> hex(rip + insn.length + insn.imm, insn.codeSize);
            case 'A' -> hex(insn.imm2, 2) + ":" + hex(insn.imm, insn.operandSize);
            default -> memory(own);
          };
    };
  }

  private String general(int number, String notation) {
    return RegisterText.general(number, OperandWidth.of(insn, notation), insn.rex);
  }

  private String vector(int number, String notation) {
    return vector(number, OperandWidth.of(insn, notation));
  }

  private static String vector(int number, int bytes) {
    return (bytes == 32 ? "ymm" : "xmm") + number;
  }

  private String immediate(String notation) {
    boolean bytes = notation.equals("Ib");
    Mnemonic mnemonic = insn.form.mnemonic();
    if (bytes && mnemonic == Mnemonic.ENTER) {
      return hex(insn.imm2, 1);
    }
    boolean extended = notation.equals("Iz") || bytes && EXTENDING.contains(mnemonic);
    return hex(insn.imm, extended ? insn.operandSize : OperandWidth.of(insn, notation));
  }

  private String memory(String notation) {
    String size =
        switch (OperandWidth.of(insn, notation)) {
          case 1 -> "byte ptr ";
          case 2 -> "word ptr ";
          case 4 -> "dword ptr ";
          case 8 -> "qword ptr ";
          case 10 -> "tbyte ptr ";
          case 16 -> "xmmword ptr ";
          case 32 -> "ymmword ptr ";
          default -> "";
        };
    String segment = insn.segmentOverride ? RegisterText.segment(insn.segment) + ":" : "";
    return size + segment + "[" + address() + "]";
  }

  private String address() {
    List<String> parts = new ArrayList<>();
    if (insn.base == Cpu.CODE_BASE) {
      parts.add(insn.addressSize == 8 ? "rip" : "eip");
    } else if (insn.base != Cpu.ZERO) {
      parts.add(RegisterText.general(insn.base, insn.addressSize, true));
    }
    if (insn.index != Cpu.ZERO) {
      boolean gather = insn.form.mnemonic().name().contains("GATHER");
      String index =
          gather
              ? vector(insn.index, OperandWidth.index(insn))
              : RegisterText.general(insn.index, insn.addressSize, true);
      parts.add(insn.addressSize == 2 ? index : index + "*" + (1 << insn.scale));
    }
    if (parts.isEmpty()) {
      return hex(insn.disp, insn.addressSize);
    }
    String registers = String.join("+", parts);
    return insn.disp == 0
        ? registers
        : registers + (insn.disp < 0 ? "-" : "+") + hex(Math.abs(insn.disp), 8);
  }

  private static String hex(long value, int bytes) {
    return "0x" + Long.toHexString(bytes >= 8 ? value : value & (1L << 8 * bytes) - 1);
  }

  static String bySize(int bytes, String one, String two, String four, String eight) {
    return switch (bytes) {
      case 1 -> one;
      case 2 -> two;
      case 4 -> four;
      default -> eight;
    };
  }
}
