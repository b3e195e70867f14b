package lodge.devices;

import java.util.function.IntConsumer;
import lodge.core.BusDevice;
import lodge.core.Stateful;

/**
 * Ports, 0xF4 by custom, through which a guest program ends the machine with a status: a write to
 * any of them does. They read as 0.
 */
public final class DebugExit implements BusDevice, Stateful<DebugExit.State> {
  private final int length;
  private final IntConsumer onWrite;

  /** It has none. */
  public record State() {}

  /**
   * @param length how many ports
   * @param onWrite takes what was written, on the vCPU's thread with no lock held
   */
  public DebugExit(int length, IntConsumer onWrite) {
    this.length = length;
    this.onWrite = onWrite;
  }

  @Override
  public long read(long offset, int size) {
    return offset >= 0 && offset < length ? 0 : -1;
  }

  @Override
  public void write(long offset, int size, long value) {
    if (offset >= 0 && offset < length) {
      onWrite.accept((int) (size >= 4 ? value : value & (1L << 8 * size) - 1));
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
