package lodge.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What exits of guests on KVM cost, beside a minimal loop in C. The measured side is in {@code
 * kvm}.
 */
final class KvmExits {
  private final Path root;

  KvmExits(Path root) {
    this.root = root;
  }

  /**
   * Builds both sides and runs them.
   *
   * @return the exit status, 0 when all went well
   */
  int run() throws IOException, InterruptedException {
    Path program = Files.createTempFile("kvm-exits", "");
    try {
      int built =
          execute(
              List.of(
                  root.resolve("build").toString(), "-q", "-pl", "core,cpu,kvm", "test-compile"));
      if (built == 0) {
        String source = root.resolve("bench/kvm-exits.c").toString();
        built = execute(List.of("gcc", "-O2", "-o", program.toString(), source));
      }
      return built == 0 ? execute(measure(program)) : built;
    } finally {
      Files.delete(program);
    }
  }

  private List<String> measure(Path program) {
    String path =
        String.join(
            File.pathSeparator,
            root.resolve("kvm/target/test-classes").toString(),
            root.resolve("kvm/target/classes").toString(),
            root.resolve("cpu/target/classes").toString(),
            root.resolve("core/target/classes").toString());
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        path,
        "lodge.kvm.KvmBench",
        program.toString());
  }

  private static int execute(List<String> command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
