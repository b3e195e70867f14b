package lodge.cpu.x86;

import java.lang.invoke.VarHandle;
import java.util.function.LongSupplier;
import lodge.core.GuestMemory;

/**
 * What one processor shares with its guest through memory, as KVM does: clocks, time that the host
 * took, ends of interrupts (Linux, Documentation/virt/kvm/x86/msr.rst and cpuid.rst). The guest
 * names the places by model-specific registers; what is not RAM is not written.
 */
public final class Paravirtual {
  /** The first of so many registers side by side. */
  public static final int FIRST_REGISTER = 0x4B56_4D00;

  public static final int REGISTERS = 5;

  /** So many of them, from the first one on, are of clocks. */
  public static final int CLOCK_REGISTERS = 2;

  static final int MSR_KVM_WALL_CLOCK_NEW = FIRST_REGISTER;
  static final int MSR_KVM_SYSTEM_TIME_NEW = FIRST_REGISTER + 1;
  public static final int MSR_KVM_STEAL_TIME = FIRST_REGISTER + 3;
  static final int MSR_KVM_PV_EOI_EN = FIRST_REGISTER + 4;

  private static final long ENABLED = 1;

  // struct pvclock_wall_clock
  private static final int WALL_SECONDS = 4;
  private static final int WALL_NANOS = 8;
  private static final int WALL_BYTES = 12;

  // struct pvclock_vcpu_time_info
  private static final int TSC_TIMESTAMP = 8;
  private static final int SYSTEM_TIME = 16;
  private static final int TSC_TO_SYSTEM_MUL = 24;
  private static final int TSC_SHIFT = 28;
  private static final int CLOCK_FLAGS = 29;
  private static final int CLOCK_BYTES = 32;
  private static final int PVCLOCK_TSC_STABLE_BIT = 1;

  // struct kvm_steal_time
  private static final int STEAL_VERSION = 8;
  private static final int STEAL_FLAGS = 12;
  private static final int PREEMPTED = 16;
  private static final int STEAL_BYTES = 64;
  private static final int KVM_VCPU_PREEMPTED = 1;
  private static final int KVM_VCPU_FLUSH_TLB = 2;

  private static final int PV_EOI_BYTES = 4;
  private static final long NANOS_A_SECOND = 1_000_000_000;

  /** Guests look at the time that was taken once a timer tick. */
  private static final long STEAL_INTERVAL_NANOS = 4_000_000;

  private final Cpu cpu;
  private final GuestMemory memory;
  private LongSupplier waited = () -> 0;

  // The registers
  private long wallClock;
  private long systemTime;
  private long stealTime;
  private long pvEoi;

  /** What {@link #waited} has been accounted for. */
  private long accounted;

  private long lastAccounting;

  /** The host's kernel tells the guest what was taken. */
  private boolean stealTimeKept;

  Paravirtual(Cpu cpu) {
    this.cpu = cpu;
    memory = cpu.memory;
  }

  /** Whether a model-specific register is one of these. */
  public static boolean isRegister(int msr) {
    return msr >= FIRST_REGISTER && msr < FIRST_REGISTER + REGISTERS;
  }

  /** After INIT and RESET#, nothing is shared. */
  void reset() {
    wallClock = 0;
    systemTime = 0;
    stealTime = 0;
    pvEoi = 0;
    cpu.apic.eoiFlag(-1);
  }

  /**
   * @param nanos how long the processor was ready to run, but the host ran something else, since
   *     some moment
   */
  public void stolenTime(LongSupplier nanos) {
    waited = nanos;
  }

  /** Has the host's kernel tell the guest of stolen time in place of this, or not any more. */
  public void stealTimeKept(boolean kept) {
    stealTimeKept = kept;
    accounted = waited.getAsLong();
  }

  long read(int msr) {
    return switch (msr) {
      case MSR_KVM_WALL_CLOCK_NEW -> wallClock;
      case MSR_KVM_SYSTEM_TIME_NEW -> systemTime;
      case MSR_KVM_STEAL_TIME -> stealTime;
      case MSR_KVM_PV_EOI_EN -> pvEoi;
      default -> throw cpu.generalProtection(0);
    };
  }

  void write(int msr, long value) {
    switch (msr) {
      case MSR_KVM_WALL_CLOCK_NEW -> {
        wallClock = value;
        tellWallClock();
      }
      case MSR_KVM_SYSTEM_TIME_NEW -> {
        systemTime = value;
        timeChanged();
      }
      case MSR_KVM_STEAL_TIME -> {
        allow((value & STEAL_BYTES - 1 & ~ENABLED) == 0);
        stealTime = value;
        accounted = waited.getAsLong();
        if (hasStealTime()) {
          putInt(stealPlace() + STEAL_FLAGS, 0);
          unpark();
        }
      }
      case MSR_KVM_PV_EOI_EN -> {
        allow((value & PV_EOI_BYTES - 1 & ~ENABLED) == 0);
        pvEoi = value;
        long place = value & -PV_EOI_BYTES;
        boolean on = (value & ENABLED) != 0 && memory.isRam(place, PV_EOI_BYTES);
        cpu.apic.eoiFlag(on ? place : -1);
      }
      default -> throw cpu.generalProtection(0);
    }
  }

