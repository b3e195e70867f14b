package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/** Port 0x92 (82371SB data sheet, "PORT 92"): fast A20 gate and fast reset. */
public final class SystemControlA implements BusDevice, Stateful<SystemControlA.State> {
  private static final int FAST_RESET = 1;
  private static final int A20 = 1 << 1;

  private final InterruptLine a20;
  private final Runnable reset;
  private int value;

  /** Bits 0 and 1 of the register. */
  public record State(int value) {}

  /**
   * @param a20 this port's part of the A20 line, off after reset
   * @param reset called with no lock held when bit 0 rises
   */
  public SystemControlA(InterruptLine a20, Runnable reset) {
    this.a20 = a20;
    this.reset = reset;
  }

  @Override
  public synchronized long read(long offset, int size) {
    return offset == 0 ? value : -1;
  }

  @Override
  public void write(long offset, int size, long written) {
    if (offset != 0) {
      return;
    }
    boolean resets;
    synchronized (this) {
      resets = (written & ~value & FAST_RESET) != 0;
      set((int) written & (A20 | FAST_RESET));
    }
    if (resets) {
      reset.run();
    }
  }

  private void set(int newValue) {
    value = newValue;
    a20.set((newValue & A20) != 0);
  }

  @Override
  public synchronized State state() {
    return new State(value);
  }

  @Override
  public synchronized void restore(State state) {
    if ((state.value & ~(A20 | FAST_RESET)) != 0) {
      throw new IllegalArgumentException("not the state of port 92: " + state);
    }
    set(state.value);
  }

  @Override
  public synchronized void reset() {
    set(0);
  }
}
