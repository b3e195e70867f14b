package lodge.cpu.x86.interpreter;

import java.util.Arrays;

/** What was recorded from one point of comparison to the next one. */
final class Stretch {
  /** {@link #vector}: no interrupt is delivered. */
  static final int NONE = -1;

  /** Where it ends: instructions executed and exceptions delivered since power-on. */
  long instructions;

  long exceptions;

  /** What has to be the state there. */
  final ProcessorState state = new ProcessorState();

  /** The interrupt that is delivered there, or {@link #NONE}. */
  int vector;

  /** Memory is compared there, too. */
  boolean memory;

  private long[] what = new long[16];
  private long[] values = new long[16];
  private int taped;
  private int replayed;

  void clear() {
    taped = 0;
    replayed = 0;
    memory = false;
  }

  void tape(long what, long value) {
    if (taped == values.length) {
      this.what = Arrays.copyOf(this.what, 2 * taped);
      values = Arrays.copyOf(values, 2 * taped);
    }
    this.what[taped] = what;
    values[taped++] = value;
  }

  /** The next value that was taped. */
  long next(long what) {
    if (replayed == taped) {
      throw new AssertionError("nothing was recorded for " + Tape.text(what));
    }
    if (this.what[replayed] != what) {
      throw new AssertionError(
          "recorded is " + Tape.text(this.what[replayed]) + ", not " + Tape.text(what));
    }
    return values[replayed++];
  }

  /** What was taped and not asked for; null when nothing is left. */
  String left() {
    return replayed == taped ? null : Tape.text(what[replayed]);
  }
}
