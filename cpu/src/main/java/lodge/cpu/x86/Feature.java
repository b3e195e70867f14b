package lodge.cpu.x86;

import java.util.HashMap;
import java.util.Map;

/**
 * Processor features by the names that the opcode table uses, each with its CPUID bit (SDM volume
 * 2, CPUID; bits of OSXSAVE and OSPKE are no features, they mirror CR4).
 */
public enum Feature {
  X87(1, Register.EDX, 0),
  VME(1, Register.EDX, 1),
  DE(1, Register.EDX, 2),
  PSE(1, Register.EDX, 3),
  TSC(1, Register.EDX, 4),
  MSR(1, Register.EDX, 5),
  PAE(1, Register.EDX, 6),
  MCE(1, Register.EDX, 7),
  CX8(1, Register.EDX, 8),
  APIC(1, Register.EDX, 9),
  SEP(1, Register.EDX, 11),
  MTRR(1, Register.EDX, 12),
  PGE(1, Register.EDX, 13),
  MCA(1, Register.EDX, 14),
  CMOV(1, Register.EDX, 15),
  PAT(1, Register.EDX, 16),
  PSE36(1, Register.EDX, 17),
  CLFSH(1, Register.EDX, 19),
  MMX(1, Register.EDX, 23),
  FXSR(1, Register.EDX, 24),
  SSE(1, Register.EDX, 25),
  SSE2(1, Register.EDX, 26),

  SSE3(1, Register.ECX, 0),
  PCLMULQDQ(1, Register.ECX, 1),
  MONITOR(1, Register.ECX, 3),
  SSSE3(1, Register.ECX, 9),
  FMA(1, Register.ECX, 12),
  CX16(1, Register.ECX, 13),
  PCID(1, Register.ECX, 17),
  SSE41(1, Register.ECX, 19),
  SSE42(1, Register.ECX, 20),
  X2APIC(1, Register.ECX, 21),
  MOVBE(1, Register.ECX, 22),
  POPCNT(1, Register.ECX, 23),
  TSC_DEADLINE(1, Register.ECX, 24),
  AES(1, Register.ECX, 25),
  XSAVE(1, Register.ECX, 26),
  AVX(1, Register.ECX, 28),
  F16C(1, Register.ECX, 29),
  RDRAND(1, Register.ECX, 30),
  HYPERVISOR(1, Register.ECX, 31),

  /** The APIC timer runs in every power state. */
  ARAT(6, Register.EAX, 2),

  FSGSBASE(7, Register.EBX, 0),
  TSC_ADJUST(7, Register.EBX, 1),
  BMI1(7, Register.EBX, 3),
  AVX2(7, Register.EBX, 5),

  /** The FPU data pointer moves with unmasked exceptions only. */
  FDP_EXCPTN_ONLY(7, Register.EBX, 6),
  SMEP(7, Register.EBX, 7),
  BMI2(7, Register.EBX, 8),
  ERMS(7, Register.EBX, 9),
  INVPCID(7, Register.EBX, 10),

  /** FPU CS and FPU DS are always saved as 0. */
  ZERO_FCS_FDS(7, Register.EBX, 13),
  RDSEED(7, Register.EBX, 18),
  ADX(7, Register.EBX, 19),
  SMAP(7, Register.EBX, 20),
  CLFLUSHOPT(7, Register.EBX, 23),
  CLWB(7, Register.EBX, 24),
  SHA(7, Register.EBX, 29),
  UMIP(7, Register.ECX, 2),
  PKU(7, Register.ECX, 3),
  VAES(7, Register.ECX, 9),
  VPCLMULQDQ(7, Register.ECX, 10),
  LA57(7, Register.ECX, 16),
  RDPID(7, Register.ECX, 22),
  FSRM(7, Register.EDX, 4),
  SERIALIZE(7, Register.EDX, 14),

  /** IA32_SPEC_CTRL with IBRS, IA32_PRED_CMD with IBPB. */
  SPEC_CTRL(7, Register.EDX, 26),
  STIBP(7, Register.EDX, 27),
  ARCH_CAPABILITIES(7, Register.EDX, 29),
  SSBD(7, Register.EDX, 31),

  /** IA32_SPEC_CTRL with BHI_DIS_S. */
  BHI_CTRL(7, 2, Register.EDX, 4),

  XSAVEOPT(0xD, 1, Register.EAX, 0),
  XSAVEC(0xD, 1, Register.EAX, 1),
  XGETBV1(0xD, 1, Register.EAX, 2),
  XSAVES(0xD, 1, Register.EAX, 3),

  LAHF64(0x8000_0001, Register.ECX, 0),
  LZCNT(0x8000_0001, Register.ECX, 5),
  PREFETCHW(0x8000_0001, Register.ECX, 8),
  SYSCALL(0x8000_0001, Register.EDX, 11),
  NX(0x8000_0001, Register.EDX, 20),
  GB_PAGES(0x8000_0001, Register.EDX, 26),
  RDTSCP(0x8000_0001, Register.EDX, 27),
  LM(0x8000_0001, Register.EDX, 29),
  INVARIANT_TSC(0x8000_0007, Register.EDX, 8),

  // What virtual machine and guest share (Linux, Documentation/virt/kvm/x86/cpuid.rst)
  KVM_NOPIODELAY(0x4000_0001, Register.EAX, 1),

  /** The clocks at the newer one of their two places: KVM_FEATURE_CLOCKSOURCE2. */
  KVMCLOCK(0x4000_0001, Register.EAX, 3),
  KVM_STEAL_TIME(0x4000_0001, Register.EAX, 5),
  KVM_PV_EOI(0x4000_0001, Register.EAX, 6),
  KVM_PV_TLB_FLUSH(0x4000_0001, Register.EAX, 9),
  KVM_PV_IPI(0x4000_0001, Register.EAX, 11),
  KVMCLOCK_STABLE_BIT(0x4000_0001, Register.EAX, 24);

  /** Registers in the order of CPUID's results. */
  public enum Register {
    EAX,
    EBX,
    ECX,
    EDX
  }

  private static final Map<String, Feature> BY_NAME = new HashMap<>();

  static {
    for (Feature feature : values()) {
      BY_NAME.put(feature.name(), feature);
    }
    // What the table calls the base of 64-bit mode.
    BY_NAME.put("X64", LM);
  }

  private final int leaf;
  private final int subleaf;
  private final Register register;
  private final int bit;

  Feature(int leaf, Register register, int bit) {
    this(leaf, 0, register, bit);
  }

  Feature(int leaf, int subleaf, Register register, int bit) {
    this.leaf = leaf;
    this.subleaf = subleaf;
    this.register = register;
    this.bit = bit;
  }

  /** CPUID leaf. */
  public int leaf() {
    return leaf;
  }

  /** CPUID subleaf, 0 for leaves that have none. */
  public int subleaf() {
    return subleaf;
  }

  public Register register() {
    return register;
  }

  /** 0 to 31. */
  public int bit() {
    return bit;
  }

  /** The feature of that name, or null when there is none. */
  static Feature named(String name) {
    return BY_NAME.get(name);
  }
}
