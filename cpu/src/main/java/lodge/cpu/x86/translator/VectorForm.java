package lodge.cpu.x86.translator;

import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import lodge.cpu.x86.decode.Insn;

/** The families of SSE and AVX instructions that {@link VectorEmitter} has code for. */
enum VectorForm {
  ARITHMETIC,
  FUSED,
  /** Comparisons that set the flags. */
  ORDER,
  /** Bit by bit, and whole lanes. */
  LOGIC,
  LANES,
  SHIFT,
  INTERLEAVE,
  /** Interleaving of lanes. */
  UNPACK,
  SHUFFLE,
  SHIFT_BYTES,
  TOP_BITS,
  MOVE,
  HALF,
  /** From the half of one register to the other half of another one. */
  CROSS,
  SCALAR,
  ELEMENT,
  BROADCAST,
  EXTRACT,
  INSERT,
  FROM_INTEGER,
  TO_INTEGER,
  TO_SINGLE,
  TO_DOUBLE,
  CLEAR_UPPER,
  /** To masks, with a predicate. */
  COMPARE,
  BLEND,
  /** MXCSR to memory. */
  STORE_CONTROL;

  private static final Map<String, VectorForm> BY_OPERATION =
      Map.ofEntries(
          Map.entry("COMISD", ORDER),
          Map.entry("UCOMISD", ORDER),
          Map.entry("COMISS", ORDER),
          Map.entry("UCOMISS", ORDER),
          Map.entry("CMPSD", COMPARE),
          Map.entry("CMPPD", COMPARE),
          Map.entry("PBLENDVB", BLEND),
          Map.entry("BLENDVPS", BLEND),
          Map.entry("BLENDVPD", BLEND),
          Map.entry("ANDPS", LOGIC),
          Map.entry("ANDPD", LOGIC),
          Map.entry("PAND", LOGIC),
          Map.entry("ANDNPS", LOGIC),
          Map.entry("ANDNPD", LOGIC),
          Map.entry("PANDN", LOGIC),
          Map.entry("ORPS", LOGIC),
          Map.entry("ORPD", LOGIC),
          Map.entry("POR", LOGIC),
          Map.entry("XORPS", LOGIC),
          Map.entry("XORPD", LOGIC),
          Map.entry("PXOR", LOGIC),
          Map.entry("PADDQ", LOGIC),
          Map.entry("PSUBQ", LOGIC),
          Map.entry("UNPCKLPD", UNPACK),
          Map.entry("PUNPCKLQDQ", UNPACK),
          Map.entry("UNPCKHPD", UNPACK),
          Map.entry("PUNPCKHQDQ", UNPACK),
          Map.entry("PSHUFD", SHUFFLE),
          Map.entry("SHUFPD", SHUFFLE),
          Map.entry("SHUFPS", SHUFFLE),
          Map.entry("PSLLDQ", SHIFT_BYTES),
          Map.entry("PSRLDQ", SHIFT_BYTES),
          Map.entry("PMOVMSKB", TOP_BITS),
          Map.entry("MOVMSKPD", TOP_BITS),
          Map.entry("MOVAPS", MOVE),
          Map.entry("MOVAPD", MOVE),
          Map.entry("MOVDQA", MOVE),
          Map.entry("MOVNTDQ", MOVE),
          Map.entry("MOVNTPS", MOVE),
          Map.entry("MOVNTPD", MOVE),
          Map.entry("MOVUPS", MOVE),
          Map.entry("MOVUPD", MOVE),
          Map.entry("MOVDQU", MOVE),
          Map.entry("LDDQU", MOVE),
          Map.entry("MOVLPS", HALF),
          Map.entry("MOVLPD", HALF),
          Map.entry("MOVHPS", HALF),
          Map.entry("MOVHPD", HALF),
          Map.entry("MOVHLPS", CROSS),
          Map.entry("MOVLHPS", CROSS),
          Map.entry("MOVSD", SCALAR),
          Map.entry("MOVSS", SCALAR),
          Map.entry("MOVQ", ELEMENT),
          Map.entry("MOVD", ELEMENT),
          Map.entry("PBROADCASTB", BROADCAST),
          Map.entry("PBROADCASTW", BROADCAST),
          Map.entry("PBROADCASTD", BROADCAST),
          Map.entry("PBROADCASTQ", BROADCAST),
          Map.entry("BROADCASTSS", BROADCAST),
          Map.entry("BROADCASTSD", BROADCAST),
          Map.entry("EXTRACTF128", EXTRACT),
          Map.entry("EXTRACTI128", EXTRACT),
          Map.entry("INSERTF128", INSERT),
          Map.entry("INSERTI128", INSERT),
          Map.entry("CVTSI2SD", FROM_INTEGER),
          Map.entry("CVTSI2SS", FROM_INTEGER),
          Map.entry("CVTTSD2SI", TO_INTEGER),
          Map.entry("CVTTSS2SI", TO_INTEGER),
          Map.entry("CVTSD2SS", TO_SINGLE),
          Map.entry("CVTSS2SD", TO_DOUBLE));

