package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.VarHandle;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Mmu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.interpreter.Op;

/**
 * Turns the blocks of a region into one method. Guest registers live in locals: loaded at the
 * start, written back on every way out.
 */
final class RegionEmitter {
  static final ClassDesc REGION = RegionOp.class.describeConstable().orElseThrow();
  static final ClassDesc CPU = Cpu.class.describeConstable().orElseThrow();
  static final ClassDesc MMU = Mmu.class.describeConstable().orElseThrow();
  static final ClassDesc OP = Op.class.describeConstable().orElseThrow();
  static final ClassDesc STATE = FlagState.class.describeConstable().orElseThrow();
  private static final ClassDesc FAULT = CpuException.class.describeConstable().orElseThrow();
  private static final ClassDesc CHANGED = CodeChanged.class.describeConstable().orElseThrow();
  private static final ClassDesc PARTS = RegionParts.class.describeConstable().orElseThrow();
  private static final ClassDesc VAR_HANDLE = VarHandle.class.describeConstable().orElseThrow();
  static final ClassDesc LONGS = CD_long.arrayType();

  private final List<Block> blocks;
  private final int entry;
  private final Map<Integer, Label> labels = new HashMap<>();
  private final Map<Integer, Integer> entryKinds;
  private final boolean[] used = new boolean[16];
  private final boolean[] written = new boolean[16];

  final List<Site> sites = new ArrayList<>();

  final List<Exit> exits = new ArrayList<>();

  /** Instructions that their interpreter's op executes. */
  final List<Block.Placed> steps = new ArrayList<>();

  /** A class file of this length has no method that is too long for HotSpot. */
  private static final int SURELY_SHORT = 8_000;

  private int codeLength;

  /** Vector instructions are emitted: only where they may be executed the region is entered. */
  private boolean legacyVectors;

  private boolean vexVectors;

  CodeBuilder code;

  /** How the flags are kept at the point reached. */
  int kind;

  private Label exitLabel;
  private Label pauseLabel;
  private Label indirectLabel;
  private Label stopLabel;
  private Block block;
  private int index;

  /**
   * Other processors watch: the compiler may not change the order of this one's memory accesses.
   */
  boolean ordered;

  private final boolean guarded;
  private final IntFunction<int[]> targets;

  /** Where calls inside the region return to. */
  private final List<Integer> returns = new ArrayList<>();

  /**
   * @param guarded the region takes code from several pages
   * @param targets where the indirect jump at a position was seen to lead, relative to its page
   */
  RegionEmitter(List<Block> blocks, int entry, boolean guarded, IntFunction<int[]> targets) {
    this.blocks = blocks;
    this.entry = entry;
    this.guarded = guarded;
    this.targets = targets;
    Set<Integer> starts = new HashSet<>();
    for (Block block : blocks) {
      starts.add(block.start());
    }
    for (Block block : blocks) {
      if (Flow.of(block.last().insn()) == Flow.CALL
          && starts.contains(block.target())
          && starts.contains(block.last().end())) {
        returns.add(block.last().end());
      }
    }
    this.entryKinds = FlagKinds.atEntry(blocks, entry, this::indirectTargets);
  }

  /** Starts of blocks that an indirect jump or return may go to directly. */
  private List<Integer> indirectTargets(Block.Placed placed) {
    if (placed.insn().form.mnemonic() == Mnemonic.RET) {
      return returns;
    }
    if (placed.insn().form.mnemonic() == Mnemonic.JMP) {
      List<Integer> known = new ArrayList<>();
      for (int each : targets.apply(placed.offset())) {
        known.add((placed.offset() & ~0xFFF) + each);
      }
      return known;
    }
    return List.of();
  }

  /** After a load, before a store; on a host of the guest's memory order it costs nothing. */
  void fence(String kind) {
    if (ordered) {
      code.invokestatic(VAR_HANDLE, kind, MethodTypeDesc.of(CD_void));
    }
  }

