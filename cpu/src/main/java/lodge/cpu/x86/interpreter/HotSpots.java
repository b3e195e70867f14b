package lodge.cpu.x86.interpreter;

import lodge.core.Counters;

/** Who takes hot code over from the interpreter. All methods are called on the vCPU's thread. */
public interface HotSpots {
  /** The instruction at an offset of a page is the target of a branch that is taken often. */
  void hot(CodePage page, int offset);

  /** Between two batches of instructions: time to put finished code in its place. */
  void install();

  void count(Counters counters);

  void close();
}
