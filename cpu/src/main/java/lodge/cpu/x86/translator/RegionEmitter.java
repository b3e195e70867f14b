package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.FlagState;
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
  private static final ClassDesc MATH = SseMath.class.describeConstable().orElseThrow();
  static final ClassDesc STATE = FlagState.class.describeConstable().orElseThrow();
  private static final ClassDesc FAULT = CpuException.class.describeConstable().orElseThrow();
  private static final ClassDesc PARTS = RegionParts.class.describeConstable().orElseThrow();
  private static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
  static final ClassDesc LONGS = CD_long.arrayType();

  final List<Block> blocks;
  final int entry;
  private final Map<Integer, Label> labels = new HashMap<>();
  private final Map<Integer, Integer> entryKinds;

  /** The flags have to be {@link FlagState#READY} at the entry. */
  private final boolean settles;

  private final boolean[] used = new boolean[16];

  final List<Site> sites = new ArrayList<>();

  final List<Exit> exits = new ArrayList<>();

  final List<Way> ways = new ArrayList<>();

  /** Instructions that their interpreter's op executes. */
  final List<Block.Placed> steps = new ArrayList<>();

  /** A class file of this length has no method that is too long for HotSpot. */
  private static final int SURELY_SHORT = 8_000;

  private int codeLength;

  /** Vector instructions are emitted: only where they may be executed the region is entered. */
  private boolean legacyVectors;

  private boolean vexVectors;

  /** So is floating point: only under a usual MXCSR it is. */
  private boolean floats;

  private boolean rounds;

  /** Lanes 0 and 1 of vector registers are kept in locals: see {@link VectorEmitter}. */
  boolean lanesInLocals = true;

  private int lanesUsed;

  CodeBuilder code;

  /** How the flags are kept at the point reached. */
  int kind;

  /** See {@link DirtyRegisters}: by block, and at the point reached. */
  private final Map<Integer, Integer> dirtyAtStart;

  private int dirty;

  /** In any of the places where {@link #stepApart} may find a fault. */
  private int dirtyApart;

  /** By what is dirty, where that is written back; from there on to the common way out. */
  private final Map<Integer, Label> writeBacks = new LinkedHashMap<>();

  /** Leaves by the {@link Way} whose number is in {@link Locals#WHERE}. */
  private Label outLabel;

  private Label stopLabel;

  /**
   * @param label leads there
   */
  private record Decline(Label label, int site, int dirty) {}

  private final List<Decline> declines = new ArrayList<>();

  /** Of the instruction being emitted, null when it has none yet. */
  private Label instructionDeclines;

  private Block block;
  private int index;
  private MemoryEmitter memory;

  private final OrdinaryLanes ordinary;

  /** Lanes that are kept as doubles: those that arithmetic reads. */
  private int doubles;

  /** Starts of blocks in whose loops pages are worth remembering. */
  private final Set<Integer> loops;

  /** See {@link MemoryEmitter}. */
  private final boolean ordered;

  private final boolean requires;

  private final boolean guarded;
  private final IntFunction<int[]> targets;

  /** Where calls inside the region return to. */
  private final List<Integer> returns = new ArrayList<>();

  /**
   * @param ordered several processors access the memory
   * @param requires the region is entered only with ordinary numbers (see {@link OrdinaryLanes})
   *     and with PE set
   * @param guarded the region takes code from several pages
   * @param targets where the indirect jump at a position was seen to lead, relative to its page
   */
  RegionEmitter(
      List<Block> blocks,
      int entry,
      boolean ordered,
      boolean requires,
      boolean guarded,
      IntFunction<int[]> targets) {
    this.ordered = ordered;
    this.requires = requires;
    this.entry = entry;
    this.guarded = guarded;
    this.targets = targets;
    Set<Integer> starts = new HashSet<>();
    for (Block block : blocks) {
      starts.add(block.start());
    }
    for (Block block : blocks) {
      Block.Placed last = block.last();
      boolean entersCallee =
          switch (Flow.of(last.insn())) {
            case CALL -> starts.contains(block.target());
            case INDIRECT ->
                last.insn().form.mnemonic() == Mnemonic.CALL
                    && indirectTargets(last).stream().anyMatch(starts::contains);
            default -> false;
          };
      if (entersCallee && starts.contains(last.end())) {
        returns.add(last.end());
      }
    }
    this.dirtyAtStart = DirtyRegisters.atStart(blocks, entry, this::indirectTargets);
    // Where no way leads: behind a call whose callee is in the region and does not return from
    // there.
    this.blocks = blocks.stream().filter(block -> dirtyAtStart.containsKey(block.start())).toList();
    this.ordinary = new OrdinaryLanes(this.blocks, entry, requires, this::indirectTargets);
    this.loops = Loops.of(this.blocks, this::indirectTargets);
    this.settles = FlagKinds.areRead(this.blocks, entry, this::indirectTargets);
    int atEntry = settles ? FlagState.READY : FlagState.DYNAMIC;
    this.entryKinds = FlagKinds.atStart(this.blocks, entry, atEntry, this::indirectTargets);
  }

  /** Starts of blocks that an indirect jump or return may go to directly. */
  List<Integer> indirectTargets(Block.Placed placed) {
    if (placed.insn().form.mnemonic() == Mnemonic.RET) {
      return returns;
    }
    List<Integer> known = new ArrayList<>();
    for (int each : targets.apply(placed.offset())) {
      known.add((placed.offset() & ~0xFFF) + each);
    }
    return known;
  }

  byte[] emit() {
    for (Block block : blocks) {
      for (Block.Placed placed : block.code()) {
        Insn insn = placed.insn();
        RegisterUse.mark(insn, used);
        VectorForm form = VectorForm.of(insn);
        if (form != null) {
          legacyVectors |= !insn.vex;
          vexVectors |= insn.vex;
          floats |= form.isFloat();
          rounds |= form.rounds();
          doubles |= OrdinaryLanes.operands(insn);
          lanesUsed |= VectorForm.registers(insn);
        } else if (ApartForm.isApart(insn) && !insn.form.feature().equals("X87")) {
          lanesInLocals = false;
        }
      }
    }
    byte[] built = build();
    if (built.length >= SURELY_SHORT) {
      codeLength = codeLength(built);
    }
    return built;
  }

  /** Bytes of the method in a class file made here. */
  static int codeLength(byte[] classFile) {
    for (MethodModel method : ClassFile.of().parse(classFile).methods()) {
      if (method.methodName().equalsString("exec")) {
        return method.findAttribute(Attributes.code()).orElseThrow().codeLength();
      }
    }
    throw new AssertionError("the method is missing");
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
    memory = new MemoryEmitter(this, ordered);
    for (Block each : blocks) {
      if (loops.contains(each.start())) {
        each.code().forEach(placed -> memory.remember(placed.insn()));
        memory.rememberStack();
      }
    }
    outLabel = code.newLabel();
    stopLabel = code.newLabel();
    declines.clear();
    writeBacks.clear();
    dirtyApart = 0;
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
    declines.forEach(this::decline);
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
    if (floats) {
      String enters = rounds && requires ? "entersRounding" : "enters";
      code.aload(Locals.CPU).invokestatic(MATH, enters, MethodTypeDesc.of(CD_boolean, CPU));
      code.ifeq(invalid);
      if (ordinary.required() != 0) {
        code.aload(Locals.CPU).loadConstant(ordinary.required());
        MethodTypeDesc lanes = MethodTypeDesc.of(CD_boolean, CPU, CD_int);
        code.invokestatic(MATH, "ordinary", lanes).ifeq(invalid);
      }
      if (rounds && !requires) {
        code.aload(Locals.CPU).invokestatic(MATH, "exact", MethodTypeDesc.of(CD_int, CPU));
        code.istore(Locals.EXACT);
      }
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
    memory.prologue();
    code.aload(Locals.CPU).getfield(CPU, "r", LONGS).astore(Locals.REGISTERS);
    code.aload(Locals.CPU).getfield(CPU, "mmu", MMU).astore(Locals.MMU);
    code.aload(Locals.REGISTERS).loadConstant(Cpu.CODE_BASE).laload().lstore(Locals.CODE_BASE);
    code.iconst_0().istore(Locals.WHERE);
    code.iconst_0().istore(Locals.COUNT);
    code.lconst_0().lstore(Locals.TARGET);
    if (settles) {
      code.aload(Locals.CPU);
      code.invokestatic(STATE, "settle", MethodTypeDesc.of(CD_void, CPU));
      code.iconst_0().istore(Locals.FLAG_KIND);
      code.lconst_0().lstore(Locals.FLAG_B);
    } else {
      code.aload(Locals.CPU).getfield(CPU, "flagKind", CD_int).istore(Locals.FLAG_KIND);
      code.aload(Locals.CPU).getfield(CPU, "flagB", CD_long).lstore(Locals.FLAG_B);
    }
    loadState();
  }

  /** Registers and flags from the processor. */
  private void loadState() {
    code.aload(Locals.MMU).invokevirtual(MMU, "tlb", MethodTypeDesc.of(CD_long)).lstore(Locals.TLB);
    for (int i = 0; i < 16; i++) {
      if (used[i]) {
        memory.loadElement(Locals.REGISTERS, i);
        code.lstore(Locals.register(i));
      }
    }
    memory.forget();
    eachLane(
        register -> (lanesUsed >> register & 1) != 0,
        (register, lane) -> {
          memory.loadElement(Locals.VECTORS, 4 * register + lane);
          storeLane(register, lane);
        });
    loadFlags();
  }

  /** The processor's flags; their kind is then {@link FlagState#READY}. */
  void loadFlags() {
    code.aload(Locals.CPU).getfield(CPU, "flagAux", CD_long).lstore(Locals.FLAG_A);
    code.aload(Locals.CPU).getfield(CPU, "flagResult", CD_long).lstore(Locals.FLAG_R);
  }

  /** Pushes a lane that is kept in a local. */
  void loadLane(int register, int lane) {
    if ((doubles >> 2 * register + lane & 1) != 0) {
      code.dload(Locals.lane(register, lane));
      code.invokestatic(DOUBLE, "doubleToRawLongBits", MethodTypeDesc.of(CD_long, CD_double));
    } else {
      code.lload(Locals.lane(register, lane));
    }
  }

  /** Pops a lane that is kept in a local. */
  void storeLane(int register, int lane) {
    if ((doubles >> 2 * register + lane & 1) != 0) {
      code.invokestatic(DOUBLE, "longBitsToDouble", MethodTypeDesc.of(CD_double, CD_long));
      code.dstore(Locals.lane(register, lane));
    } else {
      code.lstore(Locals.lane(register, lane));
    }
  }

  /** Of the lanes that are kept in locals, with their register. */
  private void eachLane(IntPredicate registers, BiConsumer<Integer, Integer> action) {
    for (int i = 0; i < 16 && lanesInLocals; i++) {
      for (int lane = 0; lane < 2 && registers.test(i); lane++) {
        action.accept(i, lane);
      }
    }
  }

  private void storeRegisters(int which) {
    for (int i = 0; i < 16; i++) {
      if (DirtyRegisters.general(which, i)) {
        int local = Locals.register(i);
        memory.storeElement(Locals.REGISTERS, i, () -> code.lload(local));
      }
    }
    eachLane(
        register -> DirtyRegisters.vector(which, register),
        (register, lane) -> {
          memory.storeElement(Locals.VECTORS, 4 * register + lane, () -> loadLane(register, lane));
        });
  }

  void storeFlags() {
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
    dirty = dirtyAtStart.get(each.start());
    code.iinc(Locals.COUNT, each.code().size());
    memory.inLoop = loops.contains(each.start());
    IntegerEmitter integer = new IntegerEmitter(this, memory);
    VectorEmitter vector = new VectorEmitter(this, integer, memory, ordinary.atStart(each.start()));
    for (index = 0; index < each.code().size(); index++) {
      instructionDeclines = null;
      Block.Placed placed = each.code().get(index);
      Insn insn = placed.insn();
      switch (Flow.of(insn)) {
        case NEXT -> {
          integer.flagsDead = FlagLiveness.dead(each.code(), index);
          if (!integer.emit(placed) && !vector.emit(placed)) {
            if (ApartForm.isApart(insn)) {
              stepApart(placed);
            } else {
              step(placed);
            }
            vector.forget();
          }
          dirty |= DirtyRegisters.written(insn);
        }
        case CONDITIONAL -> {
          integer.branchIf(insn, placed, () -> goTo(each, placed.end() + insn.imm));
        }
        case JUMP -> goTo(each, placed.end() + insn.imm);
        case CALL -> {
          integer.push(
              placed, () -> code.lload(Locals.CODE_BASE).loadConstant((long) placed.end()).ladd());
          dirty |= DirtyRegisters.written(insn);
          goTo(each, placed.end() + insn.imm);
        }
        case INDIRECT -> {
          integer.indirect(placed);
          dirty |= DirtyRegisters.written(insn);
          goToTarget(each, placed);
        }
        case UNKNOWN -> {
          code.iinc(Locals.COUNT, -1);
          exit(Way.Kind.DIRECT, new Exit(placed.offset(), Exit.FALLS, false));
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

  /** Goes to {@link Locals#TARGET}: to one of the blocks where it was seen to lead, or out. */
  private void goToTarget(Block from, Block.Placed placed) {
    List<Integer> known =
        indirectTargets(placed).stream().filter(labels::containsKey).distinct().sorted().toList();
    Label out = code.newLabel();
    if (!known.isEmpty()) {
      code.lload(Locals.TARGET).lload(Locals.CODE_BASE).lsub().lstore(Locals.TEMP_1);
    }
    if (known.size() > 2) {
      code.lload(Locals.TEMP_1).lload(Locals.TEMP_1).l2i().i2l().lcmp().ifne(out);
      List<SwitchCase> cases = known.stream().map(k -> SwitchCase.of(k, code.newLabel())).toList();
      code.lload(Locals.TEMP_1).l2i().lookupswitch(out, cases);
      for (SwitchCase each : cases) {
        code.labelBinding(each.target());
        goToKeeping(from, each.caseValue());
      }
    } else {
      for (int each : known) {
        Label on = code.newLabel();
        code.lload(Locals.TEMP_1).loadConstant((long) each).lcmp().ifne(on);
        goToKeeping(from, each);
        code.labelBinding(on);
      }
    }
    code.labelBinding(out);
    leave(Way.Kind.INDIRECT, newSite(placed));
  }

  private void goToKeeping(Block from, int target) {
    int saved = kind;
    goTo(from, target);
    kind = saved;
  }

  /** Goes to an offset: a block of the region, or out. */
  private void goTo(Block from, long target) {
    Insn last = from.last().insn();
    boolean falls = target == from.fallthrough();
    Exit exit =
        new Exit(target, falls ? Exit.FALLS : from.last().offset(), Flow.of(last) == Flow.CALL);
    Label label = target == (int) target ? labels.get((int) target) : null;
    if (label == null) {
      exit(Way.Kind.DIRECT, exit);
      return;
    }
    if (target <= from.start()) {
      Label on = code.newLabel();
      code.aload(Locals.CPU).getfield(CPU, "attention", CD_boolean).ifeq(on);
      exit(Way.Kind.POLLED, exit);
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

  private void exit(Way.Kind by, Exit exit) {
    if (!exits.contains(exit)) {
      exits.add(exit);
    }
    leave(by, exits.indexOf(exit));
  }

  /**
   * Lets the interpreter's op execute an instruction: its state goes to the processor and comes
   * back.
   */
  private void step(Block.Placed placed) {
    int site = newSite(placed);
    // Negative: the op's own faults find the state written back already.
    code.loadConstant(-1 - site).istore(Locals.WHERE);
    storeRegisters(dirty);
    dirty = 0;
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
    if (ApartForm.readsGeneral(insn)) {
      hand(insn.rm);
    }
    code.loadConstant(newSite(placed)).istore(Locals.WHERE);
    code.aload(Locals.THIS).aload(Locals.CPU).loadConstant(steps.size());
    code.invokevirtual(REGION, "step", MethodTypeDesc.of(CD_boolean, CPU, CD_int));
    steps.add(placed);
    dirtyApart |= dirty;
    Label on = code.newLabel();
    code.ifne(on);
    storeRegisters(dirty);
    storeFlags();
    code.iinc(Locals.COUNT, -(block.code().size() - index - 1));
    code.goto_(stopLabel);
    code.labelBinding(on);
  }

  /** Gives the processor the value of a register that the region may have changed. */
  private void hand(int register) {
    if (register < used.length && DirtyRegisters.general(dirty, register)) {
      code.aload(Locals.REGISTERS).loadConstant(register);
      code.lload(Locals.register(register)).lastore();
    }
  }

  // ---------------------------------------------------------------- ways out

  private void epilogues() {
    writeBacks.forEach(
        (which, label) -> {
          code.labelBinding(label);
          storeRegisters(which);
          code.goto_(outLabel);
        });
    code.labelBinding(outLabel);
    code.aload(Locals.THIS).aload(Locals.CPU).iload(Locals.WHERE).iload(Locals.FLAG_KIND);
    flagValues();
    code.lload(Locals.TARGET).iload(Locals.COUNT);
    code.invokevirtual(
        REGION,
        "leave",
        MethodTypeDesc.of(OP, CPU, CD_int, CD_int, CD_long, CD_long, CD_long, CD_long, CD_int));
    code.areturn();
    code.labelBinding(stopLabel);
    code.aload(Locals.THIS).iload(Locals.COUNT);
    code.invokevirtual(REGION, "stop", MethodTypeDesc.of(OP, CD_int)).areturn();
  }

  private void decline(Decline decline) {
    code.labelBinding(decline.label);
    kind = sites.get(decline.site).flagKind();
    dirty = decline.dirty;
    leave(Way.Kind.DECLINED, decline.site);
  }

  private void leave(Way.Kind by, int number) {
    Way way = new Way(by, kind, number);
    if (!ways.contains(way)) {
      ways.add(way);
    }
    Label label = dirty == 0 ? outLabel : writeBacks.computeIfAbsent(dirty, _ -> code.newLabel());
    code.loadConstant(ways.indexOf(way)).istore(Locals.WHERE).goto_(label);
  }

  /** What an op executed for a site throws: those {@link #stepApart} find the state in locals. */
  private void handlers(Label start, Label end) {
    if (steps.isEmpty()) {
      return;
    }
    code.exceptionCatch(start, end, code.newBoundLabel(), FAULT);
    code.astore(Locals.TEMP_1);
    Label stored = code.newLabel();
    code.iload(Locals.WHERE).iflt(stored);
    storeRegisters(dirtyApart);
    code.aload(Locals.THIS).aload(Locals.CPU).iload(Locals.WHERE).iload(Locals.FLAG_KIND);
    flagValues();
    code.invokevirtual(
        REGION,
        "storeFlags",
        MethodTypeDesc.of(CD_void, CPU, CD_int, CD_int, CD_long, CD_long, CD_long));
    code.loadConstant(-1).iload(Locals.WHERE).isub().istore(Locals.WHERE);
    code.labelBinding(stored);
    code.aload(Locals.THIS).aload(Locals.CPU);
    code.loadConstant(-1).iload(Locals.WHERE).isub().iload(Locals.COUNT);
    code.invokevirtual(REGION, "stepFault", MethodTypeDesc.of(CD_void, CPU, CD_int, CD_int));
    code.aload(Locals.TEMP_1).athrow();
  }

  // ---------------------------------------------------------------- for the instructions

  /** Where the instruction that is being emitted is left to the interpreter, undone so far. */
  Label decline(Block.Placed placed) {
    if (instructionDeclines == null) {
      instructionDeclines = code.newLabel();
      declines.add(new Decline(instructionDeclines, newSite(placed), dirty));
    }
    return instructionDeclines;
  }

  private int newSite(Block.Placed placed) {
    sites.add(new Site(placed.offset(), kind, block.code().size() - index));
    return sites.size() - 1;
  }

  /** PE is set where the region is entered, and nothing in it clears it. */
  boolean mayRound() {
    return requires;
  }

  /** Pushes a register's 64 bits. */
  void load(int register) {
    assert used[register];
    code.lload(Locals.register(register));
  }

  /** Pops 64 bits into a register. */
  void store(int register) {
    assert (RegisterUse.written(block.code().get(index).insn()) >> register & 1) != 0;
    code.lstore(Locals.register(register));
  }
}
