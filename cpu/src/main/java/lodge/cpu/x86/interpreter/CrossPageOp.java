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
    long next = rip(c) - offset + 4096;
    if (!c.mode64()) {
      checkLimit(c, next);
      next = c.segBase[Cpu.CS] + next & 0xFFFF_FFFFL;
    }
    CodePage second = page.cache.page(next);
    long low = page.cache.fetchLong(second.gpa);
    long high = page.cache.fetchLong(second.gpa + 8);
    if (op == null || low != seenLow || high != seenHigh) {
      op = page.cache.decodeAcross(page, offset, low, high);
      seenLow = low;
      seenHigh = high;
      length = op.length;
    }
    if (!c.mode64()) {
      checkLimit(c, rip(c) + length - 1);
    }
    return op.exec(c);
  }

  /** #GP(0) when the byte at {@code rip} is behind the segment; at 4 GiB it goes on at 0. */
  private static void checkLimit(Cpu c, long rip) {
    if ((rip & 0xFFFF_FFFFL) > c.segLimit[Cpu.CS]) {
      throw c.generalProtection(0);
    }
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