  byte[] emit() {
    for (Block block : blocks) {
      for (Block.Placed placed : block.code()) {
        RegisterUse.mark(placed.insn(), used, written);
        if (VectorEmitter.emits(placed.insn())) {
          legacyVectors |= !placed.insn().vex;
          vexVectors |= placed.insn().vex;
        }
      }
    }
    byte[] built = build();
    if (built.length < SURELY_SHORT) {
      return built;
    }
    for (MethodModel method : ClassFile.of().parse(built).methods()) {
      if (method.methodName().equalsString("exec")) {
        codeLength = method.findAttribute(Attributes.code()).orElseThrow().codeLength();
      }
    }
    return built;
  }

  /** Bytes of the method just built. */
  int codeLength() {
    return codeLength;
  }

  private byte[] build() {
    labels.clear();
    ClassDesc name = ClassDesc.of(RegionOp.class.getPackageName(), "Region");
    return ClassFile.of(ClassFile.DebugElementsOption.DROP_DEBUG)
        .build(
            name,
            builder -> {
              builder.withSuperclass(REGION);
              builder.withFlags(AccessFlag.FINAL);
              builder.withMethodBody(
                  ConstantDescs.INIT_NAME,
                  MethodTypeDesc.of(CD_void, PARTS),
                  0,
                  init ->
                      init.aload(0)
                          .aload(1)
                          .invokespecial(
                              REGION, ConstantDescs.INIT_NAME, MethodTypeDesc.of(CD_void, PARTS))
                          .return_());
              builder.withMethodBody(
                  "exec", MethodTypeDesc.of(OP, CPU), ClassFile.ACC_PUBLIC, this::method);
            });
  }

  private void method(CodeBuilder builder) {
    code = builder;
    exitLabel = code.newLabel();
    pauseLabel = code.newLabel();
    indirectLabel = code.newLabel();
    stopLabel = code.newLabel();
    for (Block each : blocks) {
      labels.put(each.start(), code.newLabel());
    }
    prologue();
    Label start = code.newBoundLabel();
    code.goto_(labels.get(entry));
    for (int i = 0; i < blocks.size(); i++) {
      block(blocks.get(i), i + 1 < blocks.size() ? blocks.get(i + 1) : null);
    }
    Label end = code.newBoundLabel();
    epilogues();
    handlers(start, end);
  }

  private void prologue() {
    // Called so to have HotSpot compile it: see WarmUp.
    Label called = code.newLabel();
    code.aload(Locals.CPU).ifnonnull(called);
    code.aconst_null().areturn();
    code.labelBinding(called);
    code.aload(Locals.THIS).dup().getfield(REGION, "entered", CD_int);
    code.iconst_1().iadd().putfield(REGION, "entered", CD_int);
    Label invalid = code.newLabel();
    if (guarded) {
      code.aload(Locals.THIS).aload(Locals.CPU);
      code.invokevirtual(REGION, "enter", MethodTypeDesc.of(CD_boolean, CPU)).ifeq(invalid);
    }
    if (legacyVectors) {
      code.aload(Locals.CPU).getfield(CPU, "sseReady", CD_boolean).ifeq(invalid);
    }
    if (vexVectors) {
      code.aload(Locals.CPU).getfield(CPU, "avxReady", CD_boolean).ifeq(invalid);
    }
    if (guarded || legacyVectors || vexVectors) {
      Label valid = code.newLabel();
      code.goto_(valid);
      code.labelBinding(invalid);
      code.aload(Locals.THIS).aload(Locals.CPU);
      code.invokevirtual(REGION, "bypass", MethodTypeDesc.of(OP, CPU)).areturn();
      code.labelBinding(valid);
    }
    if (legacyVectors || vexVectors) {
      code.aload(Locals.CPU).getfield(CPU, "xmm", LONGS).astore(Locals.VECTORS);
    }
    code.aload(Locals.CPU).getfield(CPU, "r", LONGS).astore(Locals.REGISTERS);
    code.aload(Locals.CPU).getfield(CPU, "mmu", MMU).astore(Locals.MMU);
    code.aload(Locals.REGISTERS).loadConstant(Cpu.CODE_BASE).laload().lstore(Locals.CODE_BASE);
    code.iconst_0().istore(Locals.WHERE);
    code.iconst_0().istore(Locals.COUNT);
    code.iconst_0().istore(Locals.FLAG_KIND);
    code.lconst_0().lstore(Locals.TARGET);
    code.lconst_0().lstore(Locals.FLAG_B);
    loadState();
  }

