package lodge.devices;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

public final class PvPanic implements BusDevice, Stateful<PvPanic.State> {
  public static final int PANICKED = 1;
  public static final int CRASH_LOADED = 2;
  public PvPanic(IntConsumer onEvent) {}
  @Override public long read(long offset, int size) { return -1; }
  @Override public void write(long offset, int size, long value) {}
  public record State() {}
  @Override public State state() { return new State(); }
  @Override public void restore(State state) {}
  @Override public void reset() {}
}
