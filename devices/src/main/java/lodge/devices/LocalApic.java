package lodge.devices;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

public final class LocalApic implements Stateful<LocalApic.State> {
  /** Attaches itself to the bus. */
  public LocalApic(int id, boolean bsp, int physicalAddressBits, long timerHz, Clock clock, LongSupplier tsc,
      ApicBus bus, IntSupplier extInt, Runnable onInterrupt) {}
  public InterruptLine lint0() { return null; }
  public InterruptLine lint1() { return null; }
  public boolean pending() { return false; }
  public int acknowledge() { return -1; }
  public boolean takeNmi() { return false; }
  public boolean takeInit() { return false; }
  /** Vector of a start-up message (the CPU starts at vector * 4096), or -1. */
  public int takeStartup() { return -1; }
  /** Whether the CPU waits for a start-up message. */
  public boolean waitsForStartup() { return false; }
  /** The guest's TSC jumped: the deadline is counted anew. */
  public void tscAdjusted() {}
  public int cr8() { return 0; }
  public void setCr8(int value) {}
  public boolean hasMsr(int msr) { return false; }
  public boolean canReadMsr(int msr) { return false; }
  public long readMsr(int msr) { return 0; }
  public boolean writeMsr(int msr, long value) { return false; }
  public long mmioBase() { return -1; }
  public long read(int offset, int size) { return -1; }
  public void write(int offset, int size, long value) {}
  public record State() {}
  @Override public State state() { return new State(); }
  @Override public void restore(State state) {}
  @Override public void reset() {}
}
