package lodge.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Lodge's own parts under JMH. The benchmarks are among the tests of {@code cpu}. */
final class Jmh {
  private final Path root;
  private final Path cpu;

  Jmh(Path root) {
    this.root = root;
    this.cpu = root.resolve("cpu");
  }

  /**
   * Builds the benchmarks and runs those whose name matches.
   *
   * @return the exit status, 0 when all went well
   */
  int run(String regex) throws IOException, InterruptedException {
    int built = execute(build());
    return built == 0 ? execute(benchmarks(regex)) : built;
  }

  private Path classPath() {
    return cpu.resolve("target/test.classpath");
  }

  private List<String> build() {
    return List.of(
        root.resolve("build").toString(),
        "-q",
        "-pl",
        "core,cpu",
        "test-compile",
        "dependency:build-classpath",
        "-DincludeScope=test",
        "-Dmdep.outputFile=target/" + classPath().getFileName());
  }

  /** What JMH starts has the same options: those of {@code lodge} that change what is compiled. */
  private List<String> benchmarks(String regex) throws IOException {
    String path =
        String.join(
            File.pathSeparator,
            cpu.resolve("target/test-classes").toString(),
            cpu.resolve("target/classes").toString(),
            Files.readString(classPath()).strip());
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:+UseCompactObjectHeaders",
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-DisplayVMOutput",
        "-XX:-ClipInlining",
        "-XX:PerMethodTrapLimit=1",
        "-XX:CompilerDirectivesFile=" + root.resolve("cli/src/main/jvm/compiler-directives.json"),
        "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        path,
        "org.openjdk.jmh.Main",
        "-f",
        "1",
        "-wi",
        "3",
        "-w",
        "1s",
        "-i",
        "5",
        "-r",
        "1s",
        regex);
  }

  private static int execute(List<String> command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }
}
