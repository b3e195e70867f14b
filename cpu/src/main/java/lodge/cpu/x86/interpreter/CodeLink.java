package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;

/**
 * The way to a constant target: one in the same page is linked for good; one in another page is
 * remembered as long as no translation changes.
 */
public final class CodeLink {
  private final CodePage page;

  /** Relative to byte 0 of the code page. */
  private final long target;

  private final int operandSize;
  private final boolean near;
  private Op linked;

  private long generation;
  private boolean global;
  private long base;
  private long targetBase;
  private Op linkedAcross;

  /**
   * @param target relative to byte 0 of {@code page}
   * @param operandSize what cuts RIP outside 64-bit mode, in bytes
   */
  public CodeLink(CodePage page, long target, int operandSize) {
    this.page = page;
    this.target = target;
    this.operandSize = operandSize;
    boolean flat = page.mode == Cpu.CODE_64 || page.mode == Cpu.CODE_32_FLAT && operandSize == 4;
    this.near = flat && target >= 0 && target < 4096;
  }

  /** The op at the target. */
  public Op follow(Cpu c) {
    Op op = linked;
    return op != null ? op : followUnlinked(c);
  }

  private Op followUnlinked(Cpu c) {
    if (near) {
      Op op = page.at((int) target);
      linked = op;
      return op;
    }
    long from = c.r[Cpu.CODE_BASE];
    CodeCache cache = page.cache;
    // The privilege takes part: a page may be executed with both, its target's page need not.
    long current = global ? cache.globalGeneration : cache.generation;
    if (generation == current && base == from + c.cpl) {
      c.r[Cpu.CODE_BASE] = targetBase;
      return linkedAcross;
    }
    Op op = cache.enter(rip(c));
    if (!(op instanceof EnterOp) && page.mode <= Cpu.CODE_32_FLAT) {
      global = cache.isGlobal(from) && cache.isGlobal(c.r[Cpu.CODE_BASE]);
      generation = global ? cache.globalGeneration : cache.generation;
      base = from + c.cpl;
      targetBase = c.r[Cpu.CODE_BASE];
      linkedAcross = op;
    }
    return op;
  }

  /** RIP of the target, checked: #GP(0) beyond the segment's limit or when not canonical. */
  public long rip(Cpu c) {
    long rip = c.r[Cpu.CODE_BASE] + target;
    if (page.mode == Cpu.CODE_64) {
      if (!c.canonical(rip)) {
        throw c.generalProtection(0);
      }
      return rip;
    }
    rip &= operandSize == 2 ? 0xFFFF : 0xFFFF_FFFFL;
    if (rip > c.segLimit[Cpu.CS]) {
      throw c.generalProtection(0);
    }
    return rip;
  }

  boolean wasFollowed() {
    return linked != null || linkedAcross != null;
  }

  public void unlink() {
    linked = null;
    linkedAcross = null;
    generation = 0;
  }

  /** Replaces the op at the target. */
  public void relink(Op from, Op to) {
    if (linked == from) {
      linked = to;
    }
  }
}
