package lodge.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What the host's kernel tells about memory; empty where there is no {@code /proc}. */
final class HostMemory {
  private HostMemory() {}

  /** RAM and swap of the host in bytes. */
  static OptionalLong total() {
    OptionalLong ram = field(Path.of("/proc/meminfo"), "MemTotal:");
    long swap = field(Path.of("/proc/meminfo"), "SwapTotal:").orElse(0);
    return ram.isPresent() ? OptionalLong.of(ram.getAsLong() + swap) : ram;
  }

  /** What of this process, guest memory included, is in the host's RAM now; in bytes. */
  static OptionalLong resident() {
    return field(Path.of("/proc/self/status"), "VmRSS:");
  }

  /** A line such as {@code MemTotal: 24684084 kB}. */
  private static OptionalLong field(Path file, String name) {
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith(name)) {
          return OptionalLong.of(
              Long.parseLong(line.substring(name.length()).replace("kB", "").strip()) << 10);
        }
      }
    } catch (IOException | NumberFormatException e) {
      // Not a Linux host: there is nothing to tell.
    }
    return OptionalLong.empty();
  }
}
