package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import lodge.cli.guest.Progress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small scripts stand in for the one that starts Lodge. */
class AotCacheTest {
  @TempDir private Path folder;

  @Test
  void theTrainingRunWritesTheCache() throws Exception {
    make("echo \"$@\" > \"$LODGE_AOT_OUTPUT\"");

    assertThat(cache()).content().isEqualTo("run tiny -- true\n");
  }

  @Test
  void anEmptyFileSaysThatItDidNotWork() throws Exception {
    make("echo half > \"$LODGE_AOT_OUTPUT\"; exit 1");

    assertThat(cache()).isEmptyFile();
  }

  @Test
  void whatTheTrainingRunSaysGoesToALog() throws Exception {
    make("echo said; echo cache > \"$LODGE_AOT_OUTPUT\"");

    assertThat(folder.resolve("lodge.aot.log")).content().isEqualTo("said\n");
  }

  @Test
  void nothingIsMadeWhereNothingCanBeWritten() throws Exception {
    Path launcher = launcher("echo cache > \"$LODGE_AOT_OUTPUT\"");
    Path missing = folder.resolve("missing").resolve("lodge.aot");

    new AotCache(missing, launcher).make("tiny", Progress.silent());

    assertThat(missing.getParent()).doesNotExist();
  }

  private Path cache() {
    return folder.resolve("lodge.aot");
  }

  private void make(String script) throws IOException, InterruptedException {
    new AotCache(cache(), launcher(script)).make("tiny", Progress.silent());
  }

  private Path launcher(String script) throws IOException {
    Path launcher = folder.resolve("launcher");
    Files.writeString(launcher, "#!/bin/sh\n" + script + "\n");
    return Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwx------"));
  }
}
