package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Has KVM leave to us what it does not know of model-specific registers, and those of the APIC. */
final class MsrTraps {
  static final int APIC_BASE = 0x1B;
  static final int TSC_DEADLINE = 0x6E0;

  private static final int FILTER_READ_WRITE = 3;

  /** KVM_MSR_EXIT_REASON_INVAL, _UNKNOWN and _FILTER. */
  private static final long EXIT_REASONS = 7;

  private MsrTraps() {}

  static void install(Fd vm) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment enable = arena.allocate(Structs.ENABLE_CAP.size(), 8);
      enable.set(
          JAVA_INT, Structs.ENABLE_CAP.offset("cap"), Capability.X86_USER_SPACE_MSR.number());
      enable.set(JAVA_LONG, Structs.ENABLE_CAP.offset("args"), EXIT_REASONS);
      vm.call(Ioctl.ENABLE_CAP, enable);
      MemorySegment denied = arena.allocate(8, 8);
      MemorySegment filter = arena.allocate(Structs.MSR_FILTER.size(), 8);
      long at = Structs.MSR_FILTER.offset("ranges");
      for (int number : new int[] {APIC_BASE, TSC_DEADLINE}) {
        MemorySegment range = filter.asSlice(at, Structs.MSR_FILTER_RANGE.size());
        range.set(JAVA_INT, Structs.MSR_FILTER_RANGE.offset("flags"), FILTER_READ_WRITE);
        range.set(JAVA_INT, Structs.MSR_FILTER_RANGE.offset("nmsrs"), 1);
        range.set(JAVA_INT, Structs.MSR_FILTER_RANGE.offset("base"), number);
        range.set(JAVA_LONG, Structs.MSR_FILTER_RANGE.offset("bitmap"), denied.address());
        at += Structs.MSR_FILTER_RANGE.size();
      }
      vm.call(Ioctl.X86_SET_MSR_FILTER, filter);
    }
  }
}
