package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The doctor as it is started by people. */
class DoctorIT {
  @TempDir private Path folder;

  @Test
  void theScriptGivesTheJvmAllItsOptions() throws Exception {
    LodgeScript.Result run = lodge("doctor").with("LODGE_HOME", folder.toString()).run();

    assertThat(run.errors()).isEmpty();
    assertThat(run.status()).isZero();
    assertThat(run.text().lines())
        .anyMatch(line -> line.matches("  Checking for the JVM's options +: PASS"))
        .anyMatch(
            line ->
                line.matches("  Checking for space for guests +: \\w+ .*\\Q" + folder + "\\E\\)"));
  }

  @Test
  void withAlmostNothingOnThePathItSaysWhatGuestsByNameLack() throws Exception {
    for (String name : new String[] {"bash", "readlink", "dirname", "sed", "find", "env"}) {
      Path program = Path.of("/usr/bin", name);
      Files.createSymbolicLink(
          folder.resolve(name), Files.exists(program) ? program : Path.of("/bin", name));
    }

    LodgeScript.Result run =
        lodge("doctor")
            .with("PATH", folder.toString())
            .with("JAVA_HOME", System.getProperty("java.home"))
            .run();

    assertThat(run.errors()).isEmpty();
    assertThat(run.status()).isZero();
    assertThat(run.text())
        .containsPattern("apt, for guests by name +: WARN \\(no apt-get, apt-cache, ");
  }
}
