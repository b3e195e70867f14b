package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import lodge.cpu.x86.Paravirtual;

/**
 * Has KVM leave to us what it does not know of model-specific registers, those of the APIC, and its
 * own interface to guests, which is the same with all engines.
 */
final class MsrTraps {
  static final int APIC_BASE = 0x1B;
  static final int TSC_DEADLINE = 0x6E0;

  /** Neighbours that KVM is not to have. */
  private record Range(int first, int count) {}

  private static final List<Range> DENIED =
      List.of(
          new Range(APIC_BASE, 1),
          new Range(TSC_DEADLINE, 1),
          new Range(Paravirtual.FIRST_REGISTER, Paravirtual.REGISTERS));

  /** With the APIC go the interface's registers that concern it, and who runs when. */
  private static final List<Range> DENIED_WITH_KERNEL_APICS =
      List.of(new Range(Paravirtual.FIRST_REGISTER, Paravirtual.CLOCK_REGISTERS));

  private static final int FILTER_READ_WRITE = 3;

  /** KVM_MSR_EXIT_REASON_INVAL, _UNKNOWN and _FILTER. */
  private static final long EXIT_REASONS = 7;

  private MsrTraps() {}

  static void install(Fd vm, boolean kernelApics) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment enable = arena.allocate(Structs.ENABLE_CAP.size(), 8);
      enable.set(
          JAVA_INT, Structs.ENABLE_CAP.offset("cap"), Capability.X86_USER_SPACE_MSR.number());
      enable.set(JAVA_LONG, Structs.ENABLE_CAP.offset("args"), EXIT_REASONS);
      vm.call(Ioctl.ENABLE_CAP, enable);
      MemorySegment denied = arena.allocate(8, 8);
      MemorySegment filter = arena.allocate(Structs.MSR_FILTER.size(), 8);
      long at = Structs.MSR_FILTER.offset("ranges");
      for (Range each : kernelApics ? DENIED_WITH_KERNEL_APICS : DENIED) {
        MemorySegment range = filter.asSlice(at, Structs.MSR_FILTER_RANGE.size());
        range.set(JAVA_INT, Structs.MSR_FILTER_RANGE.offset("flags"), FILTER_READ_WRITE);
        range.set(JAVA_INT, Structs.MSR_FILTER_RANGE.offset("nmsrs"), each.count());
        range.set(JAVA_INT, Structs.MSR_FILTER_RANGE.offset("base"), each.first());
        range.set(JAVA_LONG, Structs.MSR_FILTER_RANGE.offset("bitmap"), denied.address());
        at += Structs.MSR_FILTER_RANGE.size();
      }
      vm.call(Ioctl.X86_SET_MSR_FILTER, filter);
    }
  }
}
