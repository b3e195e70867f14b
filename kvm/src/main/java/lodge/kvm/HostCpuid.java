package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.CpuModels;
import lodge.cpu.x86.Cpuid;
import lodge.cpu.x86.Feature;

/** What the host's KVM can give of CPUID, and what guests are told. */
final class HostCpuid {
  private static final int MAX_ENTRIES = 256;
  private static final long ENTRIES = Structs.CPUID2.size();
  private static final long ENTRY = Structs.CPUID_ENTRY2.size();
  private static final long COUNT = Structs.CPUID2.offset("nent");
  private static final long LEAF = Structs.CPUID_ENTRY2.offset("function");
  private static final long SUBLEAF = Structs.CPUID_ENTRY2.offset("index");
  private static final long FLAGS = Structs.CPUID_ENTRY2.offset("flags");
  private static final long EAX = Structs.CPUID_ENTRY2.offset("eax");

  /** KVM_CPUID_FLAG_SIGNIFCANT_INDEX. */
  private static final int HAS_SUBLEAVES = 1;

  /** Of what guests share with Lodge. KVM's processors' counters are not made of one clock. */
  private static final Set<Feature> SHARED =
      EnumSet.of(
          // KVM does not list it.
          Feature.HYPERVISOR,
          Feature.KVM_NOPIODELAY,
          Feature.KVMCLOCK,
          Feature.KVM_STEAL_TIME,
          Feature.KVM_PV_EOI);

  /**
   * Dropping other processors' translations and interrupting several at once: KVM takes the calls
   * for its own, so it has to have the APICs.
   */
  private static final Set<Feature> OF_KERNEL_APICS =
      EnumSet.of(Feature.KVM_PV_TLB_FLUSH, Feature.KVM_PV_IPI);

  private static final Set<Integer> WITH_SUBLEAVES = Set.of(4, 7, 0xB, 0xD);

  private static final int SHARED_LEAF = 0x4000_0001;
  private static final int LODGE_KHZ = (int) (CpuModel.TSC_HZ / 1000);

  private record Place(int leaf, int subleaf) {}

  private final Map<Place, int[]> supported = new HashMap<>();
  private final boolean hasApics;

  /** Of the host's time-stamp counter, which the guest has unless it can be scaled. */
  private final int tscKhz;

  private HostCpuid(Kvm kvm, int tscKhz) {
    this.tscKhz = tscKhz;
    hasApics = KernelApics.arePossible(kvm);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(ENTRIES + MAX_ENTRIES * ENTRY, 8);
      table.set(JAVA_INT, COUNT, MAX_ENTRIES);
      kvm.fd().call(Ioctl.GET_SUPPORTED_CPUID, table);
      int count = Math.min(table.get(JAVA_INT, COUNT), MAX_ENTRIES);
      for (int i = 0; i < count; i++) {
        MemorySegment entry = table.asSlice(ENTRIES + i * ENTRY, ENTRY);
        int[] registers = entry.asSlice(EAX, 16).toArray(JAVA_INT);
        supported.put(
            new Place(entry.get(JAVA_INT, LEAF), entry.get(JAVA_INT, SUBLEAF)), registers);
      }
    }
  }

  /**
   * Asks for it.
   *
   * @param tscKhz pace of a guest's time-stamp counter
   */
  static HostCpuid of(Kvm kvm, int tscKhz) {
    return new HostCpuid(kvm, tscKhz);
  }

  /** What Lodge's processor and this KVM both have. */
  Set<Feature> features() {
    EnumSet<Feature> common = EnumSet.copyOf(SHARED);
    for (Feature feature : CpuModels.features()) {
      boolean ours = feature.leaf() == SHARED_LEAF && !OF_KERNEL_APICS.contains(feature);
      if (!ours && isSupported(feature)) {
        common.add(feature);
      }
    }
    if (!hasApics) {
      common.removeAll(OF_KERNEL_APICS);
    }
    // KVMs announce it because the host has it, and do not all let CR4.LA57 be set.
    common.remove(Feature.LA57);
    if (tscKhz != LODGE_KHZ) {
      // The APIC compares the deadline with the machine's clock.
      common.remove(Feature.TSC_DEADLINE);
    }
    return CpuModels.consistent(common);
  }

  private boolean isSupported(Feature feature) {
    int[] registers = supported.get(new Place(feature.leaf(), feature.subleaf()));
    return registers != null && (registers[feature.register().ordinal()] >> feature.bit() & 1) != 0;
  }

  /** Which components XCR0 can have. */
  long xcr0() {
    int[] registers = supported.get(new Place(0xD, 0));
    return registers == null ? 3 : registers[0] & 0xFFFF_FFFFL | (long) registers[3] << 32;
  }

  /**
   * Has the guest see what its model is.
   *
   * @param kernelApic without one, what needs it is not there
   */
  void install(Fd vcpu, Cpu cpu, boolean kernelApic) {
    var leaves = Cpuid.leaves(cpu.model);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(ENTRIES + leaves.size() * ENTRY, 8);
      table.set(JAVA_INT, COUNT, leaves.size());
      int[] out = new int[4];
      for (int i = 0; i < leaves.size(); i++) {
        int leaf = leaves.get(i).number();
        int subleaf = leaves.get(i).subleaf();
        Cpuid.leaf(cpu.model, cpu.apicId, tscKhz, leaf, subleaf, out);
        if (leaf == SHARED_LEAF && !kernelApic) {
          for (Feature feature : OF_KERNEL_APICS) {
            out[feature.register().ordinal()] &= ~(1 << feature.bit());
          }
        }
        MemorySegment entry = table.asSlice(ENTRIES + i * ENTRY, ENTRY);
        entry.set(JAVA_INT, LEAF, leaf);
        entry.set(JAVA_INT, SUBLEAF, subleaf);
        entry.set(JAVA_INT, FLAGS, WITH_SUBLEAVES.contains(leaf) ? HAS_SUBLEAVES : 0);
        MemorySegment.copy(out, 0, entry, JAVA_INT, EAX, 4);
      }
      vcpu.call(Ioctl.SET_CPUID2, table);
    }
  }
}
