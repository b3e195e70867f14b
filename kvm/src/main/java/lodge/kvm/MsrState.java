package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuException;
import lodge.cpu.x86.Msr;
import lodge.cpu.x86.MsrTable;
import lodge.cpu.x86.Paravirtual;

/**
 * Model-specific registers, both ways: those that Lodge's processor and this KVM both have. All
 * others KVM leaves to us when the guest comes upon them.
 */
final class MsrState {
  private static final int TIME_STAMP_COUNTER = 0x10;
  private static final int TSC_ADJUST = 0x3B;
  private static final int ARCH_CAPABILITIES = 0x10A;

  /**
   * They go other ways: the time-stamp counter below, EFER and the bases with the segments; and
   * what belongs to the APIC never gets to KVM, nor does what guests share with Lodge.
   */
  private static final Set<Integer> ELSEWHERE =
      Set.of(
          TIME_STAMP_COUNTER,
          TSC_ADJUST,
          0xC000_0080,
          0xC000_0100,
          0xC000_0101,
          MsrTraps.APIC_BASE,
          MsrTraps.TSC_DEADLINE);

  private static final long ENTRIES = Structs.MSRS.size();
  private static final long ENTRY = Structs.MSR_ENTRY.size();
  private static final long COUNT = Structs.MSRS.offset("nmsrs");
  private static final long INDEX = Structs.MSR_ENTRY.offset("index");
  private static final long DATA = Structs.MSR_ENTRY.offset("data");

  private final Fd vcpu;
  private final MemorySegment one = Arena.ofAuto().allocate(ENTRIES + ENTRY, 8);
  private final MemorySegment counter = Arena.ofAuto().allocate(ENTRIES + 2 * ENTRY, 8);
  private final int[] numbers;

  /** What KVM has of each: some KVMs log every write to some, so only changes are written. */
  private final long[] known;

  private final MemorySegment all;
  private final MemorySegment changes;

  /** Of the counter, when it was last the same in both. */
  private long tscOffset;

  private boolean tscKnown;

  /**
   * @param kernelApic the vCPU's APIC is KVM's, and with it what guests share that concerns it
   */
  MsrState(Kvm kvm, Fd vcpu, Cpu c, boolean kernelApic) {
    this.vcpu = vcpu;
    long immunities = immunities(kvm);
    Map<Integer, Long> taken = new LinkedHashMap<>();
    for (Msr row : MsrTable.rows(c.model)) {
      if (ELSEWHERE.contains(row.number())
          || isOurs(row.number(), kernelApic)
          || row.rule() == Msr.Rule.WRITE_ONLY) {
        continue;
      }
      long value = c.msrs.read(row.number());
      if (row.number() == ARCH_CAPABILITIES) {
        value &= immunities;
      }
      boolean both = get(row.number()) && (data() == value || set(row.number(), value));
      // What guests cannot change is told to KVM once, if it listens at all.
      if (both && row.rule() != Msr.Rule.READ_ONLY) {
        taken.put(row.number(), value);
      }
    }
    numbers = taken.keySet().stream().mapToInt(Integer::intValue).toArray();
    known = taken.values().stream().mapToLong(Long::longValue).toArray();
    all = Arena.ofAuto().allocate(ENTRIES + ENTRY * numbers.length, 8);
    changes = Arena.ofAuto().allocate(all.byteSize(), 8);
    counter.set(JAVA_INT, COUNT, 2);
    counter.set(JAVA_INT, at(0) + INDEX, TIME_STAMP_COUNTER);
    counter.set(JAVA_INT, at(1) + INDEX, TSC_ADJUST);
    all.set(JAVA_INT, COUNT, numbers.length);
    for (int i = 0; i < numbers.length; i++) {
      all.set(JAVA_INT, at(i) + INDEX, numbers[i]);
    }
  }