  /** Registers and flags from the processor. */
  private void loadState() {
    code.aload(Locals.MMU).invokevirtual(MMU, "tlb", MethodTypeDesc.of(CD_long)).lstore(Locals.TLB);
    for (int i = 0; i < 16; i++) {
      if (used[i]) {
        code.aload(Locals.REGISTERS).loadConstant(i).laload().lstore(Locals.register(i));
      }
    }
    code.aload(Locals.CPU).getfield(CPU, "flagAux", CD_long).lstore(Locals.FLAG_A);
    code.aload(Locals.CPU).getfield(CPU, "flagResult", CD_long).lstore(Locals.FLAG_R);
  }

  private void storeRegisters() {
    for (int i = 0; i < 16; i++) {
      if (written[i]) {
        code.aload(Locals.REGISTERS).loadConstant(i).lload(Locals.register(i)).lastore();
      }
    }
  }

  private void storeFlags() {
    code.aload(Locals.CPU);
    if (kind == FlagState.DYNAMIC) {
      code.iload(Locals.FLAG_KIND);
    } else {
      code.loadConstant(kind);
    }
    flagValues();
    code.invokestatic(
        STATE, "store", MethodTypeDesc.of(CD_void, CPU, CD_int, CD_long, CD_long, CD_long));
  }

  void flagValues() {
    code.lload(Locals.FLAG_A).lload(Locals.FLAG_B).lload(Locals.FLAG_R);
  }

  // ---------------------------------------------------------------- blocks

  private void block(Block each, Block following) {
    block = each;
    code.labelBinding(labels.get(each.start()));
    kind = entryKinds.getOrDefault(each.start(), FlagState.DYNAMIC);
    code.iinc(Locals.COUNT, each.code().size());
    IntegerEmitter integer = new IntegerEmitter(this);
    VectorEmitter vector = new VectorEmitter(this, integer);
    for (index = 0; index < each.code().size(); index++) {
      Block.Placed placed = each.code().get(index);
      Insn insn = placed.insn();
      switch (Flow.of(insn)) {
        case NEXT -> {
          if (!integer.emit(placed) && !vector.emit(placed)) {
            if (VectorForm.isApart(insn)) {
              stepApart(placed);
            } else {
              step(placed);
            }
          }
        }
        case CONDITIONAL -> {
          integer.branchIf(insn, placed, () -> goTo(each, placed.end() + insn.imm));
        }
        case JUMP -> goTo(each, placed.end() + insn.imm);
        case CALL -> {
          integer.push(
              placed,
              placed.end() + insn.imm,
              () -> code.lload(Locals.CODE_BASE).loadConstant((long) placed.end()).ladd());
          goTo(each, placed.end() + insn.imm);
        }
        case INDIRECT -> {
          integer.indirect(placed);
          for (int known : indirectTargets(placed)) {
            if (labels.containsKey(known)) {
              Label on = code.newLabel();
              code.lload(Locals.TARGET).lload(Locals.CODE_BASE).lsub().loadConstant((long) known);
              code.lcmp().ifne(on);
              int saved = kind;
              goTo(each, known);
              kind = saved;
              code.labelBinding(on);
            }
          }
          setKindLocal();
          code.goto_(indirectLabel);
        }
        case UNKNOWN -> {
          code.iinc(Locals.COUNT, -1);
          exit(exitLabel, new Exit(placed.offset(), Exit.FALLS, false));
        }
      }
    }
    if (each.fallthrough() != Block.NONE) {
      if (following != null && following.start() == each.fallthrough()) {
        enterKind(each.fallthrough());
      } else {
        goTo(each, each.fallthrough());
      }
    }
  }