  private void allow(boolean allowed) {
    if (!allowed) {
      throw cpu.generalProtection(0);
    }
  }

  // Clocks

  /** The time of day when the machine's clock was 0; it is written once each time it is asked. */
  private void tellWallClock() {
    long place = wallClock;
    if (!memory.isRam(place, WALL_BYTES)) {
      return;
    }
    long nanos = cpu.clock.epochNanos() - cpu.clock.nanos();
    int version = beginUpdate(place);
    putInt(place + WALL_SECONDS, (int) (nanos / NANOS_A_SECOND));
    putInt(place + WALL_NANOS, (int) (nanos % NANOS_A_SECOND));
    endUpdate(place, version);
  }

  /**
   * Tells the guest again which time a value of its time-stamp counter stands for: it was written.
   */
  void timeChanged() {
    long place = systemTime & ~ENABLED;
    if ((systemTime & ENABLED) == 0 || !memory.isRam(place, CLOCK_BYTES)) {
      return;
    }
    int version = beginUpdate(place);
    long nanos = cpu.clock.nanos();
    memory.putLong(place + TSC_TIMESTAMP, cpu.msrs.tscAt(nanos));
    memory.putLong(place + SYSTEM_TIME, nanos);
    putPace(place);
    boolean stable = cpu.model.has(Feature.KVMCLOCK_STABLE_BIT);
    memory.putByte(place + CLOCK_FLAGS, (byte) (stable ? PVCLOCK_TSC_STABLE_BIT : 0));
    memory.codeWatch().written(place, CLOCK_BYTES);
    endUpdate(place, version);
  }

  /**
   * Ticks shifted left so far (right, where that is negative), times so many 2^-32, are
   * nanoseconds.
   */
  private void putPace(long place) {
    long ticks = cpu.msrs.tscKhz() * 1000L;
    int shift = 0;
    for (; ticks > 2 * NANOS_A_SECOND; ticks >>= 1) {
      shift--;
    }
    for (; ticks <= NANOS_A_SECOND; ticks <<= 1) {
      shift++;
    }
    memory.putInt(place + TSC_TO_SYSTEM_MUL, (int) ((NANOS_A_SECOND << 32) / ticks));
    memory.putByte(place + TSC_SHIFT, (byte) shift);
  }

  /** While the version is odd, readers wait. */
  private int beginUpdate(long versionPlace) {
    int odd = memory.getInt(versionPlace) + 1 | 1;
    putInt(versionPlace, odd);
    VarHandle.releaseFence();
    return odd;
  }

  private void endUpdate(long versionPlace, int odd) {
    VarHandle.releaseFence();
    putInt(versionPlace, odd + 1);
  }

  private void putInt(long place, int value) {
    memory.putInt(place, value);
    memory.codeWatch().written(place, Integer.BYTES);
  }

  // Time that the host took

  private boolean hasStealTime() {
    return (stealTime & ENABLED) != 0 && !stealTimeKept && memory.isRam(stealPlace(), STEAL_BYTES);
  }

  private long stealPlace() {
    return stealTime & -STEAL_BYTES;
  }

  /** Tells the guest what the host took meanwhile, if some time has passed since it did last. */
  public void account() {
    if (!hasStealTime() || cpu.clock.nanos() - lastAccounting < STEAL_INTERVAL_NANOS) {
      return;
    }
    lastAccounting = cpu.clock.nanos();
    long now = waited.getAsLong();
    long place = stealPlace();
    int version = beginUpdate(place + STEAL_VERSION);
    memory.putLong(place, memory.getLong(place) + now - accounted);
    memory.codeWatch().written(place, Long.BYTES);
    endUpdate(place + STEAL_VERSION, version);
    accounted = now;
  }

  /**
   * The processor halts: others need not wait for it when they want its translations dropped, they
   * leave a word.
   */
  public void park() {
    if (hasStealTime()) {
      memory.putByte(stealPlace() + PREEMPTED, (byte) KVM_VCPU_PREEMPTED);
      memory.codeWatch().written(stealPlace() + PREEMPTED, 1);
    }
  }

  /** The processor executes again: does what others left word of. */
  public void unpark() {
    if (hasStealTime()) {
      long place = stealPlace() + PREEMPTED;
      long seen = memory.getByte(place) & 0xFF;
      long found;
      while ((found = memory.compareAndExchange(place, 1, seen, 0)) != seen) {
        seen = found;
      }
      memory.codeWatch().written(place, 1);
      if ((seen & KVM_VCPU_FLUSH_TLB) != 0) {
        cpu.mmu.flushAll();
      }
    }
  }
}
