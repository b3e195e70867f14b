package lodge.cpu.x86;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * Which feature makes no sense without which other: because its instructions work on state or are
 * detected in ways that the other one brings (SDM volume 1, 12.7, 14.3 and 14.7; volume 2, CPUID).
 */
final class Prerequisites {
  private static final Map<Feature, Set<Feature>> NEEDS = new EnumMap<>(Feature.class);

  static {
    needs(Feature.PSE36, Feature.PSE);
    needs(Feature.MCA, Feature.MCE, Feature.MSR);
    needs(Feature.SEP, Feature.MSR);
    needs(Feature.MTRR, Feature.MSR);
    needs(Feature.PAT, Feature.MSR);
    needs(Feature.SYSCALL, Feature.MSR);
    needs(Feature.NX, Feature.PAE, Feature.MSR);
    needs(Feature.CX16, Feature.CX8);
    needs(Feature.APIC, Feature.MSR);
    needs(Feature.X2APIC, Feature.APIC);
    needs(Feature.TSC_DEADLINE, Feature.APIC, Feature.TSC);
    needs(Feature.ARAT, Feature.APIC);
    needs(Feature.TSC_ADJUST, Feature.TSC, Feature.MSR);
    needs(Feature.INVARIANT_TSC, Feature.TSC);
    needs(Feature.RDTSCP, Feature.TSC);

    needs(Feature.MMX, Feature.X87);
    needs(Feature.FXSR, Feature.X87);
    needs(Feature.FDP_EXCPTN_ONLY, Feature.X87);
    needs(Feature.ZERO_FCS_FDS, Feature.X87);
    needs(Feature.SSE, Feature.FXSR, Feature.MMX);
    needs(Feature.SSE2, Feature.SSE);
    needs(Feature.SSE3, Feature.SSE2);
    needs(Feature.SSSE3, Feature.SSE3);
    needs(Feature.SSE41, Feature.SSSE3);
    needs(Feature.SSE42, Feature.SSE41);
    needs(Feature.AES, Feature.SSE2);
    needs(Feature.PCLMULQDQ, Feature.SSE2);
    needs(Feature.SHA, Feature.SSE2);
    needs(Feature.XSAVE, Feature.FXSR);
    needs(Feature.XSAVEOPT, Feature.XSAVE);
    needs(Feature.XSAVEC, Feature.XSAVE);
    needs(Feature.XGETBV1, Feature.XSAVE);
    needs(Feature.XSAVES, Feature.XSAVEC);
    needs(Feature.PKU, Feature.XSAVE);
    needs(Feature.AVX, Feature.SSE42, Feature.XSAVE);
    needs(Feature.AVX2, Feature.AVX);
    needs(Feature.FMA, Feature.AVX);
    needs(Feature.F16C, Feature.AVX);
    needs(Feature.VAES, Feature.AVX, Feature.AES);
    needs(Feature.VPCLMULQDQ, Feature.AVX, Feature.PCLMULQDQ);

    needs(Feature.STIBP, Feature.SPEC_CTRL);
    needs(Feature.SSBD, Feature.SPEC_CTRL);
    needs(Feature.BHI_CTRL, Feature.SPEC_CTRL);
    needs(
        Feature.LM,
        Feature.X87,
        Feature.TSC,
        Feature.PAE,
        Feature.PGE,
        Feature.PSE,
        Feature.CX8,
        Feature.APIC,
        Feature.CMOV,
        Feature.SSE2,
        Feature.SYSCALL);
    needs(Feature.LAHF64, Feature.LM);
    needs(Feature.GB_PAGES, Feature.LM);
    needs(Feature.FSGSBASE, Feature.LM);
    needs(Feature.PCID, Feature.LM);
    needs(Feature.LA57, Feature.LM);

    needs(Feature.KVMCLOCK, Feature.TSC, Feature.MSR);
    needs(Feature.KVMCLOCK_STABLE_BIT, Feature.KVMCLOCK);
    needs(Feature.KVM_STEAL_TIME, Feature.MSR);
    needs(Feature.KVM_PV_TLB_FLUSH, Feature.KVM_STEAL_TIME);
    needs(Feature.KVM_PV_EOI, Feature.APIC);
    needs(Feature.KVM_PV_IPI, Feature.APIC);
  }

  private Prerequisites() {}

  private static void needs(Feature feature, Feature... others) {
    NEEDS.put(feature, Set.of(others));
  }

  /** What this feature needs at once; those may need others in turn. */
  static Set<Feature> of(Feature feature) {
    return NEEDS.getOrDefault(feature, Set.of());
  }

  /**
   * @throws IllegalArgumentException when one of the features lacks what it needs; the message is
   *     one line
   */
  static void check(Set<Feature> features) {
    for (Feature feature : features) {
      for (Feature needed : Feature.values()) {
        if (of(feature).contains(needed) && !features.contains(needed)) {
          throw new IllegalArgumentException(
              "cpu feature %s needs %s, which is off"
                  .formatted(FeatureNames.of(feature), FeatureNames.of(needed)));
        }
      }
    }
  }
}
