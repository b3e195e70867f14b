package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Map;
import java.util.Set;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.FusedFloat;

/**
 * Emits the SSE and 128-bit AVX instructions that compiled programs use most. Vector registers stay
 * in {@link lodge.cpu.x86.Cpu#xmm}: the compiler keeps their values in its own registers between
 * two accesses, and a fault finds them in their place.
 */
final class VectorEmitter {
  private static final ClassDesc MATH = SseMath.class.describeConstable().orElseThrow();

  /** Scalar arithmetic on the low lane, and what does it. */
  private static final Map<String, String> SCALAR =
      Map.ofEntries(
          Map.entry("ADDSD", "add64"),
          Map.entry("SUBSD", "subtract64"),
          Map.entry("MULSD", "multiply64"),
          Map.entry("DIVSD", "divide64"),
          Map.entry("SQRTSD", "squareRoot64"),
          Map.entry("MINSD", "min64"),
          Map.entry("MAXSD", "max64"),
          Map.entry("ADDSS", "add32"),
          Map.entry("SUBSS", "subtract32"),
          Map.entry("MULSS", "multiply32"),
          Map.entry("DIVSS", "divide32"));

  /** Arithmetic on both lanes. */
  private static final Map<String, String> PACKED =
      Map.of("ADDPD", "add64x2", "SUBPD", "subtract64x2", "MULPD", "multiply64x2");

  private static final Set<String> LOGIC =
      Set.of(
          "ANDPS", "ANDPD", "PAND", "ANDNPS", "ANDNPD", "PANDN", "ORPS", "ORPD", "POR", "XORPS",
          "XORPD", "PXOR", "PADDQ", "PSUBQ");

  private static final Set<String> UNPACK =
      Set.of("UNPCKLPD", "PUNPCKLQDQ", "UNPCKHPD", "PUNPCKHQDQ");

  private static final Set<String> ALIGNED = Set.of("MOVAPS", "MOVAPD", "MOVDQA");
  private static final Set<String> UNALIGNED = Set.of("MOVUPS", "MOVUPD", "MOVDQU", "LDDQU");

  /** Halves that are loaded from or stored to memory; the low one first. */
  private static final Set<String> LOW_HALF = Set.of("MOVLPS", "MOVLPD");

  private static final Set<String> HIGH_HALF = Set.of("MOVHPS", "MOVHPD");
  private static final Set<String> ORDER = Set.of("COMISD", "UCOMISD");

  private final RegionEmitter region;
  private final IntegerEmitter integer;

  VectorEmitter(RegionEmitter region, IntegerEmitter integer) {
    this.region = region;
    this.integer = integer;
  }

  private CodeBuilder code() {
    return region.code;
  }

  // ---------------------------------------------------------------- what is known before emitting

  /** The mnemonic without the V of its VEX form. */
  private static String operation(Insn insn) {
    String name = insn.form.mnemonic().name();
    return insn.vex ? name.substring(1) : name;
  }

  private static boolean isFused(String operation, Insn insn) {
    return insn.vex && insn.form.feature().equals("FMA") && operation.endsWith("SD");
  }

  static boolean emits(Insn insn) {
    if (insn.memory && insn.addressSize != 8 || !insn.hasModrm || insn.form.operands().length < 2) {
      return false;
    }
    char first = insn.form.operands()[0].charAt(0);
    char last = insn.form.operands()[insn.form.operands().length - 1].charAt(0);
    if (first == 'P' || last == 'P' || last == 'Q' || last == 'N' || last == 'I') {
      return false;
    }
    String operation = operation(insn);
    if (insn.form.feature().startsWith("X87")
        || insn.vex && !insn.form.mnemonic().name().startsWith("V")) {
      return false;
    }
    if (SCALAR.containsKey(operation) || isFused(operation, insn) || ORDER.contains(operation)) {
      return true;
    }
    switch (operation) {
      case "CVTSI2SD", "CVTTSD2SI", "MOVQ", "MOVD":
        return true;
      case "MOVSD", "MOVSS":
        // VEX forms with three registers name their destination by the opcode.
        return insn.memory || !insn.vex;
      default:
        break;
    }
    if (LOW_HALF.contains(operation) || HIGH_HALF.contains(operation)) {
      return insn.memory;
    }
    boolean wide = insn.vex && insn.vexL != 0;
    return !wide
        && (PACKED.containsKey(operation)
            || LOGIC.contains(operation)
            || UNPACK.contains(operation)
            || ALIGNED.contains(operation)
            || UNALIGNED.contains(operation));
  }

