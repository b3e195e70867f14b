package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import lodge.core.ApicState;
import lodge.cpu.x86.Cpu;

/**
 * The kernel's local APIC of one vCPU, and what depends on it: whether the vCPU runs, halts or
 * waits to be started, which only its APIC can change.
 */
final class KernelApic {
  /** {@code KVM_MP_STATE_*}. */
  private static final int RUNNABLE = 0;

  private static final int UNINITIALIZED = 1;
  private static final int HALTED = 3;

  private static final int TPR = 0x08;
  private static final int LVT_TIMER = 0x32;
  private static final int INITIAL_COUNT = 0x38;
  private static final int CURRENT_COUNT = 0x39;
  private static final int TIMER_MODE = 3 << 17;
  private static final int REGISTER_BYTES = 16;

  private final Fd vcpu;
  private final MsrState msrs;
  private final MemorySegment registers = Arena.ofAuto().allocate(Structs.LAPIC_STATE.size(), 8);
  private final MemorySegment activity = Arena.ofAuto().allocate(Structs.MP_STATE.size(), 8);

  /** What the special registers hold of the APIC: KVM has them, these are copies. */
  private long base;

  private long cr8;

  /** What KVM is known to have. */
  private int known;

  KernelApic(Fd vcpu, MsrState msrs) {
    this.vcpu = vcpu;
    this.msrs = msrs;
  }

  long base() {
    return base;
  }

  long cr8() {
    return cr8;
  }

  void saveSpecial(long newBase, long newCr8) {
    base = newBase;
    cr8 = newCr8;
  }

  /** What {@link GeneralState} is to give to KVM with the rest, before {@link #load}. */
  void prepare(ApicState state) {
    base = state.base();
    cr8 = state.registers()[TPR] >> 4 & 0xF;
  }

  /** Gives it all to KVM. */
  void load(ApicState state) {
    for (int i = 0; i < ApicState.REGISTERS; i++) {
      registers.set(JAVA_INT, (long) REGISTER_BYTES * i, state.registers()[i]);
    }
    vcpu.call(Ioctl.SET_LAPIC, registers);
    msrs.set(MsrTraps.TSC_DEADLINE, state.deadline());
    setActivity(state.waitsForStartup() ? UNINITIALIZED : RUNNABLE);
  }

  /** Takes it all from KVM. */
  ApicState save() {
    vcpu.call(Ioctl.GET_MP_STATE, activity);
    boolean waits = activity.get(JAVA_INT, 0) == UNINITIALIZED;
    vcpu.call(Ioctl.GET_LAPIC, registers);
    int[] page = new int[ApicState.REGISTERS];
    for (int i = 0; i < page.length; i++) {
      page[i] = registers.get(JAVA_INT, (long) REGISTER_BYTES * i);
    }
    boolean oneShot = (page[LVT_TIMER] & TIMER_MODE) == 0;
    if (oneShot && page[INITIAL_COUNT] != 0 && page[CURRENT_COUNT] == 0) {
      // KVM does not show whether its interrupt is still to come: better twice than never.
      page[CURRENT_COUNT] = 1;
    }
    return new ApicState(
        msrs.value(MsrTraps.APIC_BASE), msrs.value(MsrTraps.TSC_DEADLINE), page, waits);
  }

  /** Before a run: a vCPU that is to be started is left alone. */
  void loadActivity(Cpu c) {
    int wanted = c.halted ? HALTED : RUNNABLE;
    if (wanted != known && (known == RUNNABLE || known == HALTED)) {
      setActivity(wanted);
    }
  }

  /** After one. */
  void saveActivity(Cpu c) {
    vcpu.call(Ioctl.GET_MP_STATE, activity);
    known = activity.get(JAVA_INT, 0);
    c.halted = known == HALTED;
  }

  private void setActivity(int state) {
    activity.set(JAVA_INT, 0, state);
    vcpu.call(Ioctl.SET_MP_STATE, activity);
    known = state;
  }
}
