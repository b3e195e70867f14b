package lodge.cli.doctor;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Memory and processor time for guests, and in which pages. */
final class MemoryChecks {
  private static final String MEMINFO = "/proc/meminfo";
  private static final String TRANSPARENT = "/sys/kernel/mm/transparent_hugepage/enabled";

  /** A guest of the usual 512 MiB, and as much for the JVM. */
  private static final long ENOUGH = 1L << 30;

  private static final String LESS = "give guests less than 512M with --memory";

  private MemoryChecks() {}

  static Finding available(Host host) {
    Optional<Long> bytes = number(host, "MemAvailable").map(kilobytes -> kilobytes << 10);
    return bytes
        .map(
            free ->
                free < ENOUGH
                    ? Finding.warn(gibibytes(free) + " available", "free some, or " + LESS)
                    : Finding.pass(gibibytes(free) + " available"))
        .orElseGet(() -> Finding.note(MEMINFO + " does not tell"));
  }

  static Finding limit(Host host) {
    OptionalLong limit = new Cgroup(host).memory();
    if (limit.isEmpty()) {
      return Finding.pass("no limit");
    }
    String found = "at most " + gibibytes(limit.getAsLong());
    return limit.getAsLong() < ENOUGH
        ? Finding.warn(found, "raise the limit, as with docker run --memory, or " + LESS)
        : Finding.pass(found);
  }

  static Finding processors(Host host) {
    OptionalDouble limit = new Cgroup(host).processors();
    if (limit.isEmpty()) {
      return Finding.pass("no limit");
    }
    String found = String.format(Locale.ROOT, "at most %.1f", limit.getAsDouble());
    return limit.getAsDouble() < 1
        ? Finding.warn(
            found,
            "the guest shares it with the JVM's compilers: raise the limit, as with docker run"
                + " --cpus")
        : Finding.pass(found);
  }

  static Finding transparent(Host host) {
    String advice = "as root: echo madvise > " + TRANSPARENT;
    return host.text(TRANSPARENT)
        .map(
            modes ->
                modes.matches(".*\\[(always|madvise)].*")
                    ? Finding.pass(modes.replaceAll(".*\\[|].*", ""))
                    : Finding.warn("switched off; translated code runs slower", advice))
        .orElseGet(() -> Finding.note("this kernel has none"));
  }

  /** Lodge takes transparent ones only, so what is reserved is lost for guests. */
  static Finding reserved(Host host) {
    long count = number(host, "HugePages_Free").orElse(0L);
    long size = number(host, "Hugepagesize").orElse(0L);
    return count == 0
        ? Finding.pass("none, and none is needed")
        : Finding.note(
            "%d of %d kB are free, and Lodge does not use them".formatted(count, size),
            "where nobody needs them, as root: sysctl vm.nr_hugepages=0");
  }

  /** A field of the kernel's without its unit, which is kB where it has one. */
  private static Optional<Long> number(Host host, String field) {
    return host.field(MEMINFO, field)
        .map(text -> text.replaceAll(" .*", ""))
        .filter(digits -> digits.matches("\\d{1,15}"))
        .map(Long::parseLong);
  }

  static String gibibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
  }
}
