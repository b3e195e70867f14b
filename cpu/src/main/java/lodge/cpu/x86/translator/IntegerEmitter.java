package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import lodge.cpu.x86.Alu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.FlagState;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/**
 * Bytecode for the integer instructions that fill programs. Operands travel on the JVM's stack as
 * longs, of which only the low bits of their size count. Whatever is not here, {@link
 * RegionEmitter} leaves to the interpreter's op.
 */
final class IntegerEmitter {
  private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
  private static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
  private static final ClassDesc INTEGER = ClassDesc.of("java.lang.Integer");
  private static final int NO_HIGH_BYTE = 4;

  private final RegionEmitter region;
  private final MemoryEmitter memory;

  /** Nobody will see the flags of the instruction being emitted. */
  boolean flagsDead;

  IntegerEmitter(RegionEmitter region, MemoryEmitter memory) {
    this.region = region;
    this.memory = memory;
  }

  private CodeBuilder code() {
    return region.code;
  }

  // ---------------------------------------------------------------- what is known before emitting

  /** The flags' kind after an instruction; must agree with what {@link #emit} leaves. */
  static int flagKindAfter(Insn insn, int kind) {
    VectorForm vector = VectorForm.of(insn);
    if (vector != null) {
      return vector == VectorForm.ORDER ? FlagState.ORDER : kind;
    }
    if (!emits(insn)) {
      return ApartForm.isApart(insn) ? kind : FlagState.READY;
    }
    if (LockedEmitter.emits(insn)) {
      return LockedEmitter.flagKindAfter(insn, kind);
    }
    if (MultiplyEmitter.emits(insn)) {
      return MultiplyEmitter.flagKindAfter(insn, kind);
    }
    if (shiftCount(insn) < 0 && BitEmitter.emits(insn)) {
      return FlagState.READY;
    }
    return switch (insn.form.mnemonic()) {
      case ADD -> FlagState.sized(FlagState.ADD, insn.operandSize);
      case ADC -> FlagState.sized(FlagState.ADC, insn.operandSize);
      case SUB, NEG -> FlagState.sized(FlagState.SUB, insn.operandSize);
      case CMP -> FlagState.sized(FlagState.CMP, insn.operandSize);
      case SBB -> FlagState.sized(FlagState.SBB, insn.operandSize);
      case AND, OR, XOR, TEST -> FlagState.sized(FlagState.LOGIC, insn.operandSize);
      case INC -> FlagState.sized(FlagState.INC, insn.operandSize);
      case DEC -> FlagState.sized(FlagState.DEC, insn.operandSize);
      case SHL, SHR, SAR ->
          shiftCount(insn) == 0 ? kind : FlagState.sized(FlagState.READY, insn.operandSize);
      default -> kind;
    };
  }

  /** Whether what the instruction does, or how it is executed, depends on the flags before it. */
  static boolean asksForFlags(Insn insn) {
    if (VectorForm.of(insn) != null) {
      return false;
    }
    return switch (insn.form.mnemonic()) {
      case JCC, SETCC, CMOVCC, ADC, SBB, INC, DEC -> true;
      default -> {
        if (Flow.of(insn) != Flow.NEXT) {
          yield false;
        }
        yield emits(insn)
            ? shiftCount(insn) < 0 && BitEmitter.emits(insn)
            : !ApartForm.isApart(insn);
      }
    };
  }

  /** Whether {@link #emit} has code for the instruction. */
  static boolean emits(Insn insn) {
    if (insn.memory && insn.addressSize != 8) {
      return false;
    }
    if (LockedEmitter.emits(insn)) {
      return true;
    }
    if (insn.lock && insn.form.mnemonic() != Mnemonic.NOP) {
      return false;
    }
    if (MultiplyEmitter.emits(insn) || BitEmitter.emits(insn)) {
      return true;
    }
    return switch (insn.form.mnemonic()) {
      case ADD,
          ADC,
          SUB,
          SBB,
          CMP,
          AND,
          OR,
          XOR,
          TEST,
          INC,
          DEC,
          NEG,
          NOT,
          LEA,
          MOVZX,
          MOVSX,
          MOVSXD,
          CBW,
          CWD,
          CMOVCC,
          SETCC,
          NOP,
          PAUSE,
          LFENCE,
          SFENCE,
          PREFETCHT0,
          PREFETCHT1,
          PREFETCHT2,
          PREFETCHNTA,
          PREFETCHW,
          JMP,
          JCC,
          CALL,
          RET ->
          true;
      case MOV -> insn.hasModrm || !insn.memory;
      case PUSH, POP ->
          insn.operandSize == 8 && (!insn.hasModrm || insn.form.mnemonic() == Mnemonic.PUSH);
      case LEAVE -> insn.operandSize == 8;
      case BSWAP -> insn.operandSize >= 4;
      case XCHG -> !insn.memory;
      default -> false;
    };
  }

