package lodge.cpu.x86.translator;

import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_byte;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_short;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.Map;
import lodge.core.host.HostMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.TlbEntry;
import lodge.cpu.x86.decode.Insn;

/**
 * Bytecode for accesses to memory: a look into the TLB, and RAM. Whatever else it takes (a page
 * walk, a fault, a device, two pages, a page with code) is declined: the region is left before the
 * instruction, which the interpreter executes. So no call stands in a region's loops, and the
 * compiler can keep the guest's registers in the host's.
 */
final class MemoryEmitter {
  private static final ClassDesc ENTRY = TlbEntry.class.describeConstable().orElseThrow();
  private static final ClassDesc HOST = HostMemory.class.describeConstable().orElseThrow();
  private static final ClassDesc UNSAFE = ClassDesc.of("jdk.internal.misc.Unsafe");

  /**
   * Generated code may use the JDK's own access to memory. The first compiler counts every method
   * call that it inlines, which makes an access by {@link HostMemory} a multiple of one without.
   */
  private static final boolean DIRECT =
      HostMemory.direct()
          && Object.class
              .getModule()
              .isExported("jdk.internal.misc", MemoryEmitter.class.getModule());

  private static final ClassDesc VAR_HANDLE = VarHandle.class.describeConstable().orElseThrow();

  /** What no aligned address of whatever size compares equal to. */
  private static final long NO_PAGE = 0x800;

  private static final long PAGE_MASK = ~0xFFFL;

  /** Most kinds of addresses in loops whose pages are remembered. */
  private static final int MOST_REMEMBERED = 10;

  private final RegionEmitter region;

  /** By {@link #key} of an address, where its page is remembered: see {@link Locals#page}. */
  private final Map<Integer, Integer> remembered = new HashMap<>();

  /** The block that is being emitted is part of a loop. */
  boolean inLoop;

  /**
   * Other processors watch: the compiler may not change the order of this one's memory accesses.
   */
  private final boolean ordered;

  MemoryEmitter(RegionEmitter region, boolean ordered) {
    this.region = region;
    this.ordered = ordered;
  }

  private CodeBuilder code() {
    return region.code;
  }

  /**
   * Has the pages remembered to which the memory operands of a loop's instructions lead. Then the
   * next access of the same kind is found without a look into the TLB, which costs no more than two
   * loads, but they come one after the other, and before the access.
   */
  void remember(Insn insn) {
    if (insn.memory && remembered.size() < MOST_REMEMBERED) {
      remembered.putIfAbsent(key(insn), remembered.size());
    }
  }

  /** Has the page of the stack's top remembered. */
  void rememberStack() {
    remembered.putIfAbsent(Cpu.RSP, remembered.size());
  }

  /** Addresses of the same registers are likely to be on the same page the next time, too. */
  private static int key(Insn insn) {
    return insn.base | insn.index << 8 | insn.segment << 16;
  }

  /** Makes all remembered pages unknown: at the start, and when the TLB may have changed. */
  void forget() {
    for (int slot = 0; slot < remembered.size(); slot++) {
      for (boolean write : new boolean[] {false, true}) {
        code().loadConstant(NO_PAGE).lstore(Locals.page(slot, write));
      }
    }
  }

  /** Pushes the address of the memory operand; {@code linear}: with the base of FS or GS. */
  void effectiveAddress(Block.Placed placed, boolean linear) {
    Insn insn = placed.insn();
    long disp = insn.disp;
    boolean pushed = false;
    if (insn.base == Cpu.CODE_BASE) {
      disp += placed.end();
      code().lload(Locals.CODE_BASE);
      pushed = true;
    } else if (insn.base != Cpu.ZERO) {
      region.load(insn.base);
      pushed = true;
    }
    if (insn.index != Cpu.ZERO) {
      region.load(insn.index);
      if (insn.scale != 0) {
        code().loadConstant(insn.scale).lshl();
      }
      if (pushed) {
        code().ladd();
      }
      pushed = true;
    }
    if (disp != 0 || !pushed) {
      code().loadConstant(disp);
      if (pushed) {
        code().ladd();
      }
    }
    if (insn.addressSize == 4) {
      code().loadConstant(0xFFFF_FFFFL).land();
    }
    if (linear && (insn.segment == Cpu.FS || insn.segment == Cpu.GS)) {
      code().aload(Locals.CPU).getfield(RegionEmitter.CPU, "segBase", RegionEmitter.LONGS);
      code().loadConstant(insn.segment).laload().ladd();
    }
  }

  /** Goes on only if the memory operand can be read (or written, too) as plain RAM. */
  void find(Block.Placed placed, int size, boolean write) {
    effectiveAddress(placed, true);
    find(placed, size, write, false, remembered.get(key(placed.insn())));
  }

  /** As {@link #find}, and only if the address is a multiple of the size. */
  void findAligned(Block.Placed placed, int size, boolean write) {
    effectiveAddress(placed, true);
    find(placed, size, write, true, remembered.get(key(placed.insn())));
  }

  /** As {@link #find}, with an address in the stack on the JVM's stack. */
  void findOnStack(Block.Placed placed, int size, boolean write) {
    find(placed, size, write, false, remembered.get(Cpu.RSP));
  }

