package lodge.cli.doctor;

import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The flags of the host's first processor, as {@code /proc/cpuinfo} of x86 names them. */
record Processor(Set<String> flags) {
  private static final String CPUINFO = "/proc/cpuinfo";

  /** Newer kernels have ept on a line of its own. */
  static Processor of(Host host) {
    return new Processor(
        Stream.of("flags", "vmx flags")
            .flatMap(line -> host.field(CPUINFO, line).stream())
            .flatMap(line -> Stream.of(line.split("\\s+")))
            .filter(Predicate.not(String::isEmpty))
            .collect(Collectors.toUnmodifiableSet()));
  }

  boolean has(String flag) {
    return flags.contains(flag);
  }

  boolean virtualizes() {
    return has("vmx") || has("svm");
  }
}
