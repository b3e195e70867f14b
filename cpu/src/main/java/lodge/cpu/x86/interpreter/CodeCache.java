package lodge.cpu.x86.interpreter;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lodge.core.CodeWatch;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Mmu;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/**
 * Decoded code, by guest-physical page and mode, so that it outlives context switches; a {@link
 * CodeLookup} leads there from virtual addresses.
 *
 * <p>A page that holds decoded code carries {@link GuestMemory#CODE}; the MMU reports stores into
 * it.
 */
public final class CodeCache implements Mmu.CodeListener, CodeWatch.Cache {
  /** Longest straight run that is decoded at once. */
  private static final int RUN = 64;

  /** What a translated region weighs with its class. */
  private static final int REGION_WEIGHT = 40;

  private static final int PAGE_SIZE = 4096;

  /** Code is found hot again after as many branches there. */
  public static final int HOT = 2048;

  private final Cpu cpu;
  private final CodeLimits limits;
  private final GuestMemory memory;
  private final CodeWatch.Member watch;
  private final Decoder decoder = new Decoder();
  private final byte[] bytes = new byte[4096 + 16];
  private final PageTable pages = new PageTable();

  /** Pages in which a code segment ends; by GPA, number of bytes and mode. */
  private final Map<Long, CodePage> segmentEnds = new HashMap<>();

  private final CodeLookup lookup;

  /** Changes whenever a link between ops of different pages may have become void. */
  public long generation = 1;

  /** The same for links from one global page to another. */
  public long globalGeneration = 1;

  /** Executed ops that are no instructions. */
  public long uncounted;

  /** Instructions executed in regions. */
  public long translated;

  /** How often a region could not be entered where it stands. */
  public long entriesBypassed;

  /** How often regions were left: to a constant address. */
  public long exitsDirect;

  /** To a computed address that is not known inside. */
  public long exitsIndirect;

  /** Because something else asks for the processor. */
  public long exitsPolled;

  /** Before an instruction that needs the interpreter this time. */
  public long exitsDeclined;

  /** After an instruction that the interpreter's op executed, and that changed the way. */
  public long exitsStopped;

  /** By a fault. */
  public long exitsFault;

  /** Regions whose code was overwritten or thrown away. */
  public long invalidated;

  /** Instructions met that are announced but not implemented, with the number of places. */
  final Map<Mnemonic, Integer> unimplemented = new EnumMap<>(Mnemonic.class);

  /** How often everything was thrown away because there was too much. */
  long discards;

  private int weight;

  /** Places in pages at which there is, or was, a debugger's breakpoint. */
  private final boolean[] stops = new boolean[PAGE_SIZE];

  private long versions;

  CodeCache(Cpu cpu, HotSpots hotSpots, CodeLimits limits) {
    this.hotSpots = hotSpots;
    this.limits = limits;
    this.lookup = new CodeLookup(cpu, limits.lookups());
    this.cpu = cpu;
    this.memory = cpu.memory;
    this.watch = cpu.mmu.codeWatch();
    cpu.mmu.setCodeListener(this);
  }

  /**
   * The op at {@code rip} in the current mode, with {@link Cpu#CODE_BASE} set for it. When the
   * fetch faults, an op that raises that fault with {@code rip} as its own address.
   */
  public Op enter(long rip) {
    long linear = rip;
    if (cpu.codeKey != Cpu.CODE_64) {
      rip &= 0xFFFF_FFFFL;
      linear = cpu.segBase[Cpu.CS] + rip & 0xFFFF_FFFFL;
      if (inside(rip, linear) < PAGE_SIZE) {
        cpu.r[Cpu.CODE_BASE] = rip & ~0xFFFL;
        return new EnterOp(this, (int) rip & 0xFFF);
      }
    }
    CodePage page = lookup.peek(linear);
    if (page == null) {
      cpu.r[Cpu.CODE_BASE] = rip & ~0xFFFL;
      return new EnterOp(this, (int) rip & 0xFFF);
    }
    int offset = (int) linear & 0xFFF;
    cpu.r[Cpu.CODE_BASE] = rip - offset;
    return page.at(offset);
  }

