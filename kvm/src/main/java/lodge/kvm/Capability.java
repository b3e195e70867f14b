package lodge.kvm;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.IntPredicate;

/** What a KVM may or may not have, by its names and numbers in {@code linux/kvm.h}. */
enum Capability {
  USER_MEMORY(3, true),
  SET_TSS_ADDR(4, true),
  EXT_CPUID(7, true),
  SET_IDENTITY_MAP_ADDR(37, true),
  SET_GUEST_DEBUG(23, false),

  /** So many slots of memory a machine has. */
  NR_MEMSLOTS(10, true),

  /** Numbers of vCPUs are below this. */
  MAX_VCPU_ID(128, true),
  VCPU_EVENTS(41, true),
  DEBUGREGS(50, true),
  XSAVE(55, true),
  SYNC_REGS(74, true),
  READONLY_MEM(81, true),
  IMMEDIATE_EXIT(136, true),
  X86_USER_SPACE_MSR(188, true),
  X86_MSR_FILTER(189, true),
  GET_TSC_KHZ(61, true),

  /** The kernel can have the local APICs, and leave the other interrupt controllers to us. */
  SPLIT_IRQCHIP(121, false),
  MP_STATE(14, false),
  SIGNAL_MSI(77, false),
  IRQ_ROUTING(25, false),

  /** Writes can be counted in a file. */
  IOEVENTFD(36, false),

  /** The host's processor has XSAVE. */
  XCRS(56, false),

  /** The time-stamp counter can count at another pace than the host's. */
  TSC_CONTROL(60, false);

  private final int number;
  private final boolean required;

  Capability(int number, boolean required) {
    this.number = number;
    this.required = required;
  }

  /** As {@code KVM_CAP_} of this name. */
  int number() {
    return number;
  }

  /**
   * Finds out which there are.
   *
   * @param has whether KVM has the capability of a number
   * @throws lodge.cpu.x86.EngineException when there is no Lodge without one that is missing
   */
  static Set<Capability> negotiate(IntPredicate has) {
    EnumSet<Capability> present = EnumSet.noneOf(Capability.class);
    EnumSet<Capability> missing = EnumSet.noneOf(Capability.class);
    for (Capability capability : values()) {
      if (has.test(capability.number)) {
        present.add(capability);
      } else if (capability.required) {
        missing.add(capability);
      }
    }
    if (!missing.isEmpty()) {
      throw Obstacles.missing(missing);
    }
    return Collections.unmodifiableSet(present);
  }
}
