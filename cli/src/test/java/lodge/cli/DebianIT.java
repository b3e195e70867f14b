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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guest {@code debian}, which is made at the first use: a whole system on a disk. */
class DebianIT {
  /** Files whose names count up, each told of once it and its name are on the disk. */
  private static final String WRITE_AND_TELL =
      """
      mkdir kept; i=0; while i=$((i+1)); do yes $i | head -c 100000 >kept/$i; \
      sync kept/$i kept; echo "<$i>"; done
      """;

  private static final String USER_DATA =
      """
      #cloud-config
      write_files:
      - path: /root/seeded
        content: "written\\n"
      runcmd:
      - echo ran >> /root/seeded
      """;

  private static Guest.Disk guest;

  @TempDir private Path home;

  @BeforeAll
  static void makeTheGuest() {
    assumeThat(List.of("mmdebstrap", "mke2fs", "grub-mkimage"))
        .as("the programs that make the guest, or root who can install them")
        .matches(
            names ->
                System.getProperty("user.name").equals("root")
                    || names.stream().allMatch(HostProgram::installed));
    guest =
        (Guest.Disk)
            new GuestCache(GuestCache.home(System.getenv()), Progress.silent())
                .guest(Recipe.named("debian", LodgeScript.ROOT.resolve("guests")));
  }

  /** A home of its own, in which the guest is that of the cache. */
  @BeforeEach
  void takeTheGuest() throws IOException {
    Path build = guest.image().getParent().toAbsolutePath();
    Path guests = Files.createDirectory(home.resolve("guests"));
    Files.createSymbolicLink(guests.resolve(build.getFileName()), build);
  }

  @Test
  void aMachineKeepsItsDiskHereAndUnderQemuAndWhenThePowerFails() throws Exception {
    Path seed = Files.writeString(home.resolve("user-data"), USER_DATA);
    try (SerialLine line = run("--cloud-init", "user-data=" + seed)) {
      line.login();
      line.type("cloud-init status --wait; cat seeded\n");
      line.await("status: done");
      line.await("written\r\nran\r\n");
      assertThat(debian().run().errors()).startsWith("lodge: machine 'debian' is running already");
      line.type("echo here > note\n");
      assertThat(line.powerOff()).isZero();
    }

    boolean carried = HostProgram.installed("qemu-system-x86_64");
    if (carried) {
      bootUnderQemu();
    } else {
      System.out.println("Not carried to QEMU and back: there is no qemu-system-x86_64");
    }

    int told;
    try (SerialLine line = run()) {
      line.login();
      line.type("echo \"[$(cat note)]\"; systemctl is-system-running --wait\n");
      line.await(carried ? "[here\r\nthere]" : "[here]");
      line.await("running");
      line.type(WRITE_AND_TELL);
      line.await("<25>");
      told = line.kill("<([0-9]+)>");
    }
    assertThat(told).isGreaterThanOrEqualTo(25);
    checkWithOtherPrograms(told);
  }

  private void bootUnderQemu() throws Exception {
    ProcessBuilder qemu =
        new ProcessBuilder("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512");
    qemu.command().addAll(List.of("-drive", "if=virtio,file=" + disk()));
    qemu.command().addAll(List.of("-nic", "none", "-display", "none", "-serial", "stdio"));
    try (SerialLine line =
        new SerialLine(qemu.redirectError(ProcessBuilder.Redirect.INHERIT).start())) {
      line.login();
      line.type("echo there >> note\n");
      assertThat(line.powerOff()).isZero();
    }
  }

  private void checkWithOtherPrograms(int told) throws Exception {
    assertThat(lodge("image", "check", disk().toString()).run().status()).isIn(0, 3);
    if (!Stream.of("qemu-img", "e2fsck", "debugfs").allMatch(HostProgram::installed)) {
      System.out.println("Not looked at from outside: qemu-img, e2fsck or debugfs are not there");
      return;
    }
    // Space that nobody uses is no loss.
    assertThat(HostProgram.status("qemu-img", "check", disk().toString())).isIn(0, 3);
    String partition = home.resolve("partition").toString();
    String image =
        "driver=raw,offset=1048576,file.driver=qcow2,file.file.driver=file,file.file.filename=";
    assertThat(
            HostProgram.status(
                "qemu-img", "convert", "-O", "raw", "--image-opts", image + disk(), partition))
        .isZero();
    assertThat(HostProgram.status("e2fsck", "-fy", partition)).isIn(0, 1);
    assertThat(HostProgram.status("e2fsck", "-fn", partition)).isZero();
    assertThat(HostProgram.status("debugfs", "-R", "rdump /root/kept " + home, partition)).isZero();
    for (int file = 1; file <= told; file++) {
      assertThat(Files.readString(home.resolve("kept/" + file)))
          .isEqualTo((file + "\n").repeat(100_000).substring(0, 100_000));
    }
  }

  @Test
  void anEphemeralMachineLeavesNothingEvenWhenItIsKilled() throws Exception {
    List<Path> before = files();
    try (SerialLine line = run("--ephemeral")) {
      line.await("Linux version");
    }

    assertThat(files()).isEqualTo(before);
  }

  @Test
  void aMachineIsNotRunOverAnotherBuildOfItsGuest() throws Exception {
    Path machine = Files.createDirectories(disk().getParent());
    Path build = guest.image().getParent().getFileName();
    Files.writeString(machine.resolve("base"), "debian guests/" + build + " " + "0".repeat(64));
    Files.createFile(disk());

    LodgeScript.Result run = debian().run();

    assertThat(run.errors())
        .hasLineCount(1)
        .contains("another build of the guest now", "remove " + machine + " to begin anew");
    assertThat(run.status()).isEqualTo(2);
  }

  private Path disk() {
    return home.resolve("machines/debian/disk.qcow2");
  }

  private LodgeScript debian(String... options) {
    String[] words =
        Stream.concat(Stream.of("run", "debian"), Stream.of(options)).toArray(String[]::new);
    return lodge(words).with("LODGE_HOME", home.toString());
  }

  private SerialLine run(String... options) throws IOException {
    return new SerialLine(debian(options).start());
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(home)) {
      return files.sorted().toList();
    }
  }
}
