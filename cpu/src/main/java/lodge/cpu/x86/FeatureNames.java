package lodge.cpu.x86;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What people call features: QEMU's spelling, lower case with hyphens. QEMU's other names for the
 * same thing are understood too, and underscores for hyphens.
 */
public final class FeatureNames {
  private static final Map<Feature, String> NAMES = new EnumMap<>(Feature.class);
  private static final Map<String, Feature> FEATURES = new HashMap<>();

  static {
    for (Feature feature : Feature.values()) {
      NAMES.put(feature, feature.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }
    NAMES.put(Feature.X87, "fpu");
    NAMES.put(Feature.CLFSH, "clflush");
    NAMES.put(Feature.SSE3, "pni");
    NAMES.put(Feature.SSE41, "sse4.1");
    NAMES.put(Feature.SSE42, "sse4.2");
    NAMES.put(Feature.SHA, "sha-ni");
    NAMES.put(Feature.LAHF64, "lahf-lm");
    NAMES.put(Feature.LZCNT, "abm");
    NAMES.put(Feature.PREFETCHW, "3dnowprefetch");
    NAMES.put(Feature.GB_PAGES, "pdpe1gb");
    NAMES.put(Feature.INVARIANT_TSC, "invtsc");
    NAMES.forEach((feature, name) -> FEATURES.put(name, feature));
    FEATURES.put("sse3", Feature.SSE3);
    FEATURES.put("sse4-1", Feature.SSE41);
    FEATURES.put("sse4-2", Feature.SSE42);
    FEATURES.put("pclmuldq", Feature.PCLMULQDQ);
    FEATURES.put("xd", Feature.NX);
    FEATURES.put("i64", Feature.LM);
    FEATURES.put("lzcnt", Feature.LZCNT);
  }

  private FeatureNames() {}

  public static String of(Feature feature) {
    return NAMES.get(feature);
  }

  /** The feature that goes by this name, or null when there is none. */
  static Feature parse(String name) {
    return FEATURES.get(name.replace('_', '-'));
  }
}
