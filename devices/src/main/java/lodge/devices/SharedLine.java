package lodge.devices;

import lodge.core.InterruptLine;

/**
 * A wire that several devices pull (wired-OR): asserted while any of them asserts it. What each one
 * pulls is part of that device's state, so there is none here.
 */
public final class SharedLine {
  private final InterruptLine output;
  private long asserted;
  private int inputs;

  /**
   * @param output called with this line locked, only when the level changes
   */
  public SharedLine(InterruptLine output) {
    this.output = output;
  }

  /** One more device's end of the wire, 64 at most; while the board is built. */
  public synchronized InterruptLine input() {
    if (inputs == Long.SIZE) {
      throw new IllegalStateException("too many devices share an interrupt line");
    }
    long bit = 1L << inputs++;
    return level -> pull(bit, level);
  }

  private synchronized void pull(long bit, boolean level) {
    boolean before = asserted != 0;
    asserted = level ? asserted | bit : asserted & ~bit;
    if (before != (asserted != 0)) {
      output.set(level);
    }
  }
}
