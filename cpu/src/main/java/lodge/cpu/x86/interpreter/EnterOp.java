package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;

/**
 * No instruction: goes on at its own address by looking up the code there. Stands where a run
 * leaves its page, where a fetch has to be tried again, and behind ops whose page was overwritten.
 */
final class EnterOp extends Op {
  private final CodeCache cache;
  private int heat;

  EnterOp(CodeCache cache, int offset) {
    this.cache = cache;
    this.offset = offset;
  }

  @Override
  public Op exec(Cpu c) {
    Op op = cache.enterOrFault(rip(c));
    cache.uncounted++;
    if ((++heat & CodeCache.HOT - 1) == 0) {
      cache.hot(op.rip(c));
    }
    return op;
  }

  @Override
  public void unlink(CodePage page) {}
}
