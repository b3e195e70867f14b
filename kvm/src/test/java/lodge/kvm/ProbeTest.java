package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProbeTest {
  @BeforeEach
  void check() {
    KvmAvailable.check();
  }

  @Test
  void eitherNothingIsInTheWayOfKernelsOrOneLineSaysWhat() {
    Optional<String> objection = new KvmEngine().objection();
    System.out.println("this KVM runs kernels: " + objection.orElse("yes"));
    objection.ifPresent(line -> assertThat(line).startsWith("the host's KVM ").hasLineCount(1));
  }

  @Test
  void aGuestThatHangsIsAnObjectionAndIsEnded() throws Exception {
    long files = OpenFiles.count();
    // 1: jmp 1b
    assertThat(Probe.run(new KvmEngine(), "ebfe"))
        .contains("the host's KVM does not come to the end of a guest of 30 instructions");
    while (isProbing() || OpenFiles.count() != files) {
      Thread.yield();
    }
  }

  private static boolean isProbing() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals(Probe.THREAD));
  }

  @Test
  void theProbeLeavesNothingOpen() throws Exception {
    long files = OpenFiles.count();
    for (int i = 0; i < 3; i++) {
      new KvmEngine().objection();
    }
    // One that a busy host has kept for too long cleans up when it is through.
    while (OpenFiles.count() != files) {
      Thread.yield();
    }
  }
}
