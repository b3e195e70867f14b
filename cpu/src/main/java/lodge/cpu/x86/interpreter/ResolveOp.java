package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;

/**
 * No instruction: the end of a run that was decoded only so far. Decodes on and takes itself out of
 * the way.
 */
final class ResolveOp extends Op {
  private final CodePage page;
  private final Op before;

  ResolveOp(CodePage page, Op before, int offset) {
    this.page = page;
    this.before = before;
    this.offset = offset;
  }

  @Override
  public Op exec(Cpu c) {
    page.cache.uncounted++;
    Op op = page.at(offset);
    if (before.next == this) {
      before.next = op;
    }
    return op;
  }

  @Override
  public void unlink(CodePage page) {}
}