  private static final Pattern FUSED_NAME = Pattern.compile("FN?M(ADD|SUB)(132|213|231)(SD|SS|PD)");

  private static final Set<String> ALIGNED =
      Set.of("MOVAPS", "MOVAPD", "MOVDQA", "MOVNTDQ", "MOVNTPS", "MOVNTPD");

  /** First letters of operands that are MMX registers. */
  private static final String MMX = "PQN";

  /** The family of an instruction, or null. */
  static VectorForm of(Insn insn) {
    String name = insn.form.mnemonic().name();
    if (name.equals("VZEROUPPER")) {
      return CLEAR_UPPER;
    }
    if (name.endsWith("STMXCSR") && insn.memory && insn.addressSize == 8) {
      return STORE_CONTROL;
    }
    String[] operands = insn.form.operands();
    if (insn.memory && insn.addressSize != 8
        || !insn.hasModrm
        || operands.length < 2
        || insn.vex && name.charAt(0) != 'V') {
      return null;
    }
    for (String operand : operands) {
      if (MMX.indexOf(operand.charAt(0)) >= 0) {
        return null;
      }
    }
    String operation = operation(insn);
    VectorForm form = BY_OPERATION.get(operation);
    if (form == HALF && !insn.memory) {
      return null;
    }
    if (form != null) {
      return form;
    }
    PackedInteger packed = PackedInteger.of(operation);
    if (packed != null) {
      return packed.isShift() ? SHIFT : LANES;
    }
    if (PackedInteger.interleaving(operation) != null) {
      return INTERLEAVE;
    }
    if (FloatArithmetic.of(operation) != null && !operation.endsWith("PS")) {
      return ARITHMETIC;
    }
    return insn.vex && FUSED_NAME.matcher(operation).matches() ? FUSED : null;
  }

  /** The mnemonic without the V of its VEX form. */
  static String operation(Insn insn) {
    String name = insn.form.mnemonic().name();
    return insn.vex ? name.substring(1) : name;
  }

  /** Arithmetic of doubles, scalar or packed. */
  static boolean isDouble(String operation) {
    return elementSize(operation) == 8;
  }

  static boolean isPacked(String operation) {
    return operation.charAt(operation.length() - 2) == 'P';
  }

  /** The register of the first source. */
  static int first(Insn insn) {
    String[] operands = insn.form.operands();
    return insn.vex && operands.length > 1 && operands[1].charAt(0) == 'H'
        ? insn.vexRegister
        : insn.reg;
  }

  /** Bytes of the elements that the last letter of a mnemonic names. */
  static int elementSize(String operation) {
    return operation.charAt(operation.length() - 1) == 'D' ? 8 : 4;
  }

  static boolean isAlignedMove(String operation) {
    return ALIGNED.contains(operation);
  }

  /** Whether MXCSR takes part. */
  boolean isFloat() {
    return switch (this) {
      case ARITHMETIC, FUSED, ORDER, COMPARE, FROM_INTEGER, TO_INTEGER, TO_SINGLE, TO_DOUBLE ->
          true;
      default -> false;
    };
  }

  /** Whether results may be rounded. */
  boolean rounds() {
    return switch (this) {
      case ARITHMETIC, FUSED, FROM_INTEGER, TO_INTEGER, TO_SINGLE -> true;
      default -> false;
    };
  }

  /** The general register that an instruction of a family writes, -1 when it writes none. */
  static int generalDestination(Insn insn) {
    if (insn.form.operands().length == 0) {
      return -1;
    }
    char first = insn.form.operands()[0].charAt(0);
    if (first == 'G') {
      return insn.reg;
    }
    return first == 'E' && !insn.memory ? insn.rm : -1;
  }

  /** The general register that an instruction reads, besides those of an address; or -1. */
  static int generalSource(Insn insn) {
    String[] operands = insn.form.operands();
    return operands.length > 0 && operands[operands.length - 1].charAt(0) == 'E' && !insn.memory
        ? insn.rm
        : -1;
  }

  /** The register with the mask of a {@link #BLEND}: without VEX it is always the first one. */
  static int mask(Insn insn) {
    return insn.vex ? (int) insn.imm >> 4 & 15 : 0;
  }

  /** The vector registers of an instruction, a bit each. */
  static int registers(Insn insn) {
    int mask = of(insn) == BLEND && !insn.vex ? 1 : 0;
    for (int i = 0; i < insn.form.operands().length; i++) {
      mask |= register(insn, i);
    }
    return mask;
  }

  /** Of these the one that it may write. */
  static int written(Insn insn) {
    return insn.form.operands().length == 0 ? 0 : register(insn, 0);
  }

  private static int register(Insn insn, int operand) {
    return switch (insn.form.operands()[operand].charAt(0)) {
      case 'V' -> 1 << insn.reg;
      case 'H' -> 1 << insn.vexRegister;
      case 'L' -> 1 << ((int) insn.imm >> 4 & 15);
      case 'W', 'U', 'M' -> insn.memory ? 0 : 1 << insn.rm;
      default -> 0;
    };
  }
}
