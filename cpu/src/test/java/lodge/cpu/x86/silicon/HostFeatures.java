package lodge.cpu.x86.silicon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the host's processor is, as Linux tells. */
final class HostFeatures {
  /** Names in the opcode tables that user code can notice, and what Linux calls them. */
  private static final Map<String, String> FLAGS =
      Map.ofEntries(
          Map.entry("SSE3", "pni"),
          Map.entry("SSSE3", "ssse3"),
          Map.entry("SSE41", "sse4_1"),
          Map.entry("SSE42", "sse4_2"),
          Map.entry("POPCNT", "popcnt"),
          Map.entry("LZCNT", "abm"),
          Map.entry("MOVBE", "movbe"),
          Map.entry("BMI1", "bmi1"),
          Map.entry("BMI2", "bmi2"),
          Map.entry("ADX", "adx"),
          Map.entry("AES", "aes"),
          Map.entry("PCLMULQDQ", "pclmulqdq"),
          Map.entry("SHA", "sha_ni"),
          Map.entry("AVX", "avx"),
          Map.entry("AVX2", "avx2"),
          Map.entry("F16C", "f16c"),
          Map.entry("FMA", "fma"),
          Map.entry("VAES", "vaes"),
          Map.entry("VPCLMULQDQ", "vpclmulqdq"),
          Map.entry("CX16", "cx16"),
          Map.entry("LAHF64", "lahf_lm"),
          Map.entry("CLFLUSHOPT", "clflushopt"),
          Map.entry("CLWB", "clwb"),
          Map.entry("SERIALIZE", "serialize"),
          Map.entry("PREFETCHW", "3dnowprefetch"));

  private final Set<String> flags = new HashSet<>();
  private final String vendor;

  private HostFeatures(List<String> lines) {
    String found = "";
    for (String line : lines) {
      String value = line.substring(line.indexOf(':') + 1).strip();
      if (line.startsWith("flags")) {
        flags.addAll(List.of(value.split(" ")));
      } else if (line.startsWith("vendor_id")) {
        found = value;
      }
    }
    vendor = found;
  }

  static HostFeatures read() throws IOException {
    return new HostFeatures(Files.readAllLines(Path.of("/proc/cpuinfo")));
  }

  /** Why this processor is no reference at all; empty when it is one. */
  String obstacle() {
    if (!vendor.equals("GenuineIntel")) {
      return "what Intel's manual leaves open is done otherwise by a processor of " + vendor;
    }
    return flags.contains("avx") ? "" : "the host's processor has no AVX, whose state is loaded";
  }

  /** Whether the host runs a row that asks for {@code requirement}. */
  boolean has(String requirement) {
    for (String feature : requirement.split("\\+")) {
      String flag = FLAGS.get(feature);
      if (flag != null && !flags.contains(flag)) {
        return false;
      }
    }
    return true;
  }
}
