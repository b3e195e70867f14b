package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Arrays;
import lodge.cpu.x86.FlagState;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.vector.FusedFloat;
import lodge.cpu.x86.vector.Packed;
import lodge.cpu.x86.vector.PackedShift;
import lodge.cpu.x86.vector.PackedShuffle;

/**
 * Emits the SSE and AVX instructions that compiled programs use most; {@link VectorForm} says
 * which. Lanes 0 and 1 of the vector registers are in locals, or in {@link lodge.cpu.x86.Cpu#xmm}
 * when the region has instructions that only the interpreter's ops can execute; lanes 2 and 3 stay
 * in the array.
 */
final class VectorEmitter {
  private static final ClassDesc MATH = SseMath.class.describeConstable().orElseThrow();
  private static final ClassDesc PACKED = Packed.class.describeConstable().orElseThrow();
  private static final ClassDesc SHIFT = PackedShift.class.describeConstable().orElseThrow();
  private static final ClassDesc SHUFFLE = PackedShuffle.class.describeConstable().orElseThrow();

  private static final MethodTypeDesc BINARY = MethodTypeDesc.of(CD_long, CD_long, CD_long);
  private static final MethodTypeDesc UNARY = MethodTypeDesc.of(CD_long, CD_long);
  private static final MethodTypeDesc TEST_1 = MethodTypeDesc.of(CD_boolean, CD_long);
  private static final MethodTypeDesc TEST_2 = MethodTypeDesc.of(CD_boolean, CD_long, CD_long);
  private static final MethodTypeDesc TEST_3 =
      MethodTypeDesc.of(CD_boolean, CD_long, CD_long, CD_long);

  private final RegionEmitter region;
  private final IntegerEmitter integer;
  private final MemoryEmitter memory;

  /** Lanes that hold an ordinary double at this point: see {@link OrdinaryLanes}. */
  private int ordinary;

  /** Registers whose lanes 2 and 3 are known to be 0. */
  private final boolean[] narrow = new boolean[16];

  /**
   * @param ordinary lanes that hold an ordinary double at the block's start
   */
  VectorEmitter(RegionEmitter region, IntegerEmitter integer, MemoryEmitter memory, int ordinary) {
    this.ordinary = ordinary;
    this.region = region;
    this.integer = integer;
    this.memory = memory;
  }

  private CodeBuilder code() {
    return region.code;
  }

  /** Somebody else has executed an instruction: nothing is known of any register. */
  void forget() {
    ordinary = 0;
    Arrays.fill(narrow, false);
  }

  // ---------------------------------------------------------------- instructions

  /** Emits an instruction; false when it is not among those known here. */
  boolean emit(Block.Placed placed) {
    Insn insn = placed.insn();
    VectorForm form = VectorForm.of(insn);
    if (form == null) {
      return false;
    }
    String operation = VectorForm.operation(insn);
    switch (form) {
      case ARITHMETIC -> arithmetic(placed, operation);
      case FUSED -> fused(placed, operation);
      case ORDER -> order(placed, VectorForm.elementSize(operation));
      case LOGIC -> logic(placed, operation);
      case LANES -> lanes(placed, PackedInteger.of(operation));
      case SHIFT -> shift(placed, PackedInteger.of(operation));
      case INTERLEAVE -> interleave(placed, operation);
      case UNPACK -> unpack(placed, operation.contains("KH") ? 1 : 0);
      case SHUFFLE -> shuffle(placed, operation);
      case SHIFT_BYTES -> shiftBytes(placed, operation.equals("PSLLDQ"));
      case TOP_BITS -> topBits(insn, operation.equals("MOVMSKPD"));
      case MOVE -> move(placed, operation);
      case HALF -> half(placed, operation.startsWith("MOVH") ? 1 : 0);
      case CROSS -> cross(insn, operation.equals("MOVHLPS"));
      case SCALAR -> scalar(placed, operation.equals("MOVSD") ? 8 : 4);
      case ELEMENT -> element(placed, operation.equals("MOVQ") ? 8 : 4);
      case BROADCAST -> broadcast(placed, operation);
      case EXTRACT -> extract(placed);
      case INSERT -> insert(placed);
      case FROM_INTEGER -> fromInteger(placed, operation.equals("CVTSI2SD") ? 8 : 4);
      case TO_INTEGER -> toInteger(placed, operation.equals("CVTTSD2SI") ? 8 : 4);
      case TO_SINGLE -> toSingle(placed);
      case TO_DOUBLE -> toDouble(placed);
      case CLEAR_UPPER -> clearAllUpper();
      case COMPARE -> compare(placed, VectorForm.isPacked(operation));
      case BLEND -> blend(placed, operation);
      case STORE_CONTROL -> {
        memory.find(placed, 4, true);
        memory.store(
            4, () -> code().aload(Locals.CPU).getfield(RegionEmitter.CPU, "mxcsr", CD_int).i2l());
      }
    }
    ordinary = OrdinaryLanes.after(insn, ordinary);
    return true;
  }

