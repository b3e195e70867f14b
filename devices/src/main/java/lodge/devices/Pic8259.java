package lodge.devices;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

public final class Pic8259 implements Stateful<Pic8259.State> {
  public Pic8259(InterruptLine output) {}
  /** Ports 0x20-0x21. */
  public BusDevice master() { return null; }
  /** Ports 0xA0-0xA1. */
  public BusDevice slave() { return null; }
  /** Ports 0x4D0-0x4D1. */
  public BusDevice edgeLevelControl() { return null; }
  public InterruptLine line(int irq) { return null; }
  public int acknowledge() { return 0; }
  public record State() {}
  @Override public State state() { return new State(); }
  @Override public void restore(State state) {}
  @Override public void reset() {}
}