  /**
   * The masked count of a SHL, SHR or SAR of 32 or 64 bits by a constant; -1 for other
   * instructions.
   */
  static int shiftCount(Insn insn) {
    int mask = insn.operandSize == 8 ? 63 : 31;
    switch (insn.form.mnemonic()) {
      case SHL, SHR, SAR -> {
        if (insn.operandSize < 4) {
          return -1;
        }
      }
      default -> {
        return -1;
      }
    }
    return switch (insn.opcode) {
      case 0xC0, 0xC1 -> (int) insn.imm & mask;
      case 0xD0, 0xD1 -> 1;
      default -> -1;
    };
  }

  // ---------------------------------------------------------------- instructions

  /** Emits an instruction; false when it is not among those known here. */
  boolean emit(Block.Placed placed) {
    Insn insn = placed.insn();
    if (!emits(insn)) {
      return false;
    }
    if (LockedEmitter.emits(insn)) {
      new LockedEmitter(region, this, memory).emit(placed);
      return true;
    }
    if (MultiplyEmitter.emits(insn)) {
      new MultiplyEmitter(region, this).emit(placed);
      return true;
    }
    if (shiftCount(insn) < 0 && BitEmitter.emits(insn)) {
      new BitEmitter(region, this).emit(placed);
      return true;
    }
    switch (insn.form.mnemonic()) {
      case ADD -> arithmetic(placed, FlagState.ADD);
      case ADC -> arithmetic(placed, FlagState.ADC);
      case SUB -> arithmetic(placed, FlagState.SUB);
      case CMP -> compare(placed);
      case SBB -> arithmetic(placed, FlagState.SBB);
      case AND, OR, XOR, TEST -> arithmetic(placed, FlagState.LOGIC);
      case INC -> step(placed, FlagState.INC);
      case DEC -> step(placed, FlagState.DEC);
      case NEG -> negate(placed);
      case NOT -> not(placed);
      case LEA -> {
        memory.effectiveAddress(placed, false);
        storeRegister(insn, insn.reg, insn.operandSize);
      }
      case MOV -> mov(placed);
      case MOVZX -> extend(placed, (insn.opcode & 1) == 0 ? 1 : 2, false);
      case MOVSX -> extend(placed, (insn.opcode & 1) == 0 ? 1 : 2, true);
      case MOVSXD -> extend(placed, Math.min(insn.operandSize, 4), true);
      case CBW -> {
        loadSigned(insn, Cpu.RAX, insn.operandSize / 2);
        storeRegister(insn, Cpu.RAX, insn.operandSize);
      }
      case CWD -> {
        loadSigned(insn, Cpu.RAX, insn.operandSize);
        code().bipush(63).lshr();
        storeRegister(insn, Cpu.RDX, insn.operandSize);
      }
      case CMOVCC -> cmov(placed);
      case SETCC -> setcc(placed);
      case PUSH -> pushOperand(placed);
      case POP -> pop(placed);
      case LEAVE -> leave(placed);
      case SHL, SHR, SAR -> shift(placed);
      case BSWAP -> bswap(insn);
      case XCHG -> xchg(insn);
      default -> {}
    }
    region.kind = flagKindAfter(insn, region.kind);
    return true;
  }