  // ---------------------------------------------------------------- floating point

  private void arithmetic(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    FloatArithmetic arithmetic = FloatArithmetic.of(operation);
    int size = VectorForm.elementSize(operation);
    boolean packed = VectorForm.isPacked(operation);
    int count = packed ? lanes(insn) : 1;
    if (packed) {
      sourceWide(placed);
    } else {
      source(placed, size);
    }
    for (int i = 0; i < count; i++) {
      if (arithmetic.binary()) {
        int lane = i;
        requireOrdinary(
            placed, size, VectorForm.first(insn), i, () -> lane(VectorForm.first(insn), lane));
      }
      int from = Locals.source(i);
      if (arithmetic.operand().equals("ordinary")) {
        requireOrdinary(placed, size, insn.memory ? -1 : insn.rm, i, () -> code().lload(from));
      } else {
        code().lload(from);
        require(placed, arithmetic.operand() + bits(size), TEST_1);
      }
      operands(insn, i);
      math(arithmetic.method() + bits(size), BINARY);
      code().lstore(Locals.result(i));
      if (arithmetic.fine() != null) {
        operands(insn, i);
        code().lload(Locals.result(i));
        require(placed, arithmetic.fine() + bits(size), TEST_3);
      }
      if (arithmetic.exact() != null) {
        int lane = i;
        requireExact(
            placed,
            () -> {
              operands(insn, lane);
              code().lload(Locals.result(lane));
            },
            arithmetic.exact() + bits(size),
            TEST_3);
      }
    }
    if (packed) {
      setWide(insn, insn.reg);
    } else {
      setScalar(insn, size);
    }
  }

  private static int bits(int size) {
    return 8 * size;
  }

  private void operands(Insn insn, int i) {
    lane(VectorForm.first(insn), i);
    code().lload(Locals.source(i));
  }

  /** Leaves the instruction to the interpreter unless a function of what is pushed says yes. */
  private void require(Block.Placed placed, String method, MethodTypeDesc type) {
    math(method, type);
    code().ifeq(region.decline(placed));
  }

  /** As {@link #require} while the sticky PE flag is clear. */
  private void requireExact(
      Block.Placed placed, Runnable values, String method, MethodTypeDesc type) {
    if (region.mayRound()) {
      return;
    }
    Label on = code().newLabel();
    code().iload(Locals.EXACT).ifeq(on);
    values.run();
    require(placed, method, type);
    code().labelBinding(on);
  }

  /**
   * Requires that an element is a normal number or zero, unless that is known already.
   *
   * @param register where it is from, -1 for memory
   */
  private void requireOrdinary(
      Block.Placed placed, int size, int register, int lane, Runnable value) {
    boolean noted = size == 8 && register >= 0 && lane < 2;
    int bit = noted ? 1 << 2 * register + lane : 0;
    if ((ordinary & bit) == 0) {
      value.run();
      require(placed, "ordinary" + bits(size), TEST_1);
      ordinary |= bit;
    }
  }

