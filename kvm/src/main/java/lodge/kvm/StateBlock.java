package lodge.kvm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One structure of a vCPU's state, with what KVM is known to have of it: what did not change is not
 * given to KVM again.
 */
final class StateBlock {
  private final Fd vcpu;
  private final Ioctl get;
  private final Ioctl set;
  private final MemorySegment known;
  private boolean valid;

  /** To be changed between {@link #read} and {@link #write}. */
  final MemorySegment data;

  StateBlock(Fd vcpu, Ioctl get, Ioctl set, long size) {
    this.vcpu = vcpu;
    this.get = get;
    this.set = set;
    Arena arena = Arena.ofAuto();
    data = arena.allocate(size, 8);
    known = arena.allocate(size, 8);
  }

  /** Fetches it from KVM. */
  void read() {
    vcpu.call(get, data);
    known.copyFrom(data);
    valid = true;
  }

  /** Gives it to KVM if it differs from what KVM has. */
  void write() {
    if (!valid || known.mismatch(data) >= 0) {
      vcpu.call(set, data);
      known.copyFrom(data);
      valid = true;
    }
  }

  /** KVM may have changed it since. */
  void forget() {
    valid = false;
  }
}
