package lodge.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Programs of the host that tests compare with. */
final class HostProgram {
  private HostProgram() {}

  static boolean installed(String program) {
    return find(program).findFirst().isPresent();
  }

  /** Runs one and returns its exit status; what it prints is not looked at. */
  static int status(String program, String... arguments) throws IOException, InterruptedException {
    String path = find(program).findFirst().orElse(Path.of(program)).toString();
    Process process =
        new ProcessBuilder(
                Stream.concat(Stream.of(path), Stream.of(arguments)).toArray(String[]::new))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor();
  }

  private static Stream<Path> find(String program) {
    return Stream.of("/usr/bin", "/usr/sbin", "/bin", "/sbin")
        .map(folder -> Path.of(folder, program))
        .filter(Files::isExecutable);
  }
}