  /** Of destination (1), VEX.vvvv (2) and last operand (3) the digits name factors and addend. */
  private void fused(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    int digits = operation.length() - 5;
    String order = operation.substring(digits, digits + 3);
    int signs =
        switch (operation.substring(0, digits)) {
          case "FMADD" -> 0;
          case "FMSUB" -> FusedFloat.NEGATE_ADDEND;
          case "FNMADD" -> FusedFloat.NEGATE_PRODUCT;
          default -> FusedFloat.NEGATE_PRODUCT | FusedFloat.NEGATE_ADDEND;
        };
    int size = VectorForm.elementSize(operation);
    boolean packed = VectorForm.isPacked(operation);
    int count = packed ? lanes(insn) : 1;
    if (!region.mayRound()) {
      code().iload(Locals.EXACT).ifne(region.decline(placed));
    }
    if (packed) {
      sourceWide(placed);
    } else {
      source(placed, size);
    }
    for (int i = 0; i < count; i++) {
      int lane = i;
      requireOrdinary(placed, size, insn.reg, i, () -> lane(insn.reg, lane));
      requireOrdinary(placed, size, insn.vexRegister, i, () -> lane(insn.vexRegister, lane));
      int last = insn.memory ? -1 : insn.rm;
      requireOrdinary(placed, size, last, i, () -> code().lload(Locals.source(lane)));
      for (int factor = 0; factor < 3; factor++) {
        switch (order.charAt(factor)) {
          case '1' -> lane(insn.reg, i);
          case '2' -> lane(insn.vexRegister, i);
          default -> code().lload(Locals.source(i));
        }
      }
      code().loadConstant(signs);
      math("fused" + bits(size), MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long, CD_int));
      code().lstore(Locals.result(i));
      code().lload(Locals.result(i));
      require(placed, "safe" + bits(size), TEST_1);
    }
    if (packed) {
      setWide(insn, insn.reg);
    } else {
      if (size == 4) {
        mergeLow(insn.reg);
      }
      set(insn.reg, 0, Locals.result(0));
      clearUpper(insn.reg);
    }
  }

  private void order(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    source(placed, size);
    requireOrdinary(placed, size, insn.reg, 0, () -> lane(insn.reg, 0));
    int last = insn.memory ? -1 : insn.rm;
    requireOrdinary(placed, size, last, 0, () -> code().lload(Locals.source(0)));
    lane(insn.reg, 0);
    toDoubleBits(size);
    code().lstore(Locals.FLAG_A);
    code().lload(Locals.source(0));
    toDoubleBits(size);
    code().lstore(Locals.FLAG_B);
    region.kind = FlagState.ORDER;
  }

  private void toDoubleBits(int size) {
    if (size == 4) {
      math("toDouble", UNARY);
    }
  }

  /** All ones where a predicate holds for ordinary doubles, zeros elsewhere. */
  private void compare(Block.Placed placed, boolean packed) {
    Insn insn = placed.insn();
    int count = packed ? lanes(insn) : 1;
    if (packed) {
      sourceWide(placed);
    } else {
      source(placed, 8);
    }
    for (int i = 0; i < count; i++) {
      int lane = i;
      int last = insn.memory ? -1 : insn.rm;
      requireOrdinary(
          placed, 8, VectorForm.first(insn), i, () -> lane(VectorForm.first(insn), lane));
      requireOrdinary(placed, 8, last, i, () -> code().lload(Locals.source(lane)));
      operands(insn, i);
      code().loadConstant(SseMath.orders((int) insn.imm));
      math("compare64", MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_int));
      code().lstore(Locals.result(i));
    }
    if (packed) {
      setWide(insn, insn.reg);
    } else {
      setScalar(insn, 8);
    }
  }

  private void blend(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    String function =
        switch (operation) {
          case "PBLENDVB" -> "blendVariableBytes";
          case "BLENDVPS" -> "blendVariableDoublewords";
          default -> "blendVariableQuadwords";
        };
    sourceWide(placed);
    for (int i = 0; i < lanes(insn); i++) {
      operands(insn, i);
      lane(VectorForm.mask(insn), i);
      MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long);
      code().invokestatic(SHUFFLE, function, type);
      code().lstore(Locals.result(i));
    }
    setWide(insn, insn.reg);
  }

  private void fromInteger(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    int from = insn.operandSize == 8 ? 8 : 4;
    if (insn.memory) {
      memory.find(placed, from, false);
      memory.load(from);
    } else {
      integer.loadSigned(insn, insn.rm, from);
    }
    code().lstore(Locals.source(0));
    code().lload(Locals.source(0));
    math("fromLong" + bits(size), UNARY);
    code().lstore(Locals.result(0));
    if (from == 8 || size == 4) {
      Runnable value = () -> code().lload(Locals.source(0));
      requireExact(placed, value, "exactFromLong" + bits(size), TEST_1);
    }
    setScalar(insn, size);
  }

  /** Rounded toward zero. */
  private void toInteger(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    int to = insn.operandSize == 8 ? 8 : 4;
    source(placed, size);
    int last = insn.memory ? -1 : insn.rm;
    Runnable value = () -> code().lload(Locals.source(0));
    requireOrdinary(placed, size, last, 0, value);
    value.run();
    require(placed, (to == 8 ? "fitsLong" : "fitsInt") + bits(size), TEST_1);
    requireExact(placed, value, "whole" + bits(size), TEST_1);
    value.run();
    math("truncate" + bits(size), UNARY);
    integer.storeRegister(insn, insn.reg, to);
  }

  private void toSingle(Block.Placed placed) {
    Insn insn = placed.insn();
    source(placed, 8);
    int last = insn.memory ? -1 : insn.rm;
    requireOrdinary(placed, 8, last, 0, () -> code().lload(Locals.source(0)));
    code().lload(Locals.source(0));
    math("toSingle", UNARY);
    code().lstore(Locals.result(0));
    Runnable both = () -> code().lload(Locals.source(0)).lload(Locals.result(0));
    both.run();
    require(placed, "fineSingle", TEST_2);
    requireExact(placed, both, "exactSingle", TEST_2);
    setScalar(insn, 4);
  }

  private void toDouble(Block.Placed placed) {
    Insn insn = placed.insn();
    source(placed, 4);
    requireOrdinary(placed, 4, -1, 0, () -> code().lload(Locals.source(0)));
    code().lload(Locals.source(0));
    math("toDouble", UNARY);
    code().lstore(Locals.result(0));
    setScalar(insn, 8);
  }

  // ---------------------------------------------------------------- integers

  private void logic(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    sourceWide(placed);
    for (int i = 0; i < lanes(insn); i++) {
      lane(VectorForm.first(insn), i);
      if (operation.contains("ANDN")) {
        code().loadConstant(-1L).lxor();
      }
      code().lload(Locals.source(i));
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
      code().lstore(Locals.result(i));
    }
    setWide(insn, insn.reg);
  }

  private void lanes(Block.Placed placed, PackedInteger function) {
    Insn insn = placed.insn();
    sourceWide(placed);
    for (int i = 0; i < lanes(insn); i++) {
      operands(insn, i);
      call(function);
      code().lstore(Locals.result(i));
    }
    setWide(insn, insn.reg);
  }

  private void call(PackedInteger function) {
    if (function.element() == 0) {
      code().invokestatic(function.owner(), function.method(), BINARY);
    } else {
      code().loadConstant(function.element());
      MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long);
      code().invokestatic(function.owner(), function.method(), type);
    }
  }

  private void shift(Block.Placed placed, PackedInteger function) {
    Insn insn = placed.insn();
    boolean immediate = hasImmediate(insn);
    int from = immediate ? insn.rm : VectorForm.first(insn);
    int to = immediate && insn.vex ? insn.vexRegister : immediate ? insn.rm : insn.reg;
    if (!immediate) {
      sourceWide(placed, 2);
    }
    for (int i = 0; i < lanes(insn); i++) {
      lane(from, i);
      if (immediate) {
        code().loadConstant(insn.imm & 0xFF);
      } else {
        code().lload(Locals.source(0));
      }
      code().invokestatic(SHIFT, function.method(), BINARY);
      code().lstore(Locals.result(i));
    }
    setWide(insn, to);
  }

  private static boolean hasImmediate(Insn insn) {
    String[] operands = insn.form.operands();
    return operands[operands.length - 1].charAt(0) == 'I';
  }

  private void interleave(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    PackedInteger[] functions = PackedInteger.interleaving(operation);
    int half = operation.contains("KH") ? 1 : 0;
    sourceWide(placed);
    for (int i = 0; i < lanes(insn); i++) {
      operands(insn, (i & 2) + half);
      call(functions[i & 1]);
      code().lstore(Locals.result(i));
    }
    setWide(insn, insn.reg);
  }

  private void unpack(Block.Placed placed, int half) {
    Insn insn = placed.insn();
    sourceWide(placed);
    for (int i = 0; i < lanes(insn); i += 2) {
      lane(VectorForm.first(insn), i + half);
      code().lstore(Locals.result(i));
      code().lload(Locals.source(i + half)).lstore(Locals.result(i + 1));
    }
    setWide(insn, insn.reg);
  }

  private void shuffle(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_int);
    int control = (int) insn.imm;
    sourceWide(placed);
    for (int i = 0; i < lanes(insn); i++) {
      int base = i & 2;
      boolean second = (i & 1) == 1;
      switch (operation) {
        case "SHUFPD" -> {
          int from = base + (control >> i & 1);
          if (second) {
            code().lload(Locals.source(from));
          } else {
            lane(VectorForm.first(insn), from);
          }
        }
        case "SHUFPS" -> {
          if (second) {
            code().lload(Locals.source(base)).lload(Locals.source(base + 1));
          } else {
            lane(VectorForm.first(insn), base);
            lane(VectorForm.first(insn), base + 1);
          }
          code().loadConstant(control >> 4 * (i & 1) & 15);
          code().invokestatic(SHUFFLE, "doublewords", type);
        }
        default -> {
          code().lload(Locals.source(base)).lload(Locals.source(base + 1));
          code().loadConstant(control >> 4 * (i & 1) & 15);
          code().invokestatic(SHUFFLE, "doublewords", type);
        }
      }
      code().lstore(Locals.result(i));
    }
    setWide(insn, insn.reg);
  }

  private void shiftBytes(Block.Placed placed, boolean left) {
    Insn insn = placed.insn();
    int from = insn.rm;
    int to = insn.vex ? insn.vexRegister : insn.rm;
    int bytes = Math.min((int) insn.imm & 0xFF, 16);
    MethodTypeDesc one = MethodTypeDesc.of(CD_long, CD_long, CD_int);
    MethodTypeDesc two = MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_int);
    for (int i = 0; i < lanes(insn); i += 2) {
      lane(from, i);
      if (!left) {
        lane(from, i + 1);
      }
      code().loadConstant(bytes);
      code().invokestatic(SHIFT, left ? "leftBytesLow" : "rightBytesLow", left ? one : two);
      code().lstore(Locals.result(i));
      if (left) {
        lane(from, i);
      }
      lane(from, i + 1);
      code().loadConstant(bytes);
      code().invokestatic(SHIFT, left ? "leftBytesHigh" : "rightBytesHigh", left ? two : one);
      code().lstore(Locals.result(i + 1));
    }
    setWide(insn, to);
  }

  private void topBits(Insn insn, boolean doubles) {
    code().lconst_0();
    for (int i = 0; i < lanes(insn); i++) {
      lane(insn.rm, i);
      if (doubles) {
        code().bipush(63).lushr();
      } else {
        code().invokestatic(PACKED, "topBits", MethodTypeDesc.of(CD_int, CD_long)).i2l();
      }
      code().loadConstant(doubles ? i : 8 * i).lshl().lor();
    }
    integer.storeRegister(insn, insn.reg, 4);
  }

  // ---------------------------------------------------------------- moves

  /** Moves of whole registers. */
  private void move(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    boolean load = insn.form.operands()[0].charAt(0) == 'V';
    int to = load ? insn.reg : insn.rm;
    int from = load ? insn.rm : insn.reg;
    int count = lanes(insn);
    if (!insn.memory) {
      for (int i = 0; i < count; i++) {
        lane(from, i);
        code().lstore(Locals.result(i));
      }
      setWide(insn, to);
      return;
    }
    if (VectorForm.isAlignedMove(operation)) {
      memory.findAligned(placed, 8 * count, !load);
    } else {
      memory.find(placed, 8 * count, !load);
    }
    for (int i = 0; i < count; i++) {
      int lane = i;
      if (load) {
        memory.load(8, 8 * i);
        code().lstore(Locals.result(i));
      } else {
        memory.store(8, 8 * i, () -> lane(insn.reg, lane));
      }
    }
    if (load) {
      setWide(insn, insn.reg);
    }
  }

  /** MOVLPD, MOVHPD and their twins, from and to memory. */
  private void half(Block.Placed placed, int half) {
    Insn insn = placed.insn();
    boolean load = insn.form.operands()[0].charAt(0) == 'V';
    memory.find(placed, 8, !load);
    if (!load) {
      memory.store(8, () -> lane(insn.reg, half));
      return;
    }
    memory.load(8);
    code().lstore(Locals.result(half));
    lane(VectorForm.first(insn), 1 - half);
    code().lstore(Locals.result(1 - half));
    setWide(insn, insn.reg);
  }

  /** MOVHLPS and MOVLHPS. */
  private void cross(Insn insn, boolean highToLow) {
    if (highToLow) {
      lane(insn.rm, 1);
      code().lstore(Locals.result(0));
      lane(VectorForm.first(insn), 1);
    } else {
      lane(VectorForm.first(insn), 0);
      code().lstore(Locals.result(0));
      lane(insn.rm, 0);
    }
    code().lstore(Locals.result(1));
    setWide(insn, insn.reg);
  }

  /** MOVSD and MOVSS. */
  private void scalar(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    if (insn.memory) {
      element(placed, size);
      return;
    }
    boolean load = insn.form.operands()[0].charAt(0) != 'W' && !isStoreForm(insn);
    int to = load ? insn.reg : insn.rm;
    int from = load ? insn.rm : insn.reg;
    int upper = insn.vex ? insn.vexRegister : to;
    lane(from, 0);
    if (size == 4) {
      code().loadConstant(0xFFFF_FFFFL).land();
      lane(upper, 0);
      code().loadConstant(0xFFFF_FFFFL << 32).land().lor();
    }
    code().lstore(Locals.result(0));
    if (upper != to) {
      lane(upper, 1);
      code().lstore(Locals.result(1));
      set(to, 1, Locals.result(1));
    }
    set(to, 0, Locals.result(0));
    if (insn.vex) {
      clearUpper(to);
    }
  }

  /** The VEX form whose destination is in ModRM.rm. */
  private static boolean isStoreForm(Insn insn) {
    return insn.form.operands()[0].charAt(0) == 'U';
  }

  /** A low element from or to memory or a general register, or to a register that it clears. */
  private void element(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    char first = insn.form.operands()[0].charAt(0);
    if (first == 'V') {
      String[] operands = insn.form.operands();
      if (!insn.memory && operands[operands.length - 1].charAt(0) == 'E') {
        integer.loadRegister(insn, insn.rm, 8);
      } else {
        source(placed, size);
        code().lload(Locals.source(0));
      }
      cut(size);
      code().lstore(Locals.result(0));
      code().lconst_0().lstore(Locals.result(1));
      setNarrow(insn, insn.reg);
    } else if (insn.memory) {
      memory.find(placed, size, true);
      memory.store(size, () -> lane(insn.reg, 0));
    } else if (first == 'E') {
      lane(insn.reg, 0);
      integer.storeRegister(insn, insn.rm, size);
    } else {
      lane(insn.reg, 0);
      code().lstore(Locals.result(0));
      code().lconst_0().lstore(Locals.result(1));
      setNarrow(insn, insn.rm);
    }
  }

  private void broadcast(Block.Placed placed, String operation) {
    Insn insn = placed.insn();
    int size =
        switch (operation) {
          case "PBROADCASTB" -> 1;
          case "PBROADCASTW" -> 2;
          case "PBROADCASTD", "BROADCASTSS" -> 4;
          default -> 8;
        };
    source(placed, size);
    code().lload(Locals.source(0));
    if (size < 8) {
      code().loadConstant((1L << 8 * size) - 1).land();
      code().loadConstant(Long.divideUnsigned(-1, (1L << 8 * size) - 1)).lmul();
    }
    code().lstore(Locals.result(0));
    for (int i = 1; i < lanes(insn); i++) {
      code().lload(Locals.result(0)).lstore(Locals.result(i));
    }
    setWide(insn, insn.reg);
  }

  /** VEXTRACTF128: one half to a register or memory. */
  private void extract(Block.Placed placed) {
    Insn insn = placed.insn();
    int from = 2 * ((int) insn.imm & 1);
    if (insn.memory) {
      memory.find(placed, 16, true);
      memory.store(8, 0, () -> lane(insn.reg, from));
      memory.store(8, 8, () -> lane(insn.reg, from + 1));
      return;
    }
    for (int i = 0; i < 2; i++) {
      lane(insn.reg, from + i);
      code().lstore(Locals.result(i));
    }
    setNarrow(insn, insn.rm);
  }

  /** VINSERTF128: one half from a register or memory. */
  private void insert(Block.Placed placed) {
    Insn insn = placed.insn();
    int to = 2 * ((int) insn.imm & 1);
    sourceWide(placed, 2);
    for (int i = 0; i < 4; i++) {
      if ((i & 2) == to) {
        code().lload(Locals.source(i & 1));
      } else {
        lane(VectorForm.first(insn), i);
      }
      code().lstore(Locals.result(i));
    }
    setWide(insn, insn.reg);
  }

  private void clearAllUpper() {
    code().aload(Locals.VECTORS);
    code().invokestatic(MATH, "clearUpper", MethodTypeDesc.of(CD_void, RegionEmitter.LONGS));
    Arrays.fill(narrow, true);
  }

  // ---------------------------------------------------------------- operands

  private static int lanes(Insn insn) {
    return insn.vex && insn.vexL != 0 ? 4 : 2;
  }

  private void math(String method, MethodTypeDesc type) {
    code().invokestatic(MATH, method, type);
  }

  /** The low element of the last operand: from memory, or the whole lane of a register. */
  private void source(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    if (insn.memory) {
      memory.find(placed, size, false);
      memory.load(size);
      cut(size);
    } else {
      lane(insn.rm, 0);
    }
    code().lstore(Locals.source(0));
  }

  private void cut(int size) {
    if (size == 4) {
      code().loadConstant(0xFFFF_FFFFL).land();
    }
  }

  private void sourceWide(Block.Placed placed) {
    sourceWide(placed, lanes(placed.insn()));
  }

  /** So many lanes of the last operand; without VEX it has to be aligned. */
  private void sourceWide(Block.Placed placed, int count) {
    Insn insn = placed.insn();
    if (insn.memory) {
      if (insn.vex) {
        memory.find(placed, 8 * count, false);
      } else {
        memory.findAligned(placed, 8 * count, false);
      }
    }
    for (int i = 0; i < count; i++) {
      if (insn.memory) {
        memory.load(8, 8 * i);
      } else {
        lane(insn.rm, i);
      }
      code().lstore(Locals.source(i));
    }
  }

  /** Pushes a lane. */
  private void lane(int register, int lane) {
    if (region.lanesInLocals && lane < 2) {
      region.loadLane(register, lane);
    } else {
      code().aload(Locals.VECTORS).loadConstant(4 * register + lane).laload();
    }
  }

  private void set(int register, int lane, int from) {
    if (lane >= 2) {
      narrow[register] = false;
    }
    if (region.lanesInLocals && lane < 2) {
      code().lload(from);
      region.storeLane(register, lane);
    } else {
      code().aload(Locals.VECTORS).loadConstant(4 * register + lane).lload(from).lastore();
    }
  }

  /** The low element from {@link Locals#result}; the VEX form takes the others from its source. */
  private void setScalar(Insn insn, int size) {
    int first = VectorForm.first(insn);
    if (size == 4) {
      mergeLow(first);
    }
    if (insn.vex && first != insn.reg) {
      lane(first, 1);
      code().lstore(Locals.result(1));
      set(insn.reg, 1, Locals.result(1));
    }
    set(insn.reg, 0, Locals.result(0));
    if (insn.vex) {
      clearUpper(insn.reg);
    }
  }

  /** Puts the high half of a register's low lane above the result. */
  private void mergeLow(int register) {
    lane(register, 0);
    code().loadConstant(0xFFFF_FFFFL << 32).land().lload(Locals.result(0)).lor();
    code().lstore(Locals.result(0));
  }

  /** All lanes of the instruction's width from {@link Locals#result}. */
  private void setWide(Insn insn, int register) {
    if (lanes(insn) == 2) {
      setNarrow(insn, register);
      return;
    }
    for (int i = 0; i < 4; i++) {
      set(register, i, Locals.result(i));
    }
  }

  /** Both lanes of 128 bits. */
  private void setNarrow(Insn insn, int register) {
    set(register, 0, Locals.result(0));
    set(register, 1, Locals.result(1));
    if (insn.vex) {
      clearUpper(register);
    }
  }

  /** What VEX clears: bits 255:128. */
  private void clearUpper(int register) {
    if (narrow[register]) {
      return;
    }
    for (int lane = 2; lane < 4; lane++) {
      code().aload(Locals.VECTORS).loadConstant(4 * register + lane).lconst_0().lastore();
    }
    narrow[register] = true;
  }
}
