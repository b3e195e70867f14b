package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Stream;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Machines of two processors on KVM, with its local APICs and doorbells, one after the other.
 * {@code -Dlodge.kvm.cycles=N} makes more of them than a quick test can.
 */
@Timeout(3600)
class KvmLeakTest {
  private static final int CYCLES = Integer.getInteger("lodge.kvm.cycles", 20);

  /** Until the JVM has opened what it needs. */
  private static final int WARM_UP = 5;

  /**
   * Places BAR 4 of the virtio function in slot 4 and enables memory: doorbells. mov dx, 0xcf8 and
   * so on; then al = 5; out 0xf4, al; hlt.
   */
  private static final String GUEST =
      "66baf80c b820200080 ef 66bafc0c b8000000e0 ef"
          + " 66baf80c b804200080 ef 66bafc0c b806000000 ef b005 e6f4 f4";

  @TempDir Path folder;

  private static long openFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }

  private static long mappings(String name) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.filter(line -> line.contains(name)).count();
    }
  }

  private void run(Path kernel, int machines) throws Exception {
    for (int i = 0; i < machines; i++) {
      try (Machine machine =
          Machine.builder()
              .kernel(kernel)
              .memory(32 << 20)
              .cpus(2)
              .engine("kvm")
              .device(new Device.IsaDebugExit())
              .device(new Device.VirtioRng())
              .serial(SerialConsole.of(new ByteArrayOutputStream()))
              .build()) {
        machine.start();
        assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(11));
      }
    }
  }

  @Test
  void machinesThatAreClosedLeaveNothing() throws Exception {
    if (!GuestCodeTest.engines().contains("kvm")) {
      Assumptions.abort("there is no KVM");
    }
    byte[] code = HexFormat.of().parseHex(GUEST.replace(" ", ""));
    Path kernel = Files.write(folder.resolve("kernel"), TestKernels.multiboot(0, code));
    run(kernel, WARM_UP);
    long files = openFiles();
    int threads = Thread.activeCount();
    run(kernel, CYCLES);
    assertThat(openFiles()).isEqualTo(files);
    assertThat(mappings("kvm-vcpu")).isZero();
    assertThat(Thread.activeCount()).isEqualTo(threads);
  }
}