  /** Whether the flags say something new after an instruction that is emitted. */
  static boolean setsFlags(Insn insn) {
    return ORDER.contains(operation(insn));
  }

  /** The general register that an instruction writes, -1 when it writes none. */
  static int generalDestination(Insn insn) {
    char first = insn.form.operands()[0].charAt(0);
    if (first == 'G') {
      return insn.reg;
    }
    return first == 'E' && !insn.memory ? insn.rm : -1;
  }

  /** The general register that an instruction reads, besides those of an address; or -1. */
  static int generalSource(Insn insn) {
    String[] operands = insn.form.operands();
    return operands[operands.length - 1].charAt(0) == 'E' && !insn.memory ? insn.rm : -1;
  }

  // ---------------------------------------------------------------- instructions

  boolean emit(Block.Placed placed) {
    Insn insn = placed.insn();
    if (!emits(insn)) {
      return false;
    }
    String operation = operation(insn);
    if (SCALAR.containsKey(operation)) {
      scalar(placed, SCALAR.get(operation), operation.endsWith("SS") ? 4 : 8);
    } else if (PACKED.containsKey(operation)) {
      packed(placed, PACKED.get(operation));
    } else if (LOGIC.contains(operation)) {
      logic(placed, operation);
    } else if (UNPACK.contains(operation)) {
      unpack(placed, operation.contains("KH") ? 1 : 0);
    } else if (ALIGNED.contains(operation)) {
      move(placed, true);
    } else if (UNALIGNED.contains(operation)) {
      move(placed, false);
    } else if (LOW_HALF.contains(operation)) {
      half(placed, 0);
    } else if (HIGH_HALF.contains(operation)) {
      half(placed, 1);
    } else if (ORDER.contains(operation)) {
      order(placed, operation.equals("COMISD"));
    } else {
      switch (operation) {
        case "MOVQ" -> moveElement(placed, 8);
        case "MOVD" -> moveElement(placed, 4);
        case "MOVSD" -> moveScalar(placed, 8);
        case "MOVSS" -> moveScalar(placed, 4);
        case "CVTSI2SD" -> fromInteger(placed);
        case "CVTTSD2SI" -> toInteger(placed);
        default -> fused(placed, operation);
      }
    }
    return true;
  }

  private void scalar(Block.Placed placed, String method, int size) {
    Insn insn = placed.insn();
    address(placed);
    region.site(placed);
    code().aload(Locals.CPU);
    lane(first(insn), 0);
    source(insn, size);
    math(method, MethodTypeDesc.of(CD_long, RegionEmitter.CPU, CD_long, CD_long));
    code().lstore(Locals.TEMP_1);
    if (size == 4) {
      mergeLow();
      lane(first(insn), 0);
      code().loadConstant(0xFFFF_FFFFL << 32).land().lload(Locals.TEMP_1).lor();
      code().lstore(Locals.TEMP_1);
    }
    setScalar(insn);
  }

  /** Cuts the low element in {@link Locals#TEMP_1} to its 32 bits. */
  private void mergeLow() {
    code().lload(Locals.TEMP_1).loadConstant(0xFFFF_FFFFL).land().lstore(Locals.TEMP_1);
  }

  private void packed(Block.Placed placed, String method) {
    Insn insn = placed.insn();
    addressOfWide(placed);
    region.site(placed);
    sourceWide(insn);
    code().aload(Locals.CPU).aload(Locals.VECTORS);
    code().loadConstant(4 * insn.reg).loadConstant(4 * first(insn));
    code().lload(Locals.TEMP_1).lload(Locals.TEMP_2);
    math(
        method,
        MethodTypeDesc.of(
            CD_void, RegionEmitter.CPU, RegionEmitter.LONGS, CD_int, CD_int, CD_long, CD_long));
    if (insn.vex) {
      clearUpper(insn.reg);
    }
  }

