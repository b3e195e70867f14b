package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;

/**
 * No instruction: stands before the one at a place in a page where a debugger has, or had, a
 * breakpoint in some page. A page may be mapped at several addresses; which one it is now is seen
 * only here.
 */
final class StopOp extends Op {
  private final CodeCache cache;
  private final Op op;

  StopOp(CodeCache cache, Op op) {
    this.cache = cache;
    this.op = op;
    place(op.offset, op.length);
  }

  @Override
  public Op exec(Cpu c) {
    c.rip = rip(c);
    if (c.debug.breaks()) {
      cache.uncounted++;
      return null;
    }
    return op.exec(c);
  }

  @Override
  public Op original() {
    return op;
  }

  @Override
  public boolean translatable() {
    return false;
  }

  @Override
  public void unlink(CodePage page) {
    op.unlink(page);
  }

  @Override
  public void relink(Op from, Op to) {
    op.relink(from, to);
  }

  @Override
  public long faultRip(Cpu c) {
    return op.faultRip(c);
  }

  @Override
  public boolean stackSegment() {
    return op.stackSegment();
  }
}
