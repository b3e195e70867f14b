package lodge.cpu.x86.translator;

import java.util.Arrays;
import java.util.function.Consumer;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.FlagState;
import lodge.cpu.x86.interpreter.CodeCache;
import lodge.cpu.x86.interpreter.CodeLink;
import lodge.cpu.x86.interpreter.CodePage;
import lodge.cpu.x86.interpreter.Op;

/**
 * A translated region, standing in the interpreter's code as the op at its entry. Each region is a
 * hidden class with its own {@link #exec}; what is here is called from there, mostly on its slow
 * paths.
 */
abstract class RegionOp extends Op {
  /** What the interpreter's ops inside a region go on to. */
  static final Op CONTINUE =
      new Op() {
        @Override
        public Op exec(Cpu c) {
          throw new AssertionError("stands for what follows in the region");
        }
      };

  /**
   * A region that was left as often is made again, larger. Once it has grown only indirect jumps
   * count: more of their targets may have been seen since.
   */
  private static final int GROWTH = 1 << 17;

  /** Each time it takes twice as long. */
  private static final int MOST_GROWTHS = 3;

  /** When HotSpot had more urgent things to do then, it is tried again after as many. */
  private static final int GROWTH_AGAIN = GROWTH >> 2;

  /** So is one that was bypassed as often; then it requires less of those who enter it. */
  private static final int MOST_BYPASSES = 1 << 14;

  private static final int KIND_MASK = 3;
  private static final int FLAG_KIND_SHIFT = 2;
  private static final int FLAG_KIND_MASK = 0x7FF;
  private static final int NUMBER_SHIFT = 13;
  private static final int DIRECT = Way.Kind.DIRECT.ordinal();
  private static final int POLLED = Way.Kind.POLLED.ordinal();
  private static final int INDIRECT = Way.Kind.INDIRECT.ordinal();

  private final CodePage page;
  private final int entry;
  private final Op original;
  private final CodePage[] pages;
  private final int[] deltas;
  private final Site[] sites;
  private final Exit[] exits;
  private final CodeCache cache;

  /** Each {@link Way} in an int: how often they are looked at makes up for how they look. */
  private final int[] ways;

  private final CodeLink[] links;
  private final Op[] ops;

  /** How often the region was entered, for {@link WarmUp}; wraps around. */
  int entered;

  /** The page was overwritten; what runs now is the last of this region. */
  boolean dead;

  /** Is told what becomes of the region. */
  Consumer<RegionEvent> observer = _ -> {};

  /** Where the last fault was. */
  private long faultRip;

  /**
   * The op of the last instruction that the interpreter's op executed, and the one that faulted.
   */
  private Op stepping;

  private Op stepped;

  /** The last execution was left to the original op. */
  private boolean bypassed;

  /** When and where {@link #enter} found all pages in their places. */
  private long guardGeneration;

  private long guardBase;

  /** All pages are global: they survive a change of the address space. */
  private boolean guardGlobal;

  private final int[] exitHeat;

  /** Ways out until it grows. */
  private int untilGrowth;

  private final int growth;

  private final boolean requires;

  private int bypasses;

  /** Indirect exits taken. */
  private int leaves;

  protected RegionOp(RegionParts parts) {
    this.page = parts.page();
    this.entry = parts.entry();
    this.original = parts.original();
    this.pages = parts.pages();
    this.deltas = parts.deltas();
    this.sites = parts.sites();
    this.exits = parts.exits();
    this.cache = page.cache;
    this.ways = Arrays.stream(parts.ways()).mapToInt(RegionOp::pack).toArray();
    this.links = parts.links();
    this.ops = parts.ops();
    this.exitHeat = new int[exits.length];
    this.growth = parts.growth();
    this.requires = parts.requires();
    this.untilGrowth = GROWTH << growth;
    place(parts.entry(), 0);
  }

  /** Puts the interpreter's op back in its place, for as long as HotSpot has no code for this. */
  void withdraw() {
    if (!dead && page.peek(entry) == this) {
      page.cache.exchange(page, entry, original);
      observer.accept(RegionEvent.WITHDRAWN);
    }
  }

