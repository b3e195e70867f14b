package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TraceFileTest {
  @TempDir private Path folder;

  private final List<String> complaints = new ArrayList<>();

  @Test
  void whatIsToldReplacesWhatWasThere() throws IOException {
    Path path = Files.writeString(folder.resolve("trace"), "what was there before");

    try (TraceFile trace = TraceFile.open(path.toString(), complaints::add)) {
      trace.begin();
      trace.accept("one\n");
      trace.accept("two\n");
    }

    assertThat(path).hasContent("one\ntwo\n");
    assertThat(complaints).isEmpty();
  }

  @Test
  void aFullDiskIsToldOnceAndDisturbsNobody() throws IOException {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.isWritable(full), "there is no /dev/full");

    try (TraceFile trace = TraceFile.open(full.toString(), complaints::add)) {
      trace.begin();
      for (int i = 0; i < 3; i++) {
        trace.accept("x".repeat(100_000));
      }
    }

    assertThat(complaints)
        .singleElement()
        .asString()
        .startsWith("--trace-translation /dev/full cannot be written, the trace ends here: ")
        .hasLineCount(1);
  }
}
