package lodge.cpu.x86.interpreter;

import lodge.core.Counters;

/** Who takes hot code over from the interpreter. All methods are called on the vCPU's thread. */
public interface HotSpots {
  /**
   * The instruction at an offset of a page is entered often.
   *
   * @param base RIP of byte 0 of the page
   */
  void hot(CodePage page, int offset, long base);

  /**
   * A region is often left, or seldom entered: with what is known now a better one can be made.
   *
   * @param offset the region's entry
   * @param base RIP of byte 0 of its page
   * @param growth how often it will have grown then
   * @param requires what it needs may be required where it is entered
   */
  void grow(CodePage page, int offset, long base, int growth, boolean requires);

  /**
   * Takes over all code as soon as it is decoded, on the spot: for tests of what is otherwise
   * seldom reached.
   */
  boolean eager();

  /** Between two batches of instructions: time to put finished code in its place. */
  void install();

  void count(Counters counters);

  void close();
}