  /** As {@link #enter}, but faults at once. */
  Op enterOrFault(long rip) {
    long linear = rip;
    if (cpu.codeKey != Cpu.CODE_64) {
      rip &= 0xFFFF_FFFFL;
      if (rip > cpu.segLimit[Cpu.CS]) {
        throw cpu.generalProtection(0);
      }
      linear = cpu.segBase[Cpu.CS] + rip & 0xFFFF_FFFFL;
    }
    int inside = cpu.codeKey == Cpu.CODE_64 ? PAGE_SIZE : inside(rip, linear);
    CodePage page = inside == PAGE_SIZE ? page(linear) : segmentEnd(linear, inside);
    int offset = (int) linear & 0xFFF;
    cpu.r[Cpu.CODE_BASE] = rip - offset;
    return page.at(offset);
  }

  /** How many bytes of the page at an address are inside the code segment, 4096 at most. */
  private int inside(long rip, long linear) {
    return (int) Math.min(PAGE_SIZE, cpu.segLimit[Cpu.CS] - rip + (linear & 0xFFF) + 1);
  }

  private CodePage segmentEnd(long linear, int inside) {
    long gpa = cpu.mmu.translateFetch(linear) & ~0xFFFL;
    return segmentEnds.computeIfAbsent(
        gpa | inside | (long) cpu.codeKey << 60,
        key -> new CodePage(this, gpa, cpu.codeKey, inside));
  }

  /** The code page at a 64-bit address if it was found there lately, null otherwise. */
  public CodePage peekPage(long rip) {
    return lookup.peek(rip);
  }

  /** Where the processor's code gets hot; null: nobody is interested. */
  private final HotSpots hotSpots;

  /** A branch was taken often: tells whoever translates. */
  void hot(Branch branch, Cpu c) {
    if (hotSpots != null) {
      hot(branch.link().rip(c));
    }
  }

  /** The code at an address in the current mode is often entered: tells whoever translates. */
  public void hot(long rip) {
    if (hotSpots != null && cpu.codeKey == Cpu.CODE_64) {
      CodePage page = peekPage(rip);
      if (page != null && page.peek((int) rip & 0xFFF) != null) {
        hotSpots.hot(page, (int) rip & 0xFFF, rip & ~0xFFFL);
      }
    }
  }

  /** The region at an address could be a better one: tells whoever translates. */
  public void grow(CodePage page, int offset, int growth, boolean requires) {
    hotSpots.grow(page, offset, cpu.r[Cpu.CODE_BASE], growth, requires);
  }

  /** Puts a region in the place of the op at its entry; it is unlinked with any of the pages. */
  public void install(CodePage page, int offset, Op region, List<CodePage> parts) {
    weigh(REGION_WEIGHT);
    for (CodePage part : parts) {
      part.addRegion(region);
    }
    exchange(page, offset, region);
  }

  /** Puts an op that is made from the same code in the place of another one. */
  public void exchange(CodePage page, int offset, Op op) {
    page.replace(offset, op);
    voidLinks();
  }

  /** The op for an instruction, to be executed apart from its neighbours. */
  public static Op single(Insn insn, CodePage page, int offset, Op following) {
    Op op = Linker.link(insn, page, offset);
    op.place(offset, insn.length);
    op.next = following;
    return op;
  }

  /** The code page at a 64-bit address, or null where a fetch would fault; nothing is raised. */
  public CodePage pageOrNull(long rip) {
    CodePage page = peekPage(rip);
    if (page == null) {
      long cr2 = cpu.cr2;
      try {
        page = page(rip);
      } catch (CpuException e) {
        cpu.cr2 = cr2;
      }
    }
    return page;
  }

  /** The code page at a linear address; faults as a fetch from there does. */
  CodePage page(long linear) {
    CodePage known = lookup.peek(linear);
    if (known != null) {
      return known;
    }
    CodePage page = lookup.recall(linear);
    boolean global = page != null;
    if (page == null) {
      long gpa = cpu.mmu.translateFetch(linear) & ~0xFFFL;
      global = cpu.mmu.lastWasGlobal();
      page = pages.get(gpa, cpu.codeKey);
      if (page == null) {
        page = new CodePage(this, gpa, cpu.codeKey, PAGE_SIZE);
        if (memory.isReadable(gpa)) {
          pages.put(page);
        }
      }
    }
    switch (lookup.put(linear, page, global)) {
      case GLOBAL_LINKS -> voidLinks();
      case LINKS -> generation++;
      case NOTHING -> {}
    }
    return page;
  }

