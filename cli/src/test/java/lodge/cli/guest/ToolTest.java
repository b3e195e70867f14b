package lodge.cli.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ToolTest {
  @Test
  void aDaemonThatATiedProgramLeavesBehindIsEnded(@TempDir Path folder) throws Exception {
    Tool.Result result =
        Tool.runTied(
            folder,
            List.of("sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo $!"),
            Map.of(),
            _ -> {});

    long daemon = Long.parseLong(result.output().strip());
    ProcessHandle.of(daemon).ifPresent(left -> left.onExit().orTimeout(1, TimeUnit.MINUTES).join());
    assertThat(ProcessHandle.of(daemon)).isEmpty();
  }
}
