package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hosts whose KVM cannot do what is asked, made of this one: who names it gets one line and status
 * 2, and {@code auto} takes the translator, with the same reason.
 */
@Timeout(120)
class NoKvmIT {
  private static final String DEVICE = "/dev/kvm";

  /** What a JVM needs of {@code /dev} and no more, for who is started from here. */
  private static final String WITHOUT_DEVICE =
      """
      dev=$(mktemp -d)
      trap 'umount $dev/* && rm -r $dev' EXIT
      for node in null zero random urandom; do
        : >$dev/$node && mount --bind /dev/$node $dev/$node || exit 99
      done
      mount --rbind $dev /dev || exit 99
      "$@"; status=$?; umount -R /dev; exit $status\
      """;

  private static final String OTHER_DEVICE = "mount --bind /dev/null /dev/kvm && exec \"$@\"";

  @TempDir private Path folder;
  private Path kernel;

  private record Result(int status, String output) {}

  @BeforeEach
  void writeKernel() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    // mov al, 42; out 0xf4, al; hlt
    kernel = PvhKernel.write(folder.resolve("kernel"), 0xB0, 42, 0xE6, 0xF4, 0xF4);
  }

  /** Runs the kernel behind what changes the host. */
  private Result run(List<String> change, String... options) throws Exception {
    List<String> command = new ArrayList<>(change);
    command.addAll(List.of(LodgeScript.ROOT.resolve("lodge").toString(), "run"));
    command.addAll(List.of("--kernel", kernel.toString()));
    command.addAll(List.of(options));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(100, TimeUnit.SECONDS)).isTrue();
    return new Result(process.exitValue(), output);
  }

  private static boolean succeeds(List<String> change, String... command) throws Exception {
    List<String> whole = new ArrayList<>(change);
    whole.addAll(List.of(command));
    return new ProcessBuilder(whole).redirectErrorStream(true).start().waitFor() == 0;
  }

  private static void assume(boolean possible, String otherwise) {
    if (!possible) {
      System.out.println("not tried: " + otherwise);
      Assumptions.abort(otherwise);
    }
  }

  private static List<String> unshared(String script) throws Exception {
    List<String> change = List.of("unshare", "--mount", "sh", "-c", script, "sh");
    assume(succeeds(change, "true"), "this user cannot give a process devices of its own");
    return change;
  }

  private void leadsTo(String reason, List<String> change) throws Exception {
    Result named = run(change, "--engine", "kvm");
    assertThat(named.output()).startsWith("lodge: engine 'kvm': " + reason).hasLineCount(1);
    assertThat(named.status()).isEqualTo(2);
    Result automatic = run(change, "--engine", "auto");
    assertThat(automatic.output())
        .startsWith("lodge: engine translator: " + reason)
        .hasLineCount(1);
    assertThat(automatic.status()).isEqualTo(42);
  }

  @Test
  void withoutTheDeviceItIsSaidWhatMayBeTheReason() throws Exception {
    leadsTo("there is no /dev/kvm: the host's kernel has no KVM", unshared(WITHOUT_DEVICE));
  }

  @Test
  void aDeviceThatIsAnotherIsNoKvm() throws Exception {
    leadsTo("/dev/kvm is no KVM device", unshared(OTHER_DEVICE));
  }

  @Test
  void whoMayNotOpenItIsToldWhichGroupToJoin() throws Exception {
    List<String> nobody =
        List.of("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups");
    assume(
        succeeds(nobody, "test", "-x", LodgeScript.ROOT.resolve("lodge").toString()),
        "nobody else can be somebody who may run this Lodge");
    assume(
        Files.exists(Path.of(DEVICE)) && !succeeds(nobody, "test", "-r", DEVICE),
        DEVICE + " is missing or everybody's");
    leadsTo("no permission to open /dev/kvm: join the group ", nobody);
  }

  @Test
  void aProcessorThatKvmCannotGiveIsNamedWithWhatItLacks() throws Exception {
    assume(succeeds(List.of(), "test", "-w", DEVICE), "there is no " + DEVICE + " for this user");
    String reason = "cpu 'max,+la57': the engine kvm cannot give la57 here; 'max' is what it can";
    Result named = run(List.of(), "--engine", "kvm", "--cpu", "max,+la57");
    assertThat(named.output()).isEqualTo("lodge: " + reason + "\n");
    assertThat(named.status()).isEqualTo(2);
    Result automatic = run(List.of(), "--engine", "auto", "--cpu", "max,+la57");
    assertThat(automatic.output()).startsWith("lodge: engine translator: ").hasLineCount(1);
    assertThat(automatic.status()).isEqualTo(42);
  }
}