  /** Whether the code at a linear address, looked up before, is in a global page. */
  public boolean isGlobal(long linear) {
    return lookup.isGlobal(linear);
  }

  private void voidLinks() {
    generation++;
    globalGeneration++;
  }

  /** Guest bytes as a fetch sees them: all ones where there is no memory. */
  long fetchLong(long gpa) {
    return memory.isReadable(gpa) ? memory.getLong(gpa) : -1;
  }

  /** Decodes and links from an offset on, until the page or the straight run ends. */
  Op decodeRun(CodePage page, int start) {
    boolean readable = memory.isReadable(page.gpa);
    if (readable) {
      int most = Math.min(RUN * Decoder.MAX_LENGTH, PAGE_SIZE - start);
      watch.cover(page.gpa, CodeWatch.grains(start, most), this);
    }
    Op first = decodeStraight(page, start);
    if (readable && !watch.single()) {
      watch.narrow(page.gpa, decoded(page.gpa));
    }
    if (hotSpots != null && hotSpots.eager() && page.mode == Cpu.CODE_64) {
      hotSpots.hot(page, start, cpu.r[Cpu.CODE_BASE]);
      hotSpots.install();
      return page.peek(start);
    }
    return first;
  }

  private Op decodeStraight(CodePage page, int start) {
    int size = page.end - start;
    if (memory.isReadable(page.gpa)) {
      memory.get(page.gpa + start, bytes, start, size);
    } else {
      Arrays.fill(bytes, start, page.end, (byte) 0xFF);
    }
    Op first = null;
    Op previous = null;
    int offset = start;
    for (int count = 0; count < RUN; count++) {
      Op op = offset < page.end ? page.peek(offset) : new EnterOp(this, offset);
      boolean known = op != null;
      Op entry = op;
      if (!known) {
        Insn insn = decoder.decode(bytes, offset, page.end - offset, codeSize(page.mode));
        op = insn == null ? incomplete(page, offset) : Linker.link(insn, page, offset);
        op.offset = offset;
        op.length = (byte) (insn == null ? 0 : insn.length);
        entry = stops[offset] ? new StopOp(this, op) : op;
        page.put(offset, insn == null ? page.end - offset : insn.length, entry);
      }
      if (previous == null) {
        first = entry;
      } else {
        previous.next = entry;
      }
      if (known || op.length == 0 || op.endsRun()) {
        return first;
      }
      previous = op;
      offset += op.length;
    }
    boolean more = offset < page.end;
    previous.next = more ? new ResolveOp(page, previous, offset) : new EnterOp(this, offset);
    return first;
  }

  /** An instruction that goes on behind the page or behind the segment. */
  private static Op incomplete(CodePage page, int offset) {
    return page.end == PAGE_SIZE ? new CrossPageOp(page, offset) : new FlagOps.BeyondLimit();
  }

  /**
   * Decodes the one instruction whose first bytes are at the end of a page and the others given.
   */
  Op decodeAcross(CodePage page, int offset, long low, long high) {
    int here = 4096 - offset;
    for (int i = 0; i < here; i++) {
      bytes[offset + i] = memory.isReadable(page.gpa) ? memory.getByte(page.gpa + offset + i) : -1;
    }
    for (int i = 0; i < 8; i++) {
      bytes[4096 + i] = (byte) (low >>> 8 * i);
      bytes[4104 + i] = (byte) (high >>> 8 * i);
    }
    Insn insn = decoder.decode(bytes, offset, 15, codeSize(page.mode));
    Op op = Linker.link(insn, page, offset);
    op.offset = offset;
    op.length = (byte) insn.length;
    op.next = new EnterOp(this, offset + insn.length);
    return op;
  }

  /** Whether the processor announces what the instruction belongs to. */
  public boolean announces(Insn insn) {
    return cpu.model.has(insn.form.feature());
  }

