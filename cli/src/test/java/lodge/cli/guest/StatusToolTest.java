package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StatusToolTest {
  /** The host's kernel refuses the port, so the program falls back to its exit status. */
  @Test
  void whereThePortIsOutOfReachTheStatusIsTheExitStatus(@TempDir Path folder) throws IOException {
    assumeThat(System.getProperty("os.arch")).isEqualTo("amd64");
    assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
    Path program = Files.write(folder.resolve("lodge-exit"), StatusTool.elf());
    program.toFile().setExecutable(true);
    for (int status : new int[] {0, 1, 42, 137, 255}) {
      assertThat(run(folder, program.toString(), Integer.toString(status))).isEqualTo(status);
    }
    assertThat(run(folder, program.toString())).isZero();
  }

  /** Runs without the right to touch the host's ports, which root has. */
  private static int run(Path folder, String... command) throws IOException {
    List<String> words = new ArrayList<>();
    if (System.getProperty("user.name").equals("root")) {
      words.addAll(List.of("setpriv", "--bounding-set=-sys_rawio", "--"));
    }
    words.addAll(List.of(command));
    return Tool.run(folder, words).status();
  }
}
