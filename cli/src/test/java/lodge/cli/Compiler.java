package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The host's C compiler, and the host as the one that knows what a program should print. */
final class Compiler {
  /** So that the host's C library computes with the instructions that the guest has. */
  private static final Map<String, String> GUEST_LEVEL =
      Map.of("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX512F,-AVX512VL");

  /**
   * What a program did.
   *
   * @param output standard output and standard error
   */
  record Ran(int status, String output) {}

  private Compiler() {}

  /**
   * A program from the test's resources, compiled; empty when this host's compiler cannot do that.
   */
  static Optional<Path> compile(Path folder, String name, String... options)
      throws IOException, InterruptedException {
    Path source = folder.resolve(name + ".c");
    try (var resource = Compiler.class.getResourceAsStream("/programs/" + name + ".c")) {
      Files.write(source, resource.readAllBytes());
    }
    Path program = folder.resolve(name + String.join("", options).replace("/", "_"));
    List<String> command = new ArrayList<>(List.of("gcc", "-O2", "-Wall", "-static"));
    command.addAll(List.of(options));
    command.addAll(List.of("-o", program.toString(), source.toString(), "-lm", "-lpthread"));
    try {
      Ran compiled = run(folder, command, Map.of());
      if (compiled.status() != 0) {
        System.err.println(compiled.output().lines().findFirst().orElse("gcc failed"));
      }
      return compiled.status() == 0 ? Optional.of(program) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // no compiler at all
    }
  }

  /** What the program does on the host's own processor. */
  static String onTheHost(Path program, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    Ran ran = run(program.getParent(), command, GUEST_LEVEL);
    assertThat(ran.status()).as(program + " on the host: " + ran.output()).isZero();
    return ran.output();
  }

  private static Ran run(Path folder, List<String> command, Map<String, String> environment)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ran(process.waitFor(), output);
  }
}