  /** Goes to an offset: a block of the region, or out. */
  private void goTo(Block from, long target) {
    Insn last = from.last().insn();
    boolean falls = target == from.fallthrough();
    Exit exit =
        new Exit(target, falls ? Exit.FALLS : from.last().offset(), Flow.of(last) == Flow.CALL);
    Label label = target == (int) target ? labels.get((int) target) : null;
    if (label == null) {
      exit(exitLabel, exit);
      return;
    }
    if (target <= from.start()) {
      Label on = code.newLabel();
      code.aload(Locals.CPU)
          .invokestatic(REGION, "attention", MethodTypeDesc.of(CD_boolean, CPU))
          .ifeq(on);
      exit(pauseLabel, exit);
      code.labelBinding(on);
    }
    enterKind((int) target);
    code.goto_(label);
  }

  /** Makes the flags' kind what the block at the target expects. */
  private void enterKind(int target) {
    if (entryKinds.getOrDefault(target, FlagState.DYNAMIC) == FlagState.DYNAMIC) {
      setKindLocal();
    }
  }

  private void setKindLocal() {
    if (kind != FlagState.DYNAMIC) {
      code.loadConstant(kind).istore(Locals.FLAG_KIND);
    }
  }

  private void exit(Label by, Exit exit) {
    setKindLocal();
    if (!exits.contains(exit)) {
      exits.add(exit);
    }
    code.loadConstant(exits.indexOf(exit)).istore(Locals.WHERE);
    code.goto_(by);
  }

  /**
   * Lets the interpreter's op execute an instruction: its state goes to the processor and comes
   * back.
   */
  private void step(Block.Placed placed) {
    int site = newSite(placed, Site.AGAIN, false, false);
    // Negative: the op's own faults find the state written back already.
    code.loadConstant(-1 - site).istore(Locals.WHERE);
    storeRegisters();
    storeFlags();
    code.aload(Locals.THIS).aload(Locals.CPU).loadConstant(steps.size());
    code.invokevirtual(REGION, "step", MethodTypeDesc.of(CD_boolean, CPU, CD_int));
    steps.add(placed);
    Label on = code.newLabel();
    code.ifne(on);
    code.iinc(Locals.COUNT, -(sites.get(site).remaining() - 1));
    code.goto_(stopLabel);
    code.labelBinding(on);
    loadState();
    kind = FlagState.READY;
  }

  /** As {@link #step} for an instruction that only reads general registers, and no flags. */
  private void stepApart(Block.Placed placed) {
    Insn insn = placed.insn();
    if (insn.memory) {
      hand(insn.base);
      hand(insn.index);
    }
    if (VectorForm.readsGeneral(insn)) {
      hand(insn.rm);
    }
    site(placed);
    code.aload(Locals.THIS).aload(Locals.CPU).loadConstant(steps.size());
    code.invokevirtual(REGION, "step", MethodTypeDesc.of(CD_boolean, CPU, CD_int));
    steps.add(placed);
    Label on = code.newLabel();
    code.ifne(on);
    storeRegisters();
    storeFlags();
    code.iinc(Locals.COUNT, -(block.code().size() - index - 1));
    code.goto_(stopLabel);
    code.labelBinding(on);
  }

  /** Gives the processor the value of a register that the region may have changed. */
  private void hand(int register) {
    if (register < written.length && written[register]) {
      code.aload(Locals.REGISTERS).loadConstant(register);
      code.lload(Locals.register(register)).lastore();
    }
  }

  // ---------------------------------------------------------------- ways out

  private void epilogues() {
    kind = FlagState.DYNAMIC;
    MethodTypeDesc numbered = MethodTypeDesc.of(OP, CPU, CD_int, CD_int);
    way(exitLabel, () -> code.iload(Locals.WHERE), "leave", numbered);
    way(pauseLabel, () -> code.iload(Locals.WHERE), "pause", numbered);
    way(
        indirectLabel,
        () -> code.lload(Locals.TARGET),
        "leaveTo",
        MethodTypeDesc.of(OP, CPU, CD_long, CD_int));
    code.labelBinding(stopLabel);
    code.aload(Locals.THIS).iload(Locals.COUNT);
    code.invokevirtual(REGION, "stop", MethodTypeDesc.of(OP, CD_int)).areturn();
  }

