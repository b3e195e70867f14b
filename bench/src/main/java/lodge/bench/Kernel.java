package lodge.bench;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kernels of {@code guest-bench.c} and what it prints about them. */
final class Kernel {
  static final List<String> NAMES =
      List.of(
          "sieve", "crc32", "qsort", "interp", "mandel", "matmul", "libm", "chase", "memcpy",
          "syscall", "fault", "fork", "pipe");

  /**
   * Guest instructions in one round, in millions, as counted once by an instruction-exact emulator.
   */
  private static final Map<String, Double> MILLIONS =
      Map.ofEntries(
          Map.entry("sieve", 18.8),
          Map.entry("crc32", 8.5),
          Map.entry("qsort", 47.6),
          Map.entry("interp", 32.6),
          Map.entry("mandel", 57.7),
          Map.entry("matmul", 14.9),
          Map.entry("libm", 41.9),
          Map.entry("chase", 3.2),
          Map.entry("memcpy", 6.0),
          Map.entry("syscall", 7.1),
          Map.entry("fault", 20.0),
          Map.entry("fork", 84.0),
          Map.entry("pipe", 28.0));

  private static final Pattern LINE = Pattern.compile("BENCH (\\w+) +best_ms ([0-9.]+)");

  private Kernel() {}

  /** Millions of guest instructions a second when one round takes {@code milliseconds}. */
  static double mips(String name, double milliseconds) {
    return MILLIONS.get(name) / milliseconds * 1000;
  }

  /** Best milliseconds by kernel, from the program's output. */
  static Map<String, Double> results(String output) {
    Map<String, Double> results = new HashMap<>();
    Matcher matcher = LINE.matcher(output);
    while (matcher.find()) {
      results.put(matcher.group(1), Double.parseDouble(matcher.group(2)));
    }
    return results;
  }
}
