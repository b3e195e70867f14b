package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;

/**
 * A relative branch. A target in the same page is linked for good; one in another page is
 * remembered as long as no translation changes.
 */
abstract class Branch extends Op {
  private final CodePage page;

  /** Relative to byte 0 of the code page. */
  private final long target;

  private final boolean nearTarget;
  private final byte operandSize;
  private Op linked;

  private int linkGeneration;
  private boolean linkGlobal;
  private long linkBase;
  private long linkTargetBase;
  private Op linkedAcross;

  Branch(Insn insn, CodePage page, int offset) {
    this.page = page;
    this.target = offset + insn.length + insn.imm;
    this.operandSize = (byte) insn.operandSize;
    boolean flat = page.mode == Cpu.CODE_64 || page.mode == Cpu.CODE_32_FLAT && operandSize == 4;
    this.nearTarget = flat && target >= 0 && target < 4096;
  }

  /** The op at the target. */
  final Op take(Cpu c) {
    Op op = linked;
    return op != null ? op : takeUnlinked(c);
  }

  private Op takeUnlinked(Cpu c) {
    if (nearTarget) {
      Op op = page.at((int) target);
      linked = op;
      return op;
    }
    long base = c.r[Cpu.CODE_BASE];
    CodeCache cache = page.cache;
    // The privilege takes part: a page may be executed with both, its target's page need not.
    int generation = linkGlobal ? cache.globalGeneration : cache.generation;
    if (linkGeneration == generation && linkBase == base + c.cpl) {
      c.r[Cpu.CODE_BASE] = linkTargetBase;
      return linkedAcross;
    }
    return takeAcross(c, cache, base);
  }

  private Op takeAcross(Cpu c, CodeCache cache, long base) {
    Op op = cache.enter(targetRip(c));
    if (!(op instanceof EnterOp) && page.mode <= Cpu.CODE_32_FLAT) {
      linkGlobal = cache.isGlobal(base) && cache.isGlobal(c.r[Cpu.CODE_BASE]);
      linkGeneration = linkGlobal ? cache.globalGeneration : cache.generation;
      linkBase = base + c.cpl;
      linkTargetBase = c.r[Cpu.CODE_BASE];
      linkedAcross = op;
    }
    return op;
  }

  /** RIP of the target, checked: #GP(0) beyond the segment's limit or when not canonical. */
  final long targetRip(Cpu c) {
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

  @Override
  void unlink(CodePage page) {
    super.unlink(page);
    linked = null;
    linkedAcross = null;
    linkGeneration = 0;
  }
}
