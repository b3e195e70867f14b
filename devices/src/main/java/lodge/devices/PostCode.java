package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.Stateful;

/** Port 0x80: shows how far the power-on self-test has come, and is written to pass the time. */
public final class PostCode implements BusDevice, Stateful<PostCode.State> {
  private volatile int code;

  /** The code last written, 0 to 255. */
  public record State(int code) {}

  /** The code last written, 0 to 255. */
  public int code() {
    return code;
  }

  @Override
  public long read(long offset, int size) {
    return offset == 0 ? code : -1;
  }

  @Override
  public void write(long offset, int size, long value) {
    if (offset == 0) {
      code = (int) value & 0xFF;
    }
  }

  @Override
  public State state() {
    return new State(code);
  }

  @Override
  public void restore(State state) {
    if ((state.code & ~0xFF) != 0) {
      throw new IllegalArgumentException("not a POST code: " + state);
    }
    code = state.code;
  }

  @Override
  public void reset() {
    code = 0;
  }
}
