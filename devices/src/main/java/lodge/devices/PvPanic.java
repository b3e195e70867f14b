package lodge.devices;

import java.util.function.IntConsumer;
import lodge.core.BusDevice;
import lodge.core.Stateful;

/** The pvpanic port, 0x505: a guest says that its kernel panicked (QEMU's docs/specs/pvpanic). */
public final class PvPanic implements BusDevice, Stateful<PvPanic.State> {
  /** The guest's kernel has panicked. */
  public static final int PANICKED = 1;

  /** The guest's kernel has panicked and runs its crash kernel. */
  public static final int CRASH_LOADED = 1 << 1;

  private final IntConsumer onEvent;

  /** It has none. */
  public record State() {}

  /**
   * @param onEvent takes {@link #PANICKED}, {@link #CRASH_LOADED} or both, with no lock held
   */
  public PvPanic(IntConsumer onEvent) {
    this.onEvent = onEvent;
  }

  /** The events that the port knows. */
  @Override
  public long read(long offset, int size) {
    return offset == 0 ? PANICKED | CRASH_LOADED : -1;
  }

  @Override
  public void write(long offset, int size, long value) {
    int events = (int) value & (PANICKED | CRASH_LOADED);
    if (offset == 0 && events != 0) {
      onEvent.accept(events);
    }
  }

  @Override
  public State state() {
    return new State();
  }

  @Override
  public void restore(State state) {}

  @Override
  public void reset() {}
}
