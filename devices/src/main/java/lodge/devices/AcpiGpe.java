package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * The general-purpose event block GPE0 (ACPI 6.5, 4.8.4.1): 16 events, each with a bit of the
 * status and one of the enable register. The guest finds the port in the FADT, and what to do about
 * an event in a method of the DSDT.
 */
public final class AcpiGpe implements BusDevice, Stateful<AcpiGpe.State> {
  /** Ports of the block: 2 of status, 2 of enable. */
  public static final int LENGTH = 4;

  private static final int ENABLE = 2;

  private final InterruptLine sci;
  private int status;
  private int enable;

  /** Both registers. */
  public record State(int status, int enable) {}

  /**
   * @param sci the system control interrupt, level-triggered
   */
  public AcpiGpe(InterruptLine sci) {
    this.sci = sci;
  }

  /**
   * An event has happened.
   *
   * @param event 0 to 15
   */
  public synchronized void raise(int event) {
    status |= 1 << event & 0xFFFF;
    updateInterrupt();
  }

  private void updateInterrupt() {
    sci.set((status & enable) != 0);
  }

  @Override
  public synchronized long read(long offset, int size) {
    return offset < 0 || offset >= LENGTH ? -1 : (status | enable << 16) >>> 8 * offset;
  }

  /** Bytes go to registers one by one. */
  @Override
  public synchronized void write(long offset, int size, long value) {
    for (int i = 0; i < size; i++) {
      writeByte(offset + i, (int) (value >>> 8 * i) & 0xFF);
    }
    updateInterrupt();
  }

  private void writeByte(long offset, int b) {
    int shift = 8 * ((int) offset & 1);
    if (offset >= 0 && offset < ENABLE) {
      // A one clears its event.
      status &= ~(b << shift);
    } else if (offset >= ENABLE && offset < LENGTH) {
      enable = enable & ~(0xFF << shift) | b << shift;
    }
  }

  @Override
  public synchronized State state() {
    return new State(status, enable);
  }

  @Override
  public synchronized void restore(State state) {
    if (((state.status | state.enable) & ~0xFFFF) != 0) {
      throw new IllegalArgumentException("not the state of an event block: " + state);
    }
    status = state.status;
    enable = state.enable;
    updateInterrupt();
  }

  @Override
  public void reset() {
    restore(new State(0, 0));
  }
}
