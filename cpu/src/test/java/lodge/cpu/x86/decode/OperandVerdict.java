package lodge.cpu.x86.decode;

import java.util.EnumSet;
import java.util.Set;
import lodge.cpu.x86.Cpu;

/** Whether objdump and the decoder name the same registers, addresses and immediates. */
final class OperandVerdict {
  private static final String[] BYTE = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
  private static final String[] HIGH_BYTE = {"ah", "ch", "dh", "bh"};
  private static final String[] WORD = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};

  /** Operand letters that are in memory when ModRM says so. */
  private static final String MODRM = "EMRWQmU";

  /** objdump shows registers of another width than the manual's operand column. */
  private static final Set<Mnemonic> OTHER_WIDTH =
      EnumSet.of(
          Mnemonic.LAR,
          Mnemonic.LSL,
          Mnemonic.MOV_SREG,
          Mnemonic.MOVSXD,
          Mnemonic.PINSRB,
          Mnemonic.PINSRW,
          Mnemonic.VPINSRB,
          Mnemonic.VPINSRW,
          Mnemonic.PMOVMSKB,
          Mnemonic.VPMOVMSKB,
          Mnemonic.NOP,
          Mnemonic.RDFSBASE,
          Mnemonic.RDGSBASE,
          Mnemonic.WRFSBASE,
          Mnemonic.WRGSBASE);

  private OperandVerdict() {}

  /**
   * @return null if they agree, otherwise how they differ
   */
  static String compare(Insn insn, long address, Objdump.Line line) {
    String[] ours = insn.form.operands();
    String text = line.operands();
    int comment = text.indexOf('#');
    text = comment < 0 ? text : text.substring(0, comment).strip();
    String[] theirs = text.split(",");
    if (theirs.length != ours.length
        || OTHER_WIDTH.contains(insn.form.mnemonic()) && !insn.memory) {
      // Implied operands and predicates are shown by one side only.
      return null;
    }
    for (int i = 0; i < ours.length; i++) {
      String operand = ours[i];
      String expected = expected(insn, operand, address);
      if (expected != null && !expected.equals(normal(theirs[i], insn, operand))) {
        return insn.form.mnemonic()
            + " "
            + operand
            + " is "
            + expected
            + ", but "
            + normal(theirs[i], insn, operand);
      }
    }
    return null;
  }

  private static String expected(Insn insn, String operand, long address) {
    char kind = operand.charAt(0);
    char size = operand.length() > 1 ? operand.charAt(1) : ' ';
    if (insn.memory && MODRM.indexOf(kind) >= 0) {
      return memory(insn);
    }
    return switch (kind) {
      case 'E', 'R' -> general(insn, insn.rm, size);
      // CRC32's destination is 64 bits wide with REX.W.
      case 'G' -> insn.form.mnemonic() == Mnemonic.CRC32 ? null : general(insn, insn.reg, size);
      case 'Z' -> general(insn, insn.opcodeRegister, size);
      case 'B' -> general(insn, insn.vexRegister, size);
      case 'V' -> "mm" + insn.reg;
      case 'H' -> "mm" + insn.vexRegister;
      case 'U', 'W' -> "mm" + insn.rm;
      case 'P' -> "mm" + insn.reg;
      case 'N', 'Q' -> "mm" + insn.rm;
      case 'J' -> insn.codeSize == 8 ? Long.toHexString(address + insn.length + insn.imm) : null;
      case 'I' ->
          insn.form.mnemonic() == Mnemonic.ENTER && size == 'b'
              ? Integer.toHexString(insn.imm2)
              : Long.toHexString(insn.imm & mask(immediateSize(insn, size)));
      default -> null;
    };
  }

  private static int immediateSize(Insn insn, char size) {
    return size == 'b'
        ? 1
        : size == 'w' ? 2 : size == 'z' ? Math.min(insn.operandSize, 4) : insn.operandSize;
  }

  private static long mask(int bytes) {
    return bytes >= 8 ? -1L : (1L << bytes * 8) - 1;
  }

  private static String general(Insn insn, int number, char size) {
    int bytes =
        switch (size) {
          case 'b' -> 1;
          case 'w' -> 2;
          case 'd' -> 4;
          case 'q' -> 8;
          case 'z' -> Math.min(insn.operandSize, 4);
          case 'v', 'y' -> insn.operandSize;
          default -> 0;
        };
    if (number >= 8) {
      return "r" + number + (bytes == 1 ? "b" : bytes == 2 ? "w" : bytes == 4 ? "d" : "");
    }
    return switch (bytes) {
      case 1 -> number >= 4 && !insn.rex ? HIGH_BYTE[number - 4] : BYTE[number];
      case 2 -> WORD[number];
      case 4 -> "e" + WORD[number];
      case 8 -> "r" + WORD[number];
      default -> null;
    };
  }

  /** base+index*scale+displacement, the displacement in hexadecimal and cut to the address size. */
  private static String memory(Insn insn) {
    var text = new StringBuilder();
    if (insn.segmentOverride) {
      text.append("ecsdfg".charAt(insn.segment)).append("s:");
    }
    if (insn.base == Cpu.CODE_BASE) {
      text.append(insn.addressSize == 8 ? "rip" : "eip");
    } else if (insn.base != Cpu.ZERO) {
      text.append(address(insn, insn.base));
    }
    if (insn.index != Cpu.ZERO) {
      text.append('+')
          .append(
              insn.form.operands().length == 3 && insn.form.operands()[1].equals("M")
                  ? "mm" + insn.index
                  : address(insn, insn.index));
      text.append(insn.addressSize == 2 ? "" : "*" + (1 << insn.scale));
    }
    long disp = insn.disp & mask(insn.addressSize);
    return text.append('+').append(Long.toHexString(disp)).toString();
  }

  private static String address(Insn insn, int number) {
    return general(insn, number, insn.addressSize == 8 ? 'q' : insn.addressSize == 4 ? 'd' : 'w');
  }

  /** objdump's operand in the form that {@link #expected} has. */
  private static String normal(String operand, Insn insn, String ours) {
    int open = operand.indexOf('[');
    if (open >= 0) {
      String segment = segment(operand, open, insn);
      String inner =
          operand
              .substring(open + 1, operand.indexOf(']'))
              .replaceAll("\\+[re]iz\\*\\d", "")
              .replaceAll("^[re]iz\\*\\d", "")
              .replaceAll("[xy]mm", "mm");
      int hex = Math.max(inner.lastIndexOf("+0x"), inner.lastIndexOf("-0x"));
      long disp = 0;
      if (hex >= 0 || inner.startsWith("0x")) {
        hex = Math.max(hex, 0);
        int digits = inner.indexOf("0x", hex) + 2;
        disp = Long.parseUnsignedLong(inner, digits, inner.length(), 16);
        disp = inner.charAt(hex) == '-' ? -disp : disp;
        inner = inner.substring(0, hex);
      }
      if (inner.matches("m?m?[a-z0-9]+\\*\\d")) {
        inner = "+" + inner;
      }
      return segment + inner + "+" + Long.toHexString(disp & mask(insn.addressSize));
    }
    int colon = operand.indexOf(":0x");
    if (colon >= 0 && MODRM.indexOf(ours.charAt(0)) >= 0) {
      long disp = Long.parseUnsignedLong(operand, colon + 3, operand.length(), 16);
      return segment(operand, colon + 1, insn)
          + "+"
          + Long.toHexString(disp & mask(insn.addressSize));
    }
    if (operand.startsWith("0x")) {
      long value = Long.parseUnsignedLong(operand, 2, operand.length(), 16);
      char size = ours.length() > 1 ? ours.charAt(1) : ' ';
      return Long.toHexString(
          ours.charAt(0) == 'J' ? value : value & mask(immediateSize(insn, size)));
    }
    return operand.replaceAll("^[xy]mm", "mm");
  }

  /** The segment if it was named; objdump names DS where there is no register too. */
  private static String segment(String operand, int end, Insn insn) {
    return insn.segmentOverride && end >= 3 ? operand.substring(end - 3, end) : "";
  }
}
