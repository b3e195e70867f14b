package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * What of a vCPU's state lies in its run area: KVM_RUN takes what is dirty of it before it enters
 * the guest, and leaves it there afterwards if it was asked to (KVM_CAP_SYNC_REGS).
 */
final class SyncRegs {
  private static final long VALID = Structs.RUN.offset("kvm_valid_regs");
  private static final long DIRTY = Structs.RUN.offset("kvm_dirty_regs");

  // asm/kvm.h
  private static final int SYNC_REGS = 1;
  private static final int SYNC_SREGS = 2;
  private static final int SYNC_EVENTS = 4;

  private final MemorySegment run;

  /** {@link Structs#REGS}. */
  final StateBlock regs;

  /** {@link Structs#SREGS}. */
  final StateBlock sregs;

  /** {@link Structs#VCPU_EVENTS}. */
  final StateBlock events;

  SyncRegs(MemorySegment run) {
    this.run = run;
    regs = block("s.regs.regs", Structs.REGS, SYNC_REGS);
    sregs = block("s.regs.sregs", Structs.SREGS, SYNC_SREGS);
    events = block("s.regs.events", Structs.VCPU_EVENTS, SYNC_EVENTS);
  }

  private StateBlock block(String field, Struct struct, int bit) {
    MemorySegment data = run.asSlice(Structs.RUN.offset(field), struct.size());
    Runnable give = () -> run.set(JAVA_LONG, DIRTY, run.get(JAVA_LONG, DIRTY) | bit);
    return new StateBlock(data, () -> {}, give);
  }

  /** Whether each KVM_RUN leaves the state here from now on. */
  void wanted(boolean wanted) {
    run.set(JAVA_LONG, VALID, wanted ? SYNC_REGS | SYNC_SREGS | SYNC_EVENTS : 0);
  }

  /** Has KVM take what is dirty before the next KVM_RUN. */
  void flush(Fd vcpu) {
    long dirty = run.get(JAVA_LONG, DIRTY);
    run.set(JAVA_LONG, DIRTY, 0);
    if ((dirty & SYNC_REGS) != 0) {
      vcpu.call(Ioctl.SET_REGS, regs.data);
    }
    if ((dirty & SYNC_SREGS) != 0) {
      vcpu.call(Ioctl.SET_SREGS, sregs.data);
    }
    if ((dirty & SYNC_EVENTS) != 0) {
      vcpu.call(Ioctl.SET_VCPU_EVENTS, events.data);
    }
  }

  /** Whether {@link #events} have not been taken yet. */
  boolean eventsWait() {
    return (run.get(JAVA_LONG, DIRTY) & SYNC_EVENTS) != 0;
  }

  /**
   * KVM_RUN has failed: nothing is known of the state any more.
   *
   * @return what it did not take of it, by the name of {@code asm/kvm.h}; empty when it took all
   */
  Optional<String> forget() {
    // KVM clears the bits one after the other.
    int left = (int) run.get(JAVA_LONG, DIRTY);
    run.set(JAVA_LONG, DIRTY, 0);
    List.of(regs, sregs, events).forEach(StateBlock::forget);
    return switch (Integer.lowestOneBit(left)) {
      case SYNC_REGS -> Optional.of("KVM_SYNC_X86_REGS");
      case SYNC_SREGS -> Optional.of("KVM_SYNC_X86_SREGS");
      case SYNC_EVENTS -> Optional.of("KVM_SYNC_X86_EVENTS");
      default -> Optional.empty();
    };
  }
}