  private void way(Label label, Runnable argument, String method, MethodTypeDesc type) {
    code.labelBinding(label);
    storeRegisters();
    storeFlags();
    code.aload(Locals.THIS).aload(Locals.CPU);
    argument.run();
    code.iload(Locals.COUNT).invokevirtual(REGION, method, type).areturn();
  }

  private void handlers(Label start, Label end) {
    code.exceptionCatch(start, end, code.newBoundLabel(), FAULT);
    code.astore(Locals.TEMP_1);
    Label stored = code.newLabel();
    Label own = code.newLabel();
    code.iload(Locals.WHERE).ifge(own);
    code.aload(Locals.THIS).aload(Locals.CPU);
    code.loadConstant(-1).iload(Locals.WHERE).isub().iload(Locals.COUNT);
    code.invokevirtual(REGION, "stepFault", MethodTypeDesc.of(CD_void, CPU, CD_int, CD_int));
    code.goto_(stored);
    code.labelBinding(own);
    storeAtSite();
    code.aload(Locals.THIS).aload(Locals.CPU).iload(Locals.WHERE).iload(Locals.COUNT);
    code.invokevirtual(REGION, "fault", MethodTypeDesc.of(CD_void, CPU, CD_int, CD_int));
    code.labelBinding(stored);
    code.aload(Locals.TEMP_1).athrow();

    code.exceptionCatch(start, end, code.newBoundLabel(), CHANGED);
    code.pop();
    storeAtSite();
    code.aload(Locals.THIS).aload(Locals.CPU).iload(Locals.WHERE);
    code.lload(Locals.TARGET).iload(Locals.COUNT);
    MethodTypeDesc type = MethodTypeDesc.of(OP, CPU, CD_int, CD_long, CD_int);
    code.invokevirtual(REGION, "changed", type).areturn();
  }

  private void storeAtSite() {
    storeRegisters();
    code.aload(Locals.THIS).aload(Locals.CPU).iload(Locals.WHERE).iload(Locals.FLAG_KIND);
    flagValues();
    code.invokevirtual(
        REGION,
        "storeFlags",
        MethodTypeDesc.of(CD_void, CPU, CD_int, CD_int, CD_long, CD_long, CD_long));
  }

  // ---------------------------------------------------------------- for the instructions

  /** Says where a fault comes from, before an access that may raise one. */
  void site(Block.Placed placed) {
    site(placed, Site.AGAIN);
  }

  /** As {@link #site}, before the store that is the last the instruction does. */
  void lastSite(Block.Placed placed) {
    site(placed, placed.end());
  }

  private void site(Block.Placed placed, long after) {
    boolean stack = placed.insn().memory && placed.insn().segment == Cpu.SS;
    code.loadConstant(newSite(placed, after, false, stack)).istore(Locals.WHERE);
  }

  /** As {@link #site}, for a read of the stack that is not the memory operand. */
  void popSite(Block.Placed placed) {
    code.loadConstant(newSite(placed, Site.AGAIN, false, true)).istore(Locals.WHERE);
  }

  /**
   * As {@link #site}, for a push.
   *
   * @param after where the instruction leads to
   */
  void pushSite(Block.Placed placed, long after) {
    code.loadConstant(newSite(placed, after, true, true)).istore(Locals.WHERE);
  }

  private int newSite(Block.Placed placed, long after, boolean pushes, boolean stack) {
    sites.add(new Site(placed.offset(), after, pushes, kind, block.code().size() - index, stack));
    return sites.size() - 1;
  }

  /** Pushes a register's 64 bits. */
  void load(int register) {
    assert used[register];
    code.lload(Locals.register(register));
  }

  /** Pops 64 bits into a register. */
  void store(int register) {
    assert written[register];
    code.lstore(Locals.register(register));
  }
}
