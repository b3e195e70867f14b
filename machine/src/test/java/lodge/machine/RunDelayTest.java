package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDelayTest {
  @TempDir private Path folder;

  @Test
  void isTheSecondNumberAsItIsNow() throws Exception {
    Path file = folder.resolve("schedstat");
    Files.writeString(file, "123 4567 89\n");
    try (RunDelay delay = new RunDelay(file)) {
      assertThat(delay.getAsLong()).isEqualTo(4567);
      Files.writeString(file, "124 45678 90\n");
      assertThat(delay.getAsLong()).isEqualTo(45678);
      Files.writeString(file, "what\n");
      assertThat(delay.getAsLong()).isZero();
    }
  }

  @Test
  void isNothingWhereTheHostDoesNotTell() throws Exception {
    try (RunDelay delay = new RunDelay(folder.resolve("none"))) {
      assertThat(delay.getAsLong()).isZero();
    }
  }
}