  /**
   * @param slot where the page is remembered, or null
   */
  private void find(Block.Placed placed, int size, boolean write, boolean aligned, Integer slot) {
    code().lstore(Locals.ADDRESS);
    if (slot == null || !inLoop) {
      lookUp(placed, size, write, aligned);
      return;
    }
    int page = Locals.page(slot, write);
    int addend = Locals.pageAddend(slot, write);
    Label hit = code().newLabel();
    Label done = code().newLabel();
    // Equal only for aligned operands: others are looked up, where they may be in two pages.
    code().lload(Locals.ADDRESS).loadConstant(PAGE_MASK | size - 1).land().lload(page);
    code().lcmp().ifeq(hit);
    lookUp(placed, size, write, aligned);
    code().lload(Locals.ADDRESS);
    if (write) {
      // In other words than for reading: see TlbEntry.findWritable.
      code().lload(Locals.ADDRESS).loadConstant(~PAGE_MASK).land().lsub();
    } else {
      code().loadConstant(PAGE_MASK).land();
    }
    code().lstore(page);
    code().lload(Locals.HOST).lload(Locals.ADDRESS).lsub().lstore(addend);
    code().goto_(done);
    code().labelBinding(hit);
    code().lload(Locals.ADDRESS).lload(addend).ladd().lstore(Locals.HOST);
    code().labelBinding(done);
  }

  /** Leaves the host's address in {@link Locals#HOST}; goes on only if there is one. */
  private void lookUp(Block.Placed placed, int size, boolean write, boolean aligned) {
    if (aligned) {
      code().lload(Locals.ADDRESS).l2i().bipush(size - 1).iand().ifne(region.decline(placed));
    }
    code().lload(Locals.TLB).lload(Locals.ADDRESS).loadConstant(size - 1);
    code()
        .invokestatic(
            ENTRY,
            write ? "findWritable" : "find",
            MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_int));
    code().dup2().lstore(Locals.HOST).lconst_0().lcmp().ifeq(region.decline(placed));
  }

  /** Pushes so many bytes of what was found, zero-extended; 4 bytes are sign-extended. */
  void load(int size) {
    load(size, 0);
  }

  /** As {@link #load(int)}, from so many bytes behind the start. */
  void load(int size, int offset) {
    Runnable address = () -> hostAddress(offset);
    switch (size) {
      case 8 -> getLong(address);
      case 4 -> {
        get("getInt", CD_int, address);
        code().i2l();
      }
      case 2 -> {
        get("getShort", CD_short, address);
        code().loadConstant(0xFFFF).iand().i2l();
      }
      default -> {
        get("getByte", CD_byte, address);
        code().loadConstant(0xFF).iand().i2l();
      }
    }
    fence("acquireFence");
  }

  private void hostAddress(int offset) {
    code().lload(Locals.HOST);
    if (offset != 0) {
      code().loadConstant((long) offset).ladd();
    }
  }

  private void getLong(Runnable address) {
    get("getLong", CD_long, address);
  }

  /** Pushes what is at an address of the host that is pushed here. */
  private void get(String method, ClassDesc type, Runnable address) {
    if (DIRECT) {
      code().aload(Locals.UNSAFE).aconst_null();
      address.run();
      code().invokevirtual(UNSAFE, method, MethodTypeDesc.of(type, CD_Object, CD_long));
    } else {
      address.run();
      code().invokestatic(HOST, method, MethodTypeDesc.of(type, CD_long));
    }
  }

  /** Pushes an element of an array of longs in a local; it has that many. */
  void loadElement(int array, int index) {
    if (DIRECT) {
      code().aload(Locals.UNSAFE).aload(array).loadConstant(element(index));
      MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_Object, CD_long);
      code().invokevirtual(UNSAFE, "getLong", type);
    } else {
      code().aload(array).loadConstant(index).laload();
    }
  }

  /** Stores what is pushed here to an element of an array of longs in a local. */
  void storeElement(int array, int index, Runnable value) {
    if (DIRECT) {
      code().aload(Locals.UNSAFE).aload(array).loadConstant(element(index));
      value.run();
      MethodTypeDesc type = MethodTypeDesc.of(CD_void, CD_Object, CD_long, CD_long);
      code().invokevirtual(UNSAFE, "putLong", type);
    } else {
      code().aload(array).loadConstant(index);
      value.run();
      code().lastore();
    }
  }

  private static long element(int index) {
    return HostMemory.longArrayBase() + 8L * index;
  }

  /** At the start of the region's method. */
  void prologue() {
    if (DIRECT) {
      code().invokestatic(UNSAFE, "getUnsafe", MethodTypeDesc.of(UNSAFE));
      code().astore(Locals.UNSAFE);
    }
    for (int slot = 0; slot < remembered.size(); slot++) {
      code().lconst_0().lstore(Locals.pageAddend(slot, false));
      code().lconst_0().lstore(Locals.pageAddend(slot, true));
    }
  }

  /** Stores so many bytes of a value that is pushed here to what was found for writing. */
  void store(int size, Runnable value) {
    store(size, 0, value);
  }

  /** As {@link #store(int, Runnable)}, to so many bytes behind the start. */
  void store(int size, int offset, Runnable value) {
    fence("releaseFence");
    if (DIRECT) {
      code().aload(Locals.UNSAFE).aconst_null();
    }
    hostAddress(offset);
    value.run();
    switch (size) {
      case 8 -> put("putLong", CD_long);
      case 4 -> {
        code().l2i();
        put("putInt", CD_int);
      }
      case 2 -> {
        code().l2i().i2s();
        put("putShort", CD_short);
      }
      default -> {
        code().l2i().i2b();
        put("putByte", CD_byte);
      }
    }
  }

  private void put(String method, ClassDesc type) {
    if (DIRECT) {
      code().invokevirtual(UNSAFE, method, MethodTypeDesc.of(CD_void, CD_Object, CD_long, type));
    } else {
      code().invokestatic(HOST, method, MethodTypeDesc.of(CD_void, CD_long, type));
    }
  }

  /** After a load, before a store; on a host of the guest's memory order it costs nothing. */
  private void fence(String kind) {
    if (ordered) {
      code().invokestatic(VAR_HANDLE, kind, MethodTypeDesc.of(CD_void));
    }
  }
}