  private void logic(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    addressOfWide(placed);
    sourceWide(insn);
    for (int i = 0; i < 2; i++) {
      int source = i == 0 ? Locals.TEMP_1 : Locals.TEMP_2;
      lane(first(insn), i);
      boolean complement = operation.contains("ANDN");
      if (complement) {
        code().loadConstant(-1L).lxor();
      }
      code().lload(source);
      if (operation.contains("XOR")) {
        code().lxor();
      } else if (operation.contains("AND")) {
        code().land();
      } else if (operation.equals("PADDQ")) {
        code().ladd();
      } else if (operation.equals("PSUBQ")) {
        code().lsub();
      } else {
        code().lor();
      }
      code().lstore(source);
    }
    setWide(insn, insn.reg);
  }

  private void unpack(Block.Placed placed, int half) {
    Insn insn = placed.insn();
    addressOfWide(placed);
    sourceWide(insn);
    if (half == 0) {
      code().lload(Locals.TEMP_1).lstore(Locals.TEMP_2);
    }
    lane(first(insn), half);
    code().lstore(Locals.TEMP_1);
    setWide(insn, insn.reg);
  }

  /** Moves of 16 bytes. */
  private void move(Block.Placed placed, boolean aligned) {
    Insn insn = placed.insn();
    boolean load = insn.form.operands()[0].charAt(0) == 'V';
    if (!insn.memory) {
      int from = load ? insn.rm : insn.reg;
      lane(from, 0);
      code().lstore(Locals.TEMP_1);
      lane(from, 1);
      code().lstore(Locals.TEMP_2);
      setWide(insn, load ? insn.reg : insn.rm);
      return;
    }
    address(placed);
    if (aligned) {
      checkAligned(placed);
    }
    if (load) {
      sourceLanes(placed);
      setWide(insn, insn.reg);
      return;
    }
    region.lastSite(placed);
    region.fence("releaseFence");
    code().aload(Locals.THIS).aload(Locals.MMU).lload(Locals.TLB).lload(Locals.ADDRESS);
    lane(insn.reg, 0);
    lane(insn.reg, 1);
    code()
        .invokestatic(
            RegionEmitter.REGION,
            "write128",
            MethodTypeDesc.of(
                CD_void,
                RegionEmitter.REGION,
                RegionEmitter.MMU,
                CD_long,
                CD_long,
                CD_long,
                CD_long));
  }

  /** MOVLPD, MOVHPD and their twins, from and to memory. */
  private void half(Block.Placed placed, int half) {
    Insn insn = placed.insn();
    address(placed);
    if (insn.form.operands()[0].charAt(0) != 'V') {
      region.lastSite(placed);
      integer.write(8, () -> lane(insn.reg, half));
      return;
    }
    region.site(placed);
    integer.read(8);
    code().lstore(half == 0 ? Locals.TEMP_1 : Locals.TEMP_2);
    lane(first(insn), 1 - half);
    code().lstore(half == 0 ? Locals.TEMP_2 : Locals.TEMP_1);
    setWide(insn, insn.reg);
  }

  /** MOVSD and MOVSS but for the VEX forms between registers. */
  private void moveScalar(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    boolean load = insn.form.operands()[0].charAt(0) == 'V';
    if (insn.memory) {
      moveElement(placed, size);
      return;
    }
    int to = load ? insn.reg : insn.rm;
    int from = load ? insn.rm : insn.reg;
    lane(from, 0);
    if (size == 4) {
      code().loadConstant(0xFFFF_FFFFL).land();
      lane(to, 0);
      code().loadConstant(0xFFFF_FFFFL << 32).land().lor();
    }
    code().lstore(Locals.TEMP_1);
    set(to, 0, Locals.TEMP_1);
  }

