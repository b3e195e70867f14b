package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import lodge.cli.guest.Guest;
import org.junit.jupiter.api.Test;

/** The README's program: a machine in somebody's own program, with nothing but Lodge's jars. */
class EmbeddingIT {
  private static final Path PROGRAM = Path.of("src/test/resources/embedding/Boot.java");
  private static final List<String> MODULES = List.of("core", "cpu", "devices", "machine");

  @Test
  void thePlainProgramOfTheReadmeBootsAMachine() throws Exception {
    Guest.RamDisk guest = TinyGuest.guest();
    String modules =
        MODULES.stream().map(EmbeddingIT::jar).map(Path::toString).collect(Collectors.joining(":"));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--module-path",
                modules,
                "--add-modules",
                "lodge.machine",
                "--enable-native-access=lodge.core",
                PROGRAM.toString(),
                guest.kernel().toString(),
                guest.initrd().toString())
            .redirectErrorStream(true)
            .start();
    try (var keys = process.getOutputStream()) {
      keys.write("uname -m; poweroff -f\n".getBytes(StandardCharsets.US_ASCII));
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(output).contains("Linux version").contains("\nx86_64").contains("PowerOff");
    assertThat(process.waitFor()).isZero();
  }

  @Test
  void theReadmeShowsThatProgram() throws Exception {
    assertThat(Files.readString(LodgeScript.ROOT.resolve("README.md")))
        .contains(Files.readString(PROGRAM));
  }

  private static Path jar(String module) {
    Path target = LodgeScript.ROOT.resolve(module).resolve("target");
    try (var files = Files.newDirectoryStream(target, "lodge-" + module + "-*.jar")) {
      return files.iterator().next();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