  private void arithmetic(Block.Placed placed, int kind) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    Mnemonic mnemonic = insn.form.mnemonic();
    boolean test = mnemonic == Mnemonic.TEST;
    boolean carry = kind == FlagState.ADC || kind == FlagState.SBB;
    boolean modify = insn.memory && !test && insn.form.operands()[0].charAt(0) == 'E';
    readMemory(placed, modify);
    if (carry) {
      // 0 or 1, before the operands replace what it is made of.
      carry();
      code().bipush(63).lushr().lstore(Locals.TEMP_2);
      operand(insn, 0, size);
      code().lstore(Locals.FLAG_A);
    }
    if (isZeroIdiom(insn)) {
      if (!flagsDead) {
        code().lconst_0().lstore(Locals.FLAG_R);
      }
      code().lconst_0();
      storeRegister(insn, insn.reg, size);
      return;
    }
    operand(insn, 0, size);
    operand(insn, 1, size);
    if (kind != FlagState.LOGIC && !flagsDead) {
      code().dup2().lstore(Locals.FLAG_B);
    }
    switch (mnemonic) {
      case OR -> code().lor();
      case XOR -> code().lxor();
      case AND, TEST -> code().land();
      default -> {
        boolean add = kind == FlagState.ADD || kind == FlagState.ADC;
        addOrSubtract(add);
        if (carry) {
          code().lload(Locals.TEMP_2);
          addOrSubtract(add);
        }
      }
    }
    zeroExtend(size);
    region.kind = FlagState.sized(kind, size);
    keepResult();
    if (test) {
      code().pop2();
    } else {
      storeDestination(insn, size, modify);
    }
  }

  /** What is on top of the stack is what the flags are made of. */
  private void keepResult() {
    if (!flagsDead) {
      code().dup2().lstore(Locals.FLAG_R);
    }
  }

  private void addOrSubtract(boolean add) {
    if (add) {
      code().ladd();
    } else {
      code().lsub();
    }
  }

  private void compare(Block.Placed placed) {
    Insn insn = placed.insn();
    readMemory(placed, false);
    if (!flagsDead) {
      operand(insn, 0, insn.operandSize);
      operand(insn, 1, insn.operandSize);
      code().lstore(Locals.FLAG_B).lstore(Locals.FLAG_A);
    }
  }

  /** Reads a memory operand, if there is one, into {@link Locals#TEMP_1}. */
  private void readMemory(Block.Placed placed, boolean modify) {
    Insn insn = placed.insn();
    if (insn.memory) {
      memory.find(placed, insn.operandSize, modify);
      memory.load(insn.operandSize);
      code().lstore(Locals.TEMP_1);
    }
  }

  /** XOR or SUB of a register with itself says nothing about its value. */
  private static boolean isZeroIdiom(Insn insn) {
    return insn.form.mnemonic() == Mnemonic.XOR
        && insn.hasModrm
        && !insn.memory
        && insn.reg == insn.rm
        && insn.operandSize >= 4
        && insn.form.operands()[1].charAt(0) != 'I';
  }

  /** Pops the result into the first operand. */
  void storeDestination(Insn insn, int size, boolean modify) {
    if (modify) {
      code().lstore(Locals.TEMP_1);
      memory.store(size, () -> code().lload(Locals.TEMP_1));
    } else {
      storeRegister(insn, destination(insn), size);
    }
  }

  private static int destination(Insn insn) {
    if (!insn.hasModrm) {
      return Cpu.RAX;
    }
    return insn.form.operands()[0].charAt(0) == 'G' ? insn.reg : insn.rm;
  }

  /** Pushes an operand; a memory operand has been read into {@link Locals#TEMP_1}. */
  void operand(Insn insn, int number, int size) {
    switch (insn.form.operands()[number].charAt(0)) {
      case 'I' -> code().loadConstant(Alu.signExtend(size, insn.imm));
      case 'G' -> loadRegister(insn, insn.reg, size);
      case 'E' -> {
        if (insn.memory) {
          code().lload(Locals.TEMP_1);
        } else {
          loadRegister(insn, insn.rm, size);
        }
      }
      default -> loadRegister(insn, Cpu.RAX, size);
    }
  }

  private void step(Block.Placed placed, int kind) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    carry();
    code().lstore(Locals.TEMP_2);
    readModify(placed);
    code().lconst_1();
    addOrSubtract(kind == FlagState.INC);
    zeroExtend(size);
    code().lstore(Locals.FLAG_R);
    code().lload(Locals.TEMP_2).lstore(Locals.FLAG_B);
    region.kind = FlagState.sized(kind, size);
    code().lload(Locals.FLAG_R);
    storeDestination(insn, size, insn.memory);
  }

  /** Pushes the operand in ModRM.rm of an instruction that will write it. */
  void readModify(Block.Placed placed) {
    Insn insn = placed.insn();
    if (insn.memory) {
      memory.find(placed, insn.operandSize, true);
      memory.load(insn.operandSize);
    } else {
      loadRegister(insn, insn.rm, insn.operandSize);
    }
  }

  private void negate(Block.Placed placed) {
    Insn insn = placed.insn();
    readModify(placed);
    code().lstore(Locals.FLAG_B);
    code().lload(Locals.FLAG_B).lneg();
    zeroExtend(insn.operandSize);
    code().lstore(Locals.FLAG_R);
    region.kind = FlagState.sized(FlagState.SUB, insn.operandSize);
    code().lload(Locals.FLAG_R);
    storeDestination(insn, insn.operandSize, insn.memory);
  }

  private void not(Block.Placed placed) {
    Insn insn = placed.insn();
    readModify(placed);
    code().loadConstant(-1L).lxor();
    storeDestination(insn, insn.operandSize, insn.memory);
  }

  private void mov(Block.Placed placed) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    if (!insn.hasModrm) {
      code().loadConstant(insn.imm);
      storeRegister(insn, insn.opcodeRegister, size);
      return;
    }
    char source = insn.form.operands()[1].charAt(0);
    if (source == 'E') {
      readOperand(placed, size);
      storeRegister(insn, insn.reg, size);
      return;
    }
    if (!insn.memory) {
      if (source == 'I') {
        code().loadConstant(insn.imm);
      } else {
        loadRegister(insn, insn.reg, size);
      }
      storeRegister(insn, insn.rm, size);
      return;
    }
    memory.find(placed, size, true);
    memory.store(
        size,
        () -> {
          if (source == 'I') {
            code().loadConstant(insn.imm);
          } else {
            loadRegister(insn, insn.reg, size);
          }
        });
  }

  private void extend(Block.Placed placed, int sourceSize, boolean signed) {
    Insn insn = placed.insn();
    readOperand(placed, sourceSize);
    if (signed) {
      signExtend(sourceSize);
    } else {
      code().loadConstant((1L << 8 * sourceSize) - 1).land();
    }
    storeRegister(insn, insn.reg, insn.operandSize);
  }

  /** Pushes the operand in ModRM.rm. */
  void readOperand(Block.Placed placed, int size) {
    Insn insn = placed.insn();
    if (insn.memory) {
      memory.find(placed, size, false);
      memory.load(size);
    } else {
      loadRegister(insn, insn.rm, size);
    }
  }

  private void cmov(Block.Placed placed) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    readOperand(placed, size);
    code().lstore(Locals.TEMP_1);
    Label no = code().newLabel();
    Label done = code().newLabel();
    condition(insn.opcode & 15, no);
    code().lload(Locals.TEMP_1);
    storeRegister(insn, insn.reg, size);
    code().goto_(done);
    code().labelBinding(no);
    if (size == 4) {
      loadRegister(insn, insn.reg, 4);
      storeRegister(insn, insn.reg, 4);
    }
    code().labelBinding(done);
  }

  private void setcc(Block.Placed placed) {
    Insn insn = placed.insn();
    Label no = code().newLabel();
    Label done = code().newLabel();
    condition(insn.opcode & 15, no);
    code().lconst_1().lstore(Locals.TEMP_1).goto_(done);
    code().labelBinding(no);
    code().lconst_0().lstore(Locals.TEMP_1);
    code().labelBinding(done);
    if (insn.memory) {
      memory.find(placed, 1, true);
      memory.store(1, () -> code().lload(Locals.TEMP_1));
    } else {
      code().lload(Locals.TEMP_1);
      storeRegister(insn, insn.rm, 1);
    }
  }

  private void pushOperand(Block.Placed placed) {
    Insn insn = placed.insn();
    if (insn.hasModrm) {
      readOperand(placed, 8);
      code().lstore(Locals.TEMP_1);
      push(placed, () -> code().lload(Locals.TEMP_1));
    } else if (insn.form.operands()[0].charAt(0) == 'I') {
      push(placed, () -> code().loadConstant(insn.imm));
    } else {
      push(placed, () -> region.load(insn.opcodeRegister));
    }
  }

  /** Pushes a 64-bit value on the guest's stack. */
  void push(Block.Placed placed, Runnable value) {
    region.load(Cpu.RSP);
    code().loadConstant(8L).lsub();
    memory.findOnStack(placed, 8, true);
    memory.store(8, value);
    code().lload(Locals.ADDRESS);
    region.store(Cpu.RSP);
  }

  /** Pushes the 64 bits that a register points to; RSP goes behind them. */
  private void popFrom(Block.Placed placed, int pointer) {
    region.load(pointer);
    memory.findOnStack(placed, 8, false);
    memory.load(8);
    code().lload(Locals.ADDRESS).loadConstant(8L).ladd();
    region.store(Cpu.RSP);
  }

  private void pop(Block.Placed placed) {
    popFrom(placed, Cpu.RSP);
    region.store(placed.insn().opcodeRegister);
  }

  private void leave(Block.Placed placed) {
    popFrom(placed, Cpu.RBP);
    region.store(Cpu.RBP);
  }

  private void shift(Block.Placed placed) {
    Insn insn = placed.insn();
    int size = insn.operandSize;
    int n = shiftCount(insn);
    int bits = 8 * size;
    readModify(placed);
    if (n == 0) {
      storeDestination(insn, size, insn.memory);
      return;
    }
    signExtend(size);
    code().lstore(Locals.TEMP_2);
    code().lload(Locals.TEMP_2);
    // The result, then the flags in the processor's own form.
    switch (insn.form.mnemonic()) {
      case SHL -> code().loadConstant(n).lshl();
      case SHR -> {
        if (size == 4) {
          code().loadConstant(0xFFFF_FFFFL).land();
        }
        code().loadConstant(n).lushr();
      }
      default -> code().loadConstant(n).lshr();
    }
    zeroExtend(size);
    region.kind = FlagState.sized(FlagState.READY, size);
    if (!flagsDead) {
      keepResult();
      shiftAux(insn, bits, n);
    }
    storeDestination(insn, size, insn.memory);
  }

  /** Of the value in TEMP_2 before the shift. */
  private void shiftAux(Insn insn, int bits, int n) {
    code().lload(Locals.TEMP_2).loadConstant(bits).loadConstant(n);
    String rule =
        switch (insn.form.mnemonic()) {
          case SHL -> "shlAux";
          case SHR -> "shrAux";
          default -> "sarAux";
        };
    code()
        .invokestatic(
            RegionEmitter.STATE, rule, MethodTypeDesc.of(CD_long, CD_long, CD_int, CD_int));
    code().lstore(Locals.FLAG_A);
  }

  private void bswap(Insn insn) {
    region.load(insn.opcodeRegister);
    code().invokestatic(LONG, "reverseBytes", MethodTypeDesc.of(CD_long, CD_long));
    if (insn.operandSize == 4) {
      code().bipush(32).lushr();
    }
    region.store(insn.opcodeRegister);
  }

  private void xchg(Insn insn) {
    int size = insn.operandSize;
    int first = insn.hasModrm ? insn.rm : Cpu.RAX;
    int second = insn.hasModrm ? insn.reg : insn.opcodeRegister;
    loadRegister(insn, first, size);
    loadRegister(insn, second, size);
    storeRegister(insn, first, size);
    storeRegister(insn, second, size);
  }

  // ---------------------------------------------------------------- control

  /**
   * Runs {@code taken} for the case that a conditional jump is taken; code for the other case
   * follows.
   */
  void branchIf(Insn insn, Block.Placed placed, Runnable taken) {
    Label no = code().newLabel();
    condition(insn.opcode & 15, no);
    int saved = region.kind;
    taken.run();
    region.kind = saved;
    code().labelBinding(no);
  }

  /** Leaves the target of an indirect jump, call or return in {@link Locals#TARGET}. */
  void indirect(Block.Placed placed) {
    Insn insn = placed.insn();
    Mnemonic mnemonic = insn.form.mnemonic();
    if (mnemonic == Mnemonic.RET) {
      region.load(Cpu.RSP);
      memory.findOnStack(placed, 8, false);
      memory.load(8);
    } else {
      readOperand(placed, 8);
    }
    code().lstore(Locals.TARGET);
    code().aload(Locals.CPU).lload(Locals.TARGET);
    MethodTypeDesc canonical = MethodTypeDesc.of(CD_boolean, CD_long);
    code().invokevirtual(RegionEmitter.CPU, "canonical", canonical).ifeq(region.decline(placed));
    if (mnemonic == Mnemonic.RET) {
      code().lload(Locals.ADDRESS).loadConstant(8L + (insn.imm & 0xFFFF)).ladd();
      region.store(Cpu.RSP);
    } else if (mnemonic == Mnemonic.CALL) {
      push(placed, () -> code().lload(Locals.CODE_BASE).loadConstant((long) placed.end()).ladd());
    }
  }

  /** Goes to a label unless a condition code holds. */
  private void condition(int cc, Label otherwise) {
    int pair = cc >> 1;
    int base = FlagState.base(region.kind);
    if (base == FlagState.LOGIC && pair == 3) {
      pair = 2; // CF and OF are 0
    }
    Runnable operands =
        switch (pair) {
          case 1, 3, 6, 7 ->
              switch (base) {
                case FlagState.CMP -> this::comparedOperands;
                case FlagState.SUB -> this::differenceOperands;
                case FlagState.LOGIC -> pair >= 6 ? this::resultAndZero : null;
                case FlagState.ORDER -> pair < 6 ? this::comparedDoubles : null;
                default -> null;
              };
          case 2 ->
              switch (base) {
                case FlagState.CMP -> this::comparedOperands;
                case FlagState.ORDER -> this::comparedDoubles;
                case FlagState.DYNAMIC -> null;
                default -> this::resultAndZero;
              };
          case 4 ->
              switch (base) {
                case FlagState.CMP -> this::differenceAndZero;
                case FlagState.DYNAMIC, FlagState.READY, FlagState.ORDER -> null;
                default -> this::resultAndZero;
              };
          default -> null;
        };
    if (operands != null) {
      operands.run();
      if (base == FlagState.ORDER) {
        jumpUnlessSign(pair, (cc & 1) != 0, otherwise);
        return;
      }
      jumpUnless(pair == 4 ? 6 : pair, (cc & 1) != 0, FlagState.size(region.kind), otherwise);
      return;
    }
    pushKind();
    region.flagValues();
    code().loadConstant(cc);
    code()
        .invokestatic(
            RegionEmitter.STATE,
            "condition",
            MethodTypeDesc.of(CD_boolean, CD_int, CD_long, CD_long, CD_long, CD_int));
    code().ifeq(otherwise);
  }

  private void pushKind() {
    if (region.kind == FlagState.DYNAMIC) {
      code().iload(Locals.FLAG_KIND);
    } else {
      code().loadConstant(region.kind);
    }
  }

  private void resultAndZero() {
    code().lload(Locals.FLAG_R).lconst_0();
  }

  private void differenceAndZero() {
    code().lload(Locals.FLAG_A).lload(Locals.FLAG_B).lsub().lconst_0();
  }

  private void differenceOperands() {
    code().lload(Locals.FLAG_R).lload(Locals.FLAG_B).ladd().lload(Locals.FLAG_B);
  }

  /** The sign of the comparison. */
  private void comparedDoubles() {
    MethodTypeDesc type = MethodTypeDesc.of(CD_double, CD_long);
    code().lload(Locals.FLAG_A).invokestatic(DOUBLE, "longBitsToDouble", type);
    code().lload(Locals.FLAG_B).invokestatic(DOUBLE, "longBitsToDouble", type);
    code().dcmpl();
  }

  private void comparedOperands() {
    code().lload(Locals.FLAG_A).lload(Locals.FLAG_B);
  }

  /**
   * Pops two operands and goes to a label unless the first one is below (pair 1) the second one,
   * equal to it (2), below or equal (3), less (6), or less or equal (7).
   */
  private void jumpUnless(int pair, boolean negated, int size, Label otherwise) {
    boolean unsigned = pair == 1 || pair == 3;
    if (size == 8) {
      if (unsigned) {
        MethodTypeDesc type = MethodTypeDesc.of(CD_int, CD_long, CD_long);
        code().invokestatic(LONG, "compareUnsigned", type);
      } else {
        code().lcmp();
      }
    } else {
      signExtend(size);
      code().l2i().istore(Locals.INT);
      signExtend(size);
      code().l2i().iload(Locals.INT);
      if (!unsigned) {
        jumpUnlessInts(pair, negated, otherwise);
        return;
      }
      MethodTypeDesc type = MethodTypeDesc.of(CD_int, CD_int, CD_int);
      code().invokestatic(INTEGER, "compareUnsigned", type);
    }
    jumpUnlessSign(pair, negated, otherwise);
  }

  /** As {@link #jumpUnless}, with the sign of the comparison on the stack. */
  private void jumpUnlessSign(int pair, boolean negated, Label otherwise) {
    switch (pair) {
      case 1, 6 -> {
        if (negated) {
          code().iflt(otherwise);
        } else {
          code().ifge(otherwise);
        }
      }
      case 2 -> {
        if (negated) {
          code().ifeq(otherwise);
        } else {
          code().ifne(otherwise);
        }
      }
      default -> {
        if (negated) {
          code().ifle(otherwise);
        } else {
          code().ifgt(otherwise);
        }
      }
    }
  }

  private void jumpUnlessInts(int pair, boolean negated, Label otherwise) {
    switch (pair) {
      case 6 -> {
        if (negated) {
          code().if_icmplt(otherwise);
        } else {
          code().if_icmpge(otherwise);
        }
      }
      case 2 -> {
        if (negated) {
          code().if_icmpeq(otherwise);
        } else {
          code().if_icmpne(otherwise);
        }
      }
      default -> {
        if (negated) {
          code().if_icmple(otherwise);
        } else {
          code().if_icmpgt(otherwise);
        }
      }
    }
  }

  /** Pushes a long that is negative when CF is set. */
  void carry() {
    switch (FlagState.base(region.kind)) {
      case FlagState.READY -> code().lload(Locals.FLAG_A);
      case FlagState.INC, FlagState.DEC -> code().lload(Locals.FLAG_B);
      case FlagState.LOGIC -> code().lconst_0();
      default -> {
        pushKind();
        region.flagValues();
        code()
            .invokestatic(
                RegionEmitter.STATE,
                "carry",
                MethodTypeDesc.of(CD_long, CD_int, CD_long, CD_long, CD_long));
      }
    }
  }

  // ---------------------------------------------------------------- operands

  private static boolean highByte(Insn insn, int register, int size) {
    return size == 1 && !insn.rex && register >= NO_HIGH_BYTE && register < 8;
  }

  /** Pushes a register; bits above the size are what they are. */
  void loadRegister(Insn insn, int register, int size) {
    if (highByte(insn, register, size)) {
      region.load(register - 4);
      code().bipush(8).lushr();
    } else {
      region.load(register);
    }
  }

  /** Pushes a register, sign-extended from a size. */
  void loadSigned(Insn insn, int register, int size) {
    loadRegister(insn, register, size);
    signExtend(size);
  }

  /** What a 32-bit result in a register looks like; smaller ones stay as they are. */
  private void zeroExtend(int size) {
    if (size == 4) {
      code().loadConstant(0xFFFF_FFFFL).land();
    }
  }

  void signExtend(int size) {
    switch (size) {
      case 4 -> code().l2i().i2l();
      case 2 -> code().l2i().i2s().i2l();
      case 1 -> code().l2i().i2b().i2l();
      default -> {}
    }
  }

  /** Pops a value into a register as a write of that size does. */
  void storeRegister(Insn insn, int register, int size) {
    switch (size) {
      case 8 -> region.store(register);
      case 4 -> {
        code().loadConstant(0xFFFF_FFFFL).land();
        region.store(register);
      }
      default -> {
        int to = highByte(insn, register, size) ? register - 4 : register;
        long mask = size == 2 ? 0xFFFFL : 0xFFL;
        code().loadConstant(mask).land();
        if (to != register) {
          code().bipush(8).lshl();
          mask <<= 8;
        }
        region.load(to);
        code().loadConstant(~mask).land().lor();
        region.store(to);
      }
    }
  }
}
