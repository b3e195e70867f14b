package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import lodge.cli.guest.Guest;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.Progress;
import lodge.cli.guest.Recipe;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guest {@code debian}, which is made at the first use: a whole system on a disk. */
class DebianIT {
  private static final Path HOME = GuestCache.home(System.getenv()).toAbsolutePath();
  private static final String NAME = "test-" + ProcessHandle.current().pid();
  private static final Path MACHINE = HOME.resolve("machines").resolve(NAME);

  @TempDir private Path folder;

  @BeforeAll
  static void makeTheGuest() {
    assumeThat(List.of("mmdebstrap", "mke2fs", "grub-mkimage"))
        .as("the programs that make the guest, or root who can install them")
        .matches(
            names ->
                System.getProperty("user.name").equals("root")
                    || names.stream().allMatch(DebianIT::installed));
    guest();
  }

  @AfterEach
  void removeTheMachine() throws IOException {
    if (Files.exists(MACHINE)) {
      try (Stream<Path> files = Files.list(MACHINE)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(MACHINE);
    }
  }

  @Test
  void whatWasWrittenIsThereAtTheNextBoot() throws Exception {
    try (SerialLine first = new SerialLine(lodge("run", "debian", "--name", NAME).start())) {
      first.login();
      first.type("echo kept > note\n");
      assertThat(lodge("run", "debian", "--name", NAME).run().errors())
          .startsWith("lodge: machine '" + NAME + "' is running already");
      assertThat(first.powerOff()).isZero();
    }
    try (SerialLine second = new SerialLine(lodge("run", "debian", "--name", NAME).start())) {
      second.login();
      second.type("echo \"[$(cat note)]\"; systemctl is-system-running --wait\n");
      second.await("[kept]");
      second.await("running");
      assertThat(second.powerOff()).isZero();
    }
    checkTheImageWithOtherPrograms();
  }

  private void checkTheImageWithOtherPrograms() throws Exception {
    assumeThat(installed("qemu-img") && installed("e2fsck")).as("qemu-img and e2fsck").isTrue();
    Path disk = MACHINE.resolve("disk.qcow2");
    assertThat(status("qemu-img", "check", disk.toString())).isZero();
    Path raw = folder.resolve("raw");
    assertThat(status("qemu-img", "convert", "-O", "raw", disk.toString(), raw.toString()))
        .isZero();
    assertThat(status("e2fsck", "-fn", raw + "?offset=1048576")).isZero();
  }

  @Test
  void anEphemeralMachineLeavesNothingEvenWhenItIsKilled() throws Exception {
    List<Path> before = files();
    try (SerialLine line =
        new SerialLine(lodge("run", "debian", "--ephemeral", "--name", NAME).start())) {
      line.await("Run /init as init process");
    }

    assertThat(files()).isEqualTo(before);
  }

  @Test
  void aMachineIsNotRunOverAnotherBuildOfItsGuest() throws Exception {
    Files.createDirectories(MACHINE);
    String build = HOME.relativize(guest().image().getParent()).toString();
    Files.writeString(MACHINE.resolve("base"), "debian " + build + " " + "0".repeat(64) + "\n");
    Files.createFile(MACHINE.resolve("disk.qcow2"));

    LodgeScript.Result run = lodge("run", "debian", "--name", NAME).run();

    assertThat(run.errors())
        .hasLineCount(1)
        .contains("another build of the guest now", "remove " + MACHINE + " to begin anew");
    assertThat(run.status()).isEqualTo(2);
  }

  private static Guest.Disk guest() {
    return (Guest.Disk)
        new GuestCache(HOME, Progress.silent())
            .guest(Recipe.named("debian", LodgeScript.ROOT.resolve("guests")));
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(HOME)) {
      return files.sorted().toList();
    }
  }

  private static int status(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    return process.waitFor();
  }

  private static boolean installed(String program) {
    return Stream.of("/usr/bin", "/usr/sbin", "/bin", "/sbin")
        .anyMatch(bin -> Files.isExecutable(Path.of(bin, program)));
  }
}
