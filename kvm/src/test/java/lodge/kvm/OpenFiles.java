package lodge.kvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What this process has of KVM's. */
final class OpenFiles {
  private OpenFiles() {}

  /** Open files of KVM: the device, machines and vCPUs; and counters such as doorbells'. */
  static long count() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.filter(OpenFiles::counts).count();
    }
  }

  /** Mappings of vCPUs' files. */
  static long mappings() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.filter(line -> line.contains("kvm-vcpu")).count();
    }
  }

  /** All mappings of this process. */
  static long allMappings() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.count();
    }
  }

  /** Memory that this process occupies, in MiB. */
  static long residentMib() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      String line = lines.filter(text -> text.startsWith("VmRSS:")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", "")) >> 10;
    }
  }

  private static boolean counts(Path fd) {
    try {
      String file = Files.readSymbolicLink(fd).toString();
      return file.contains("kvm") || file.contains("eventfd");
    } catch (IOException e) {
      // Closed meanwhile.
      return false;
    }
  }
}