  /** A low element from or to memory or a general register, or to a register that it clears. */
  private void moveElement(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    char first = insn.form.operands()[0].charAt(0);
    address(placed);
    if (first == 'V') {
      region.site(placed);
      String[] operands = insn.form.operands();
      if (!insn.memory && operands[operands.length - 1].charAt(0) == 'E') {
        integer.loadRegister(insn, insn.rm, 8);
        cut(size);
      } else {
        source(insn, size);
      }
      code().lstore(Locals.TEMP_1);
      code().lconst_0().lstore(Locals.TEMP_2);
      setWide(insn, insn.reg);
    } else if (insn.memory) {
      region.lastSite(placed);
      integer.write(size, () -> lane(insn.reg, 0));
    } else if (first == 'E') {
      lane(insn.reg, 0);
      integer.storeRegister(insn, insn.rm, size);
    } else {
      lane(insn.reg, 0);
      code().lstore(Locals.TEMP_1);
      code().lconst_0().lstore(Locals.TEMP_2);
      setWide(insn, insn.rm);
    }
  }

  private void order(Block.Placed placed, boolean signaling) {
    Insn insn = placed.insn();
    address(placed);
    region.site(placed);
    code().aload(Locals.CPU);
    lane(insn.reg, 0);
    source(insn, 8);
    code().loadConstant(signaling ? 1 : 0);
    math("order64", MethodTypeDesc.of(CD_int, RegionEmitter.CPU, CD_long, CD_long, CD_boolean));
    code().istore(Locals.INT);
    code().iload(Locals.INT);
    math("orderAux", MethodTypeDesc.of(CD_long, CD_int));
    code().lstore(Locals.FLAG_A);
    code().iload(Locals.INT);
    math("orderResult", MethodTypeDesc.of(CD_long, CD_int));
    code().lstore(Locals.FLAG_R);
    region.kind = FlagState.READY;
  }

  private void fromInteger(Block.Placed placed) {
    Insn insn = placed.insn();
    int size = insn.operandSize == 8 ? 8 : 4;
    address(placed);
    region.site(placed);
    code().aload(Locals.CPU);
    if (insn.memory) {
      integer.read(size);
    } else {
      integer.loadSigned(insn, insn.rm, size);
    }
    math("fromLong", MethodTypeDesc.of(CD_long, RegionEmitter.CPU, CD_long));
    code().lstore(Locals.TEMP_1);
    setScalar(insn);
  }

  private void toInteger(Block.Placed placed) {
    Insn insn = placed.insn();
    int size = insn.operandSize == 8 ? 8 : 4;
    address(placed);
    region.site(placed);
    code().aload(Locals.CPU);
    source(insn, 8);
    math(size == 8 ? "toLong" : "toInt", MethodTypeDesc.of(CD_long, RegionEmitter.CPU, CD_long));
    integer.storeRegister(insn, insn.reg, size);
  }

  /** Of destination (1), VEX.vvvv (2) and last operand (3) the digits name factors and addend. */
  private void fused(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    int digits = operation.length() - 5;
    String order = operation.substring(digits, digits + 3);
    String kind = operation.substring(0, digits);
    int signs =
        switch (kind) {
          case "FMADD" -> 0;
          case "FMSUB" -> FusedFloat.NEGATE_ADDEND;
          case "FNMADD" -> FusedFloat.NEGATE_PRODUCT;
          default -> FusedFloat.NEGATE_PRODUCT | FusedFloat.NEGATE_ADDEND;
        };
    address(placed);
    region.site(placed);
    source(insn, 8);
    code().lstore(Locals.TEMP_1);
    code().aload(Locals.CPU);
    for (int i = 0; i < 3; i++) {
      switch (order.charAt(i)) {
        case '1' -> lane(insn.reg, 0);
        case '2' -> lane(insn.vexRegister, 0);
        default -> code().lload(Locals.TEMP_1);
      }
    }
    code().loadConstant(signs);
    math(
        "fused64",
        MethodTypeDesc.of(CD_long, RegionEmitter.CPU, CD_long, CD_long, CD_long, CD_int));
    code().lstore(Locals.TEMP_1);
    set(insn.reg, 0, Locals.TEMP_1);
    clearUpper(insn.reg);
  }

