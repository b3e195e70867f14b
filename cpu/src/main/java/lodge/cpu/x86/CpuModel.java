package lodge.cpu.x86;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * What CPUID announces: a name, a set of features, and a topology of one package with
 * single-threaded cores.
 */
public final class CpuModel {
  /**
   * The crystal that CPUID leaf 0x15 announces, in hertz. It also clocks the local APIC's timer
   * (SDM volume 3, 11.5.4).
   */
  public static final int CRYSTAL_HZ = 1_000_000_000;

  /** TSC ticks per second: one a nanosecond. */
  public static final long TSC_HZ = 1_000_000_000L;

  private static final Set<Feature> IMPLEMENTED =
      EnumSet.of(
          Feature.X87,
          Feature.VME,
          Feature.DE,
          Feature.PSE,
          Feature.TSC,
          Feature.MSR,
          Feature.PAE,
          Feature.MCE,
          Feature.CX8,
          Feature.APIC,
          Feature.SEP,
          Feature.MTRR,
          Feature.PGE,
          Feature.MCA,
          Feature.CMOV,
          Feature.PAT,
          Feature.PSE36,
          Feature.CLFSH,
          Feature.MMX,
          Feature.FXSR,
          Feature.SSE,
          Feature.SSE2,
          Feature.SSE3,
          Feature.PCLMULQDQ,
          Feature.SSSE3,
          Feature.FMA,
          Feature.CX16,
          Feature.PCID,
          Feature.SSE41,
          Feature.SSE42,
          Feature.X2APIC,
          Feature.MOVBE,
          Feature.POPCNT,
          Feature.TSC_DEADLINE,
          Feature.AES,
          Feature.XSAVE,
          Feature.AVX,
          Feature.F16C,
          Feature.RDRAND,
          Feature.HYPERVISOR,
          Feature.ARAT,
          Feature.FSGSBASE,
          Feature.TSC_ADJUST,
          Feature.BMI1,
          Feature.AVX2,
          Feature.SMEP,
          Feature.BMI2,
          Feature.ERMS,
          Feature.INVPCID,
          Feature.FDP_EXCPTN_ONLY,
          Feature.ZERO_FCS_FDS,
          Feature.RDSEED,
          Feature.ADX,
          Feature.SMAP,
          Feature.CLFLUSHOPT,
          Feature.CLWB,
          Feature.SHA,
          Feature.UMIP,
          Feature.PKU,
          Feature.LA57,
          Feature.VAES,
          Feature.VPCLMULQDQ,
          Feature.RDPID,
          Feature.FSRM,
          Feature.SERIALIZE,
          Feature.SPEC_CTRL,
          Feature.BHI_CTRL,
          Feature.ARCH_CAPABILITIES,
          Feature.XSAVEOPT,
          Feature.XSAVEC,
          Feature.XGETBV1,
          Feature.XSAVES,
          Feature.LAHF64,
          Feature.LZCNT,
          Feature.PREFETCHW,
          Feature.SYSCALL,
          Feature.NX,
          Feature.GB_PAGES,
          Feature.RDTSCP,
          Feature.LM,
          Feature.INVARIANT_TSC,
          Feature.KVM_NOPIODELAY,
          Feature.KVMCLOCK,
          Feature.KVM_STEAL_TIME,
          Feature.KVM_PV_EOI,
          Feature.KVM_PV_TLB_FLUSH,
          Feature.KVM_PV_IPI,
          Feature.KVMCLOCK_STABLE_BIT);

  private final String name;
  private final EnumSet<Feature> features;
  private final int cpus;

  /** All that is implemented, for a machine with one processor. */
  public CpuModel() {
    this("max", IMPLEMENTED, 1);
  }

  /**
   * @param features what {@link #has} answers; the caller sees to prerequisites
   * @param cpus processors of the machine, 1 to 255
   */
  public CpuModel(String name, Set<Feature> features, int cpus) {
    if (cpus < 1 || cpus > 255) {
      throw new IllegalArgumentException("number of processors " + cpus);
    }
    this.name = name;
    this.features = EnumSet.copyOf(features);
    this.cpus = cpus;
  }

  /** All that is implemented. */
  static Set<Feature> implemented() {
    return Collections.unmodifiableSet(IMPLEMENTED);
  }

  /** The same model in a machine with so many processors, 1 to 255. */
  public CpuModel withCpus(int count) {
    return new CpuModel(name, features, count);
  }

  public String name() {
    return name;
  }

  public Set<Feature> features() {
    return Collections.unmodifiableSet(features);
  }

  public int cpus() {
    return cpus;
  }

  public boolean has(Feature feature) {
    return features.contains(feature);
  }

  /**
   * Whether the model has what a row of the opcode table asks for.
   *
   * @param requirement a feature's name, {@code 8086}, {@code X64}, or several joined by {@code +}
   */
  public boolean has(String requirement) {
    if (requirement.equals("8086") || requirement.isEmpty()) {
      return true;
    }
    int plus = requirement.indexOf('+');
    if (plus >= 0) {
      return has(requirement.substring(0, plus)) && has(requirement.substring(plus + 1));
    }
    Feature feature = Feature.named(requirement);
    return feature != null && has(feature);
  }

  /** CPUID.1:EAX: family, model and stepping, also RDX after reset. */
  public int signature() {
    return 0x000806F8;
  }

  /** MAXPHYADDR. */
  public int physicalAddressBits() {
    return 46;
  }

  /** Width of linear addresses in bits. */
  public int linearAddressBits() {
    return has(Feature.LA57) ? 57 : 48;
  }

  /** The bits of XCR0 that may be set (SDM volume 1, 13.3). */
  public long xcr0Mask() {
    long mask = 1;
    if (has(Feature.SSE)) {
      mask |= 1 << 1;
    }
    if (has(Feature.AVX)) {
      mask |= 1 << 2;
    }
    if (has(Feature.PKU)) {
      mask |= 1 << 9;
    }
    return mask;
  }

  /** The bits of CR4 that may be set. */
  public int cr4Mask() {
    return Cpu.CR4_PCE
        | bits(Feature.VME, Cpu.CR4_VME | Cpu.CR4_PVI)
        | bits(Feature.TSC, Cpu.CR4_TSD)
        | bits(Feature.DE, Cpu.CR4_DE)
        | bits(Feature.PSE, Cpu.CR4_PSE)
        | bits(Feature.PAE, Cpu.CR4_PAE)
        | bits(Feature.MCE, Cpu.CR4_MCE)
        | bits(Feature.PGE, Cpu.CR4_PGE)
        | bits(Feature.FXSR, Cpu.CR4_OSFXSR)
        | bits(Feature.SSE, Cpu.CR4_OSXMMEXCPT)
        | bits(Feature.UMIP, Cpu.CR4_UMIP)
        | bits(Feature.LA57, Cpu.CR4_LA57)
        | bits(Feature.FSGSBASE, Cpu.CR4_FSGSBASE)
        | bits(Feature.PCID, Cpu.CR4_PCIDE)
        | bits(Feature.XSAVE, Cpu.CR4_OSXSAVE)
        | bits(Feature.SMEP, Cpu.CR4_SMEP)
        | bits(Feature.SMAP, Cpu.CR4_SMAP)
        | bits(Feature.PKU, Cpu.CR4_PKE);
  }

  private int bits(Feature feature, int bits) {
    return has(feature) ? bits : 0;
  }
}