  @Override
  public void unlink(CodePage page) {
    if (!dead) {
      retire();
      this.page.cache.invalidated++;
      observer.accept(RegionEvent.INVALIDATED);
      if (page != this.page && this.page.peek(entry) == this) {
        this.page.replace(entry, original);
      }
    }
    if (page == this.page) {
      original.unlink(page);
    }
    for (CodeLink link : links) {
      link.unlink();
    }
  }

  @Override
  public Op original() {
    return original;
  }

  @Override
  public void relink(Op from, Op to) {
    if (from != original) {
      original.relink(from, to);
    }
    for (CodeLink link : links) {
      link.relink(from, to);
    }
  }

  @Override
  public long faultRip(Cpu c) {
    return bypassed ? original.faultRip(c) : faultRip;
  }

  @Override
  public boolean stackSegment() {
    if (bypassed) {
      return original.stackSegment();
    }
    return stepped != null && stepped.stackSegment();
  }

  // ---------------------------------------------------------------- called by generated code

  /** Whether all pages of the region are mapped where it takes them to be. */
  protected final boolean enter(Cpu c) {
    long generation = guardGlobal ? cache.globalGeneration : cache.generation;
    if (guardGeneration == generation && guardBase == c.r[Cpu.CODE_BASE] + c.cpl) {
      return !dead;
    }
    return guard(c);
  }

  private boolean guard(Cpu c) {
    long base = c.r[Cpu.CODE_BASE];
    for (int i = 0; i < pages.length; i++) {
      if (cache.pageOrNull(base + deltas[i]) != pages[i]) {
        return false;
      }
    }
    guardGlobal = true;
    for (int delta : deltas) {
      guardGlobal &= cache.isGlobal(base + delta);
    }
    // Looking a page up may void links, this one's too.
    guardGeneration = guardGlobal ? cache.globalGeneration : cache.generation;
    guardBase = base + c.cpl;
    return !dead;
  }

  /** Leaves one instruction to the interpreter: the region is not valid here. */
  protected final Op bypass(Cpu c) {
    if ((++bypasses & MOST_BYPASSES - 1) == 0 && requires && !dead) {
      cache.grow(page, entry, growth, false);
    }
    bypassed = true;
    cache.entriesBypassed++;
    FlagState.settle(c);
    Op following = original.exec(c);
    bypassed = false;
    return following == original ? this : following;
  }

  /** Of so many instructions the run loop has counted one. */
  private void retired(int count) {
    cache.uncounted -= count - 1;
    cache.translated += count;
  }

  /** Is not to be entered any more, and no page needs to know it. */
  void retire() {
    dead = true;
    for (CodePage each : pages) {
      each.removeRegion(this);
    }
  }

  /**
   * Leaves by one of the ways, with the registers written back.
   *
   * @param kind of the flags where it is not constant
   * @param target of an indirect way
   */
  protected final Op leave(
      Cpu c, int number, int kind, long a, long b, long r, long target, int count) {
    int way = ways[number];
    int flagKind = way >> FLAG_KIND_SHIFT & FLAG_KIND_MASK;
    FlagState.hand(c, flagKind == FlagState.DYNAMIC ? kind : flagKind, a, b, r);
    int at = way >>> NUMBER_SHIFT;
    int by = way & KIND_MASK;
    Op following;
    if (by == DIRECT) {
      following = leave(c, at, count);
    } else if (by == INDIRECT) {
      following = leaveTo(c, target, at, count);
    } else {
      following = by == POLLED ? pause(c, at, count) : decline(c, at, count);
    }
    if (!(following instanceof RegionOp)) {
      FlagState.settle(c);
    }
    return following;
  }

  private static int pack(Way way) {
    return way.kind().ordinal() | way.flagKind() << FLAG_KIND_SHIFT | way.number() << NUMBER_SHIFT;
  }

