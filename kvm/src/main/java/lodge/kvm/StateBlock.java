package lodge.kvm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One structure of a vCPU's state, with what KVM is known to have of it: what did not change is not
 * given to KVM again.
 */
final class StateBlock {
  private final Runnable fetch;
  private final Runnable give;
  private final MemorySegment known;
  private boolean valid;

  /** To be changed between {@link #read} and {@link #write}. */
  final MemorySegment data;

  /**
   * @param fetch has KVM write its state into {@code data}
   * @param give has KVM take it from there
   */
  StateBlock(MemorySegment data, Runnable fetch, Runnable give) {
    this.data = data;
    this.fetch = fetch;
    this.give = give;
    known = Arena.ofAuto().allocate(data.byteSize(), 8);
  }

  /** One that is asked for and given by requests of its own. */
  static StateBlock of(Fd vcpu, Ioctl get, Ioctl set, long size) {
    MemorySegment data = Arena.ofAuto().allocate(size, 8);
    return new StateBlock(data, () -> vcpu.call(get, data), () -> vcpu.call(set, data));
  }

  /** Fetches it from KVM. */
  void read() {
    fetch.run();
    known.copyFrom(data);
    valid = true;
  }

  /** Gives it to KVM if it differs from what KVM has. */
  void write() {
    if (!valid || known.mismatch(data) >= 0) {
      give.run();
      known.copyFrom(data);
      valid = true;
    }
  }

  /** KVM may have changed it since. */
  void forget() {
    valid = false;
  }
}
