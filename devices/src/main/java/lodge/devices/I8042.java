package lodge.devices;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

public final class I8042 implements Stateful<I8042.State> {
  public I8042(InterruptLine keyboard, InterruptLine mouse, InterruptLine a20, Runnable reset) {}
  /** Port 0x60. */
  public BusDevice data() { return null; }
  /** Port 0x64. */
  public BusDevice command() { return null; }
  /** Bytes in scan code set 2; false when the keyboard's buffer has no room. */
  public boolean key(int... scanCode) { return false; }
  public record State() {}
  @Override public State state() { return new State(); }
  @Override public void restore(State state) {}
  @Override public void reset() {}
}