  /**
   * IA32_ARCH_CAPABILITIES as this KVM can give it: the guest has to work around what the host's
   * processor is affected by.
   */
  static long immunities(Kvm kvm) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(ENTRIES + ENTRY, 8);
      table.set(JAVA_INT, COUNT, 1);
      table.set(JAVA_INT, ENTRIES + INDEX, ARCH_CAPABILITIES);
      boolean known = kvm.fd().attempt(Ioctl.GET_MSRS, table.address()) == 1;
      return known ? table.get(JAVA_LONG, ENTRIES + DATA) : 0;
    }
  }

  private static long at(int i) {
    return ENTRIES + ENTRY * i;
  }

  private static boolean isOurs(int number, boolean kernelApic) {
    boolean clock = number < Paravirtual.FIRST_REGISTER + Paravirtual.CLOCK_REGISTERS;
    return Paravirtual.isRegister(number) && (clock || !kernelApic);
  }

  /** Whether KVM has a register. */
  boolean has(int number) {
    return Arrays.stream(numbers).anyMatch(n -> n == number);
  }

  /** One that goes another way, 0 if KVM does not have it. */
  long value(int number) {
    return get(number) ? data() : 0;
  }

  boolean set(int number, long value) {
    prepare(number, value);
    return vcpu.attempt(Ioctl.SET_MSRS, one.address()) == 1;
  }

  private boolean get(int number) {
    prepare(number, 0);
    return vcpu.attempt(Ioctl.GET_MSRS, one.address()) == 1;
  }

  /** What {@link #get} found. */
  private long data() {
    return one.get(JAVA_LONG, ENTRIES + DATA);
  }

  private void prepare(int number, long value) {
    one.set(JAVA_INT, COUNT, 1);
    one.set(JAVA_INT, ENTRIES + INDEX, number);
    one.set(JAVA_LONG, ENTRIES + DATA, value);
  }

  void load(Cpu c) {
    int count = collectChanges(c);
    if (count > 0) {
      int taken = vcpu.call(Ioctl.SET_MSRS, changes);
      // KVM stops at the first one that it does not take.
      for (int i = taken + 1; i < count; i++) {
        set(changes.get(JAVA_INT, at(i) + INDEX), changes.get(JAVA_LONG, at(i) + DATA));
      }
    }
    if (!tscKnown || tscOffset != c.msrs.tscOffset()) {
      // In this order: there are KVMs that have the second one move the first.
      set(TSC_ADJUST, c.msrs.tscAdjust());
      set(TIME_STAMP_COUNTER, c.tsc());
    }
  }

  /** Puts together what KVM does not have. @return how many there are */
  int collectChanges(Cpu c) {
    int count = 0;
    for (int i = 0; i < numbers.length; i++) {
      long value = c.msrs.read(numbers[i]);
      if (value != known[i]) {
        known[i] = value;
        changes.set(JAVA_INT, at(count) + INDEX, numbers[i]);
        changes.set(JAVA_LONG, at(count) + DATA, value);
        count++;
      }
    }
    changes.set(JAVA_INT, COUNT, count);
    return count;
  }

  void save(Cpu c) {
    vcpu.call(Ioctl.GET_MSRS, all);
    for (int i = 0; i < numbers.length; i++) {
      known[i] = all.get(JAVA_LONG, at(i) + DATA);
      try {
        if (known[i] != c.msrs.read(numbers[i])) {
          c.msrs.write(numbers[i], known[i]);
        }
      } catch (CpuException e) {
        // KVM lets its guests write what the processors do not take: the register stays as it was.
      }
    }
    long before = c.clock.nanos();
    vcpu.attempt(Ioctl.GET_MSRS, counter.address());
    long after = c.clock.nanos();
    long tsc = counter.get(JAVA_LONG, at(0) + DATA);
    c.msrs.restoreTsc(tsc, counter.get(JAVA_LONG, at(1) + DATA), before, after);
    tscOffset = c.msrs.tscOffset();
    tscKnown = true;
  }
}
