package lodge.machine;

import lodge.core.InterruptLine;

/**
 * Where the two ways to open address line 20 come together: the keyboard controller's output port
 * and port 0x92. Either is enough.
 */
final class A20Gate {
  private final InterruptLine processor;
  private boolean keyboard;
  private boolean fast;

  /**
   * @param processor told whether the gate is open, with this object locked
   */
  A20Gate(InterruptLine processor) {
    this.processor = processor;
  }

  /** Driven by the keyboard controller. */
  synchronized void keyboard(boolean open) {
    keyboard = open;
    processor.set(keyboard || fast);
  }

  /** Driven by port 0x92. */
  synchronized void fast(boolean open) {
    fast = open;
    processor.set(keyboard || fast);
  }
}