  /** #UD, remembered by name: the processor announces something that no family implements. */
  Op unimplemented(Insn insn) {
    unimplemented.merge(insn.form.mnemonic(), 1, Integer::sum);
    return new FlagOps.Undefined();
  }

  /** A number that no state of any page's code has had before. */
  long newVersion() {
    return ++versions;
  }

  /** Something more is kept. */
  void weigh(int more) {
    weight += more;
  }

  private static int codeSize(int mode) {
    return switch (mode) {
      case Cpu.CODE_64 -> 8;
      case Cpu.CODE_16 -> 2;
      default -> 4;
    };
  }

  /**
   * To be called between runs only: instructions that begin at an address, in whatever page it
   * leads to, look for a debugger's breakpoint from now on. They go on doing so when there is none
   * any more: most breakpoints come again.
   */
  void stopAt(long address) {
    int offset = (int) address & 0xFFF;
    if (!stops[offset]) {
      stops[offset] = true;
      Stream.concat(pages.values().stream(), segmentEnds.values().stream())
          .filter(page -> page.peek(offset) != null)
          .toList()
          .forEach(this::forget);
    }
  }

  /** To be called between runs only: throws everything away when there is too much. */
  void trim() {
    if (weight > limits.weight() || segmentEnds.size() > limits.segmentEnds()) {
      discards++;
      clear();
    }
  }

  /** To be called between runs only: throws everything away. */
  void clear() {
    pages.values().forEach(this::letGo);
    pages.clear();
    segmentEnds.values().forEach(this::letGo);
    segmentEnds.clear();
    weight = 0;
    translationsFlushed(true);
  }

  /** Whoever still knows the page or its regions learns that they are void. */
  private void letGo(CodePage page) {
    page.clear();
    if (memory.isReadable(page.gpa)) {
      watch.release(page.gpa);
    }
  }

  /** The processor begins to execute. */
  void enter() {
    watch.enter(this);
  }

  /** The processor stops executing. */
  void leave() {
    watch.leave();
  }

  /** Acts upon what other processors have done to code. */
  void serve() {
    watch.serve(this);
  }

  @Override
  public void codeWritten(long gpa, int length) {
    long base = gpa & -PAGE_SIZE;
    long grains = CodeWatch.grains((int) (gpa - base), length);
    forget(base, grains);
    watch.written(base, grains, decoded(base));
  }

  @Override
  public void codeChanged(long gpaPage) {
    forget(gpaPage, -1);
    watch.release(gpaPage);
  }

  @Override
  public void protectFromWrites(long gpaPage) {
    cpu.mmu.protectFromWrites(gpaPage);
  }

  /** Throws away what is decoded of a page, in each mode in which it is so of one of the grains. */
  private void forget(long base, long grains) {
    for (int mode = Cpu.CODE_64; mode <= Cpu.CODE_16; mode++) {
      CodePage page = pages.get(base, mode);
      if (page != null && (page.decoded() & grains) != 0) {
        forget(page);
      }
    }
    for (CodePage page : segmentEnds.values()) {
      if (page.gpa == base && (page.decoded() & grains) != 0) {
        forget(page);
      }
    }
  }

  private void forget(CodePage page) {
    page.clear();
    voidLinks();
    cpu.codeInvalidations++;
  }

  /** The grains of a page that are decoded in any mode. */
  private long decoded(long base) {
    long grains = 0;
    for (int mode = Cpu.CODE_64; mode <= Cpu.CODE_16; mode++) {
      CodePage page = pages.get(base, mode);
      grains |= page == null ? 0 : page.decoded();
    }
    for (CodePage page : segmentEnds.values()) {
      grains |= page.gpa == base ? page.decoded() : 0;
    }
    return grains;
  }

  @Override
  public void translationsFlushed(boolean globals) {
    if (globals) {
      lookup.clear();
      voidLinks();
    } else {
      lookup.clearLocal();
      generation++;
    }
  }

  @Override
  public void translationFlushed(long gva) {
    if (lookup.remove(gva)) {
      voidLinks();
    }
  }

  /** How often a page took the place of another one in the look-up table. */
  long lookupsReplaced() {
    return lookup.replaced;
  }
}