  /** The op behind a direct exit. */
  private Op leave(Cpu c, int exit, int count) {
    retired(count);
    try {
      if ((++exitHeat[exit] & CodeCache.HOT - 1) == 0) {
        cache.hot(links[exit].rip(c));
      }
      if (growth == 0 && --untilGrowth == 0) {
        grow();
      }
      Op following = links[exit].follow(c);
      cache.exitsDirect++;
      return following;
    } catch (CpuException fault) {
      throw beyond(c, exits[exit], fault);
    }
  }

  private void grow() {
    untilGrowth = GROWTH_AGAIN;
    if (!dead && growth < MOST_GROWTHS) {
      cache.grow(page, entry, growth + 1, requires);
    }
  }

  /** Leaves to the run loop, to go on at an exit's target. */
  private Op pause(Cpu c, int exit, int count) {
    retired(count);
    try {
      c.rip = links[exit].rip(c);
      cache.exitsPolled++;
    } catch (CpuException fault) {
      throw beyond(c, exits[exit], fault);
    }
    return null;
  }

  /** The target of an exit is not canonical: a jump there has not happened. */
  private CpuException beyond(Cpu c, Exit exit, CpuException fault) {
    cache.exitsFault++;
    FlagState.settle(c);
    boolean jump = exit.jump() != Exit.FALLS;
    // The run loop does not count an op that faults.
    if (jump) {
      cache.translated--;
    } else {
      cache.uncounted--;
    }
    if (exit.call()) {
      c.r[Cpu.RSP] += 8;
    }
    faultRip = c.r[Cpu.CODE_BASE] + (jump ? exit.jump() : exit.target());
    stepped = null;
    return fault;
  }

  /** The op at an address that was computed. */
  private Op leaveTo(Cpu c, long rip, int site, int count) {
    retired(count);
    cache.exitsIndirect++;
    leaves++;
    if (--untilGrowth == 0) {
      grow();
    }
    if ((leaves & 63) == (leaves >>> 6 & 63)) {
      noteTarget(c, sites[site].offset(), rip);
    }
    if ((leaves & CodeCache.HOT - 1) == 0) {
      cache.hot(rip);
    }
    return cache.enter(rip);
  }

  /** Tells the interpreter's op, which is asked when the region grows. */
  private void noteTarget(Cpu c, int jump, long rip) {
    long base = c.r[Cpu.CODE_BASE] + (jump & ~0xFFF);
    CodePage from = cache.peekPage(base);
    Op op = from == null ? null : from.peek(jump & 0xFFF);
    if (op != null) {
      op.original().sawTarget(rip - base);
    }
  }

  /** Leaves to the run loop after an op that set RIP itself. */
  protected final Op stop(int count) {
    retired(count);
    cache.exitsStopped++;
    return null;
  }

  /** A fault in an op executed for a site: the run loop delivers. */
  protected final void stepFault(Cpu c, int site, int count) {
    retired(count - sites[site].remaining() + 1);
    cache.exitsFault++;
    faultRip = c.r[Cpu.CODE_BASE] + sites[site].offset();
    bypassed = false;
    stepped = stepping;
  }

  /** Leaves before an instruction, which the interpreter executes. */
  private Op decline(Cpu c, int site, int count) {
    retired(count - sites[site].remaining());
    cache.exitsDeclined++;
    return cache.enter(c.r[Cpu.CODE_BASE] + sites[site].offset()).original();
  }

  protected final void storeFlags(Cpu c, int site, int dynamicKind, long a, long b, long r) {
    int kind = sites[site].flagKind();
    FlagState.store(c, kind == FlagState.DYNAMIC ? dynamicKind : kind, a, b, r);
  }

  /**
   * Executes one instruction by its interpreter's op. @return false when the region has to be left
   * for the run loop
   */
  protected final boolean step(Cpu c, int number) {
    Op op = ops[number];
    stepping = op;
    while (true) {
      Op following = op.exec(c);
      if (following == CONTINUE) {
        if (dead) {
          c.rip = op.nextRip(c);
          return false;
        }
        return true;
      }
      if (following != op) {
        return false;
      }
      if (c.attention) {
        c.rip = op.rip(c);
        return false;
      }
      // The region counts the instruction once, and goes on with it.
      c.unfinished--;
    }
  }
}
