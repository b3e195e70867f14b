package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;

/**
 * An instruction whose bytes go on in the next page. What stands there may change without notice
 * (another mapping, another process), so its bytes are compared at each execution.
 */
final class CrossPageOp extends Op {
  private final CodePage page;
  private long seenLow;
  private long seenHigh;
  private Op op;

  CrossPageOp(CodePage page, int offset) {
    this.page = page;
    this.offset = offset;
  }

  @Override
  public Op exec(Cpu c) {
    CodePage second =
        page.cache.page(rip(c) - offset + 4096 + c.segBase[c.mode64() ? Cpu.FLAT : Cpu.CS]);
    long low = page.cache.fetchLong(second.gpa);
    long high = page.cache.fetchLong(second.gpa + 8);
    if (op == null || low != seenLow || high != seenHigh) {
      op = page.cache.decodeAcross(page, offset, low, high);
      seenLow = low;
      seenHigh = high;
      length = op.length;
    }
    return op.exec(c);
  }

  @Override
  public boolean stackSegment() {
    return op != null && op.stackSegment();
  }

  @Override
  public void unlink(CodePage page) {
    if (op != null) {
      op.unlink(page);
    }
  }
}
