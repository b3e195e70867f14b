package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.Stateful;

/**
 * The reset control register (82371SB data sheet, "RC"), I/O port 0xCF9. It lies among the ports of
 * the PCI configuration mechanism, so {@link PciHost} hands it the byte accesses that are meant for
 * it.
 */
public final class ResetControl implements BusDevice, Stateful<ResetControl.State> {
  private static final int RESET_CPU = 1 << 2;
  private static final int WRITABLE = 0xE;

  private final Runnable reset;
  private int value;

  /** Bits 3:1 of the register. */
  public record State(int value) {}

  /**
   * @param reset called with no lock held when bit 2 rises, hard reset or soft
   */
  public ResetControl(Runnable reset) {
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
      resets = (written & ~value & RESET_CPU) != 0;
      value = (int) written & WRITABLE;
    }
    if (resets) {
      reset.run();
    }
  }

  @Override
  public synchronized State state() {
    return new State(value);
  }

  @Override
  public synchronized void restore(State state) {
    if ((state.value & ~WRITABLE) != 0) {
      throw new IllegalArgumentException("not the state of a reset control register: " + state);
    }
    value = state.value;
  }

  @Override
  public synchronized void reset() {
    value = 0;
  }
}
