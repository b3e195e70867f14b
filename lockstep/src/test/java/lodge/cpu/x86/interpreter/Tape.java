package lodge.cpu.x86.interpreter;

import java.util.function.LongSupplier;

/**
 * All that passes between a processor and what is around it, in its order. While recording it comes
 * from there and is written down; while replaying it comes from what was written down.
 */
interface Tape {
  /**
   * Something the processor is told.
   *
   * @param what it asks for, see {@link #what}
   */
  long in(long what, LongSupplier source);

  /** Something the processor says. */
  void out(long what, long value, Runnable effect);

  /** Names a kind of access, its width and its place in one number. */
  static long what(char kind, int size, long place) {
    return (long) kind << 56 | (long) size << 48 | place & 0xFFFF_FFFF_FFFFL;
  }

  static String text(long what) {
    return "%c%d at %x"
        .formatted((char) (what >>> 56), what >>> 48 & 0xFF, what & 0xFFFF_FFFF_FFFFL);
  }
}