  // ---------------------------------------------------------------- operands

  /** The register of the first source. */
  private static int first(Insn insn) {
    return insn.vex && insn.form.operands()[1].charAt(0) == 'H' ? insn.vexRegister : insn.reg;
  }

  private void math(String method, MethodTypeDesc type) {
    code().invokestatic(MATH, method, type);
  }

  private void address(Block.Placed placed) {
    if (placed.insn().memory) {
      integer.effectiveAddress(placed, true);
      code().lstore(Locals.ADDRESS);
    }
  }

  /** The address of a source of 16 bytes: without VEX it has to be aligned. */
  private void addressOfWide(Block.Placed placed) {
    address(placed);
    if (placed.insn().memory) {
      if (!placed.insn().vex) {
        checkAligned(placed);
      }
      region.site(placed);
    }
  }

  private void checkAligned(Block.Placed placed) {
    region.site(placed);
    code().aload(Locals.CPU).lload(Locals.ADDRESS);
    math("checkAligned", MethodTypeDesc.of(CD_void, RegionEmitter.CPU, CD_long));
  }

  /** Pushes the low element of the last operand: from memory zero-extended, or the whole lane. */
  private void source(Insn insn, int size) {
    if (insn.memory) {
      integer.read(size);
      cut(size);
    } else {
      lane(insn.rm, 0);
    }
  }

  private void cut(int size) {
    if (size == 4) {
      code().loadConstant(0xFFFF_FFFFL).land();
    }
  }

  /** Both lanes of the last operand, to {@link Locals#TEMP_1} and {@link Locals#TEMP_2}. */
  private void sourceWide(Insn insn) {
    if (insn.memory) {
      readLanes();
      return;
    }
    lane(insn.rm, 0);
    code().lstore(Locals.TEMP_1);
    lane(insn.rm, 1);
    code().lstore(Locals.TEMP_2);
  }

  private void sourceLanes(Block.Placed placed) {
    region.site(placed);
    readLanes();
  }

  private void readLanes() {
    code().lload(Locals.TLB).lload(Locals.ADDRESS);
    code().invokestatic(RegionEmitter.MMU, "lanesAt", MethodTypeDesc.of(CD_long, CD_long, CD_long));
    code().lstore(Locals.TEMP_3);
    readLane(0, Locals.TEMP_1);
    readLane(8, Locals.TEMP_2);
    region.fence("acquireFence");
  }

  private void readLane(int offset, int into) {
    MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_int);
    code().aload(Locals.MMU).lload(Locals.TEMP_3).lload(Locals.ADDRESS).loadConstant(offset);
    code().invokevirtual(RegionEmitter.MMU, "readLaneAt", type).lstore(into);
  }

  /** Pushes a lane. */
  private void lane(int register, int lane) {
    code().aload(Locals.VECTORS).loadConstant(4 * register + lane).laload();
  }

  private void set(int register, int lane, int from) {
    code().aload(Locals.VECTORS).loadConstant(4 * register + lane).lload(from).lastore();
  }

  /** The low lane from {@link Locals#TEMP_1}; the VEX form takes the other one from its source. */
  private void setScalar(Insn insn) {
    if (insn.vex && first(insn) != insn.reg) {
      lane(first(insn), 1);
      code().lstore(Locals.TEMP_2);
      set(insn.reg, 1, Locals.TEMP_2);
    }
    set(insn.reg, 0, Locals.TEMP_1);
    if (insn.vex) {
      clearUpper(insn.reg);
    }
  }

  /** Both lanes from {@link Locals#TEMP_1} and {@link Locals#TEMP_2}. */
  private void setWide(Insn insn, int register) {
    set(register, 0, Locals.TEMP_1);
    set(register, 1, Locals.TEMP_2);
    if (insn.vex) {
      clearUpper(register);
    }
  }

  /** What VEX clears: bits 255:128. */
  private void clearUpper(int register) {
    for (int lane = 2; lane < 4; lane++) {
      code().aload(Locals.VECTORS).loadConstant(4 * register + lane).lconst_0().lastore();
    }
  }
}
