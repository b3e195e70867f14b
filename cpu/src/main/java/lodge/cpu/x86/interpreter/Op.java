package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;

/**
 * One decoded instruction, ready to execute. Ops of a straight run are linked through {@link
 * #next}.
 *
 * <p>{@link #exec} returns the op to go on with, or null when the run loop has to look around; then
 * {@link Cpu#rip} is true. It may throw {@link lodge.cpu.x86.CpuException}: then nothing of the
 * instruction may have happened yet that restarting it would do twice, and the run loop takes the
 * RIP of this op as that of the fault.
 *
 * <p>Ops hold no state of a processor. They are read-only but for their links.
 */
public abstract class Op {
  private static final int[] NO_TARGETS = {};

  /** What follows in memory; never null once linked. */
  Op next;

  /** Offset of the first byte in its code page, 0 to 4095. */
  int offset;

  /** Bytes, 1 to 15; 0 for ops that are no instruction. */
  byte length;

  public abstract Op exec(Cpu c);

  /** RIP of this instruction. Valid while this op is executed. */
  public final long rip(Cpu c) {
    return c.r[Cpu.CODE_BASE] + offset;
  }

  /** RIP of what follows in memory. Valid while this op is executed. */
  public final long nextRip(Cpu c) {
    return c.r[Cpu.CODE_BASE] + offset + length;
  }

  /** Leaves the inner loop after this instruction: RIP becomes that of what follows. */
  final Op leave(Cpu c) {
    c.rip = nextRip(c);
    return null;
  }

  /**
   * What follows a serializing instruction: code that another processor has changed before what it
   * has stored since may not be executed from here on as it was.
   */
  final Op serialized(Cpu c) {
    return c.attention ? leave(c) : next;
  }

  /** The page this op belongs to was overwritten: what comes after it has to be looked up anew. */
  public void unlink(CodePage page) {
    next = new EnterOp(page.cache, offset + length);
  }

  /** Replaces an op that this one leads to. */
  public void relink(Op from, Op to) {
    if (next == from) {
      next = to;
    }
  }

  /** RIP of the instruction that raised a fault when this op was executed. */
  public long faultRip(Cpu c) {
    return rip(c);
  }

  /** Gives an op its place in the page. */
  protected final void place(int offset, int length) {
    this.offset = offset;
    this.length = (byte) length;
  }

  /** The op that the interpreter made for this place, whatever has taken it since. */
  public Op original() {
    return this;
  }

  /** False where the interpreter has to look before each execution. */
  public boolean translatable() {
    return true;
  }

  /** A conditional jump: it was taken before. */
  public boolean wasTaken() {
    return false;
  }

  /** An indirect jump: where it was seen to lead, relative to byte 0 of its page. */
  public int[] targetsSeen() {
    return NO_TARGETS;
  }

  /** An indirect jump leads to a place, relative to byte 0 of its page. */
  public void sawTarget(long relative) {}

  /** What follows in memory is not reached from here: decoding a straight run stops. */
  boolean endsRun() {
    return false;
  }

  /** Whether a non-canonical or out-of-limit memory operand of this op is #SS rather than #GP. */
  public boolean stackSegment() {
    return false;
  }
}
