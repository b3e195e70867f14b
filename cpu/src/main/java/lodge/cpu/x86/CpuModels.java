package lodge.cpu.x86;

import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The processors that can be asked for by name: {@code max}, all that is implemented, and the
 * levels of the System V ABI for x86-64 (chapter 3.1.1), each of which has the instructions of its
 * level, what belongs to the first 64-bit processors beyond instructions, and what makes a virtual
 * machine run well without being an instruction: timers and x2APIC.
 */
public final class CpuModels {
  /** All that is implemented. */
  public static final String MAX = "max";

  private static final Set<Feature> BASE =
      EnumSet.of(
          Feature.VME,
          Feature.DE,
          Feature.PSE,
          Feature.TSC,
          Feature.MSR,
          Feature.PAE,
          Feature.MCE,
          Feature.APIC,
          Feature.SEP,
          Feature.MTRR,
          Feature.PGE,
          Feature.MCA,
          Feature.PAT,
          Feature.PSE36,
          Feature.CLFSH,
          Feature.NX,
          Feature.LM,
          Feature.X2APIC,
          Feature.TSC_DEADLINE,
          Feature.HYPERVISOR,
          Feature.KVMCLOCK,
          Feature.KVMCLOCK_STABLE_BIT,
          Feature.KVM_NOPIODELAY,
          Feature.KVM_STEAL_TIME,
          Feature.KVM_PV_EOI,
          Feature.KVM_PV_TLB_FLUSH,
          Feature.KVM_PV_IPI,
          Feature.ARAT,
          Feature.TSC_ADJUST,
          Feature.INVARIANT_TSC,
          Feature.FDP_EXCPTN_ONLY,
          Feature.ZERO_FCS_FDS,
          Feature.SPEC_CTRL,
          Feature.BHI_CTRL,
          Feature.ARCH_CAPABILITIES);

  private static final Set<Feature> V1 =
      EnumSet.of(
          Feature.X87,
          Feature.CX8,
          Feature.CMOV,
          Feature.FXSR,
          Feature.MMX,
          Feature.SYSCALL,
          Feature.SSE,
          Feature.SSE2);

  private static final Set<Feature> V2 =
      EnumSet.of(
          Feature.CX16,
          Feature.LAHF64,
          Feature.POPCNT,
          Feature.SSE3,
          Feature.SSE41,
          Feature.SSE42,
          Feature.SSSE3);

  private static final Set<Feature> V3 =
      EnumSet.of(
          Feature.AVX,
          Feature.AVX2,
          Feature.BMI1,
          Feature.BMI2,
          Feature.F16C,
          Feature.FMA,
          Feature.LZCNT,
          Feature.MOVBE,
          Feature.XSAVE);

  private static final Map<String, Set<Feature>> MODELS = models();

  private CpuModels() {}

  private static Map<String, Set<Feature>> models() {
    Map<String, Set<Feature>> models = new LinkedHashMap<>();
    models.put(MAX, CpuModel.implemented());
    EnumSet<Feature> level = EnumSet.copyOf(BASE);
    level.retainAll(CpuModel.implemented());
    int number = 1;
    for (Set<Feature> added : List.of(V1, V2, V3)) {
      level.addAll(added);
      models.put("x86-64-v" + number++, EnumSet.copyOf(level));
    }
    return models;
  }

  /** The models' names, {@code max} first. */
  public static List<String> names() {
    return List.copyOf(MODELS.keySet());
  }

  /** The features that a model may have: all that are implemented. */
  public static Set<Feature> features() {
    return Collections.unmodifiableSet(MODELS.get(MAX));
  }

  /** Of a set those features that have all in it that they need. */
  public static Set<Feature> consistent(Set<Feature> features) {
    EnumSet<Feature> left = EnumSet.copyOf(features);
    while (left.removeIf(feature -> !left.containsAll(Prerequisites.of(feature)))) {
      // What is gone may have been needed by others.
    }
    return left;
  }

  /**
   * Reads a model's name, or one followed by features to add and to take away, in their order:
   * {@code x86-64-v2,+aes,-popcnt}.
   *
   * @throws IllegalArgumentException when the model or a feature is unknown, or a feature lacks
   *     what it needs; the message is one line
   */
  public static CpuModel parse(String description) {
    String[] parts = description.split(",", -1);
    Set<Feature> named = MODELS.get(parts[0]);
    if (named == null) {
      throw new IllegalArgumentException(
          "cpu '" + parts[0] + "' is unknown; there are " + String.join(", ", names()));
    }
    EnumSet<Feature> features = EnumSet.copyOf(named);
    for (String change : List.of(parts).subList(1, parts.length)) {
      boolean adds = change.startsWith("+");
      if (!adds && !change.startsWith("-")) {
        throw new IllegalArgumentException(
            "cpu '" + description + "': '" + change + "' is no change; write +feature or -feature");
      }
      Feature feature = implemented(change.substring(1));
      if (adds) {
        features.add(feature);
      } else {
        features.remove(feature);
      }
    }
    if (!features.contains(Feature.LM)) {
      throw new IllegalArgumentException("cpu feature lm cannot be off: all models are 64-bit");
    }
    Prerequisites.check(features);
    return new CpuModel(description, features, 1);
  }

  /**
   * The features that a processor of a model is not without: all, but of {@code max}, which is
   * whatever there is, those that are added by name.
   *
   * @param description that {@link #parse} takes
   */
  public static Set<Feature> demanded(String description) {
    CpuModel model = parse(description);
    List<String> parts = List.of(description.split(",", -1));
    if (!parts.getFirst().equals(MAX)) {
      return model.features();
    }
    EnumSet<Feature> named = EnumSet.noneOf(Feature.class);
    parts.stream()
        .filter(change -> change.startsWith("+"))
        .map(change -> implemented(change.substring(1)))
        .filter(model::has)
        .forEach(named::add);
    return named;
  }

  private static Feature implemented(String name) {
    Feature feature = FeatureNames.parse(name);
    if (feature == null || !features().contains(feature)) {
      throw new IllegalArgumentException(
          "cpu feature '"
              + name
              + (feature == null ? "' is unknown" : "' is not implemented")
              + "; 'lodge cpu list' names all that there are");
    }
    return feature;
  }
}
