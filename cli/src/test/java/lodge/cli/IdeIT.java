package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import lodge.cli.guest.CpioWriter;
import lodge.cli.guest.Guest;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.GuestSession;
import lodge.cli.guest.Progress;
import lodge.cli.guest.Recipe;
import lodge.machine.Drive;
import lodge.machine.Drive.Kind;
import lodge.machine.Machine;
import lodge.machine.MachineBuilder;
import lodge.machine.Outcome;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Linux with two hard disks and two CD-ROM drives at the IDE controller, of which each second one
 * is used without DMA.
 */
class IdeIT {
  private static final int MIB = 1 << 20;
  private static final String LOAD =
      """
      load() { f=$(echo /modules/$1.ko*); shift; case $f in *.xz) unxz $f; f=${f%.xz};; esac; \
      insmod $f "$@"; }; load scsi_common; load scsi_mod; load libata force=1.01:pio4,2.01:pio4; \
      load cdrom; load sd_mod; load sr_mod; load isofs; load ata_piix\
      """;
  private static final String AWAIT =
      "until [ -b /dev/sda ] && [ -b /dev/sdb ] && [ -b /dev/sr0 ] && [ -b /dev/sr1 ]; do"
          + " usleep 10000; done";

  @TempDir private Path folder;

  private final MemoryDisk[] disks = {new MemoryDisk(32 * MIB), new MemoryDisk(4 * MIB)};

  private MachineBuilder machine(MemoryDisk disc) {
    Guest.RamDisk guest =
        (Guest.RamDisk)
            new GuestCache(GuestCache.home(System.getenv()), Progress.silent())
                .guest(Recipe.named("ide", Path.of("src/test/resources/guests")));
    // The prompt that GuestShell waits for.
    byte[] name =
        new CpioWriter().directory("etc", 0755).file("etc/hostname", 0644, "tiny\n").finish();
    return Machine.builder()
        .kernel(guest.kernel())
        .initrd(new Path[] {guest.initrd()})
        .initrd(GuestSession.shell("dumb", 24, 80))
        .initrd(name)
        .append(guest.append())
        .memory(guest.memory())
        .drive(new Drive(disks[0], Kind.IDE_DISK, "LODGE-DMA"))
        .drive(new Drive(disks[1], Kind.IDE_DISK, "LODGE-PIO"))
        .drive(new Drive(disc, Kind.IDE_CDROM, "LODGE-CD1"))
        .drive(new Drive(disc, Kind.IDE_CDROM, "LODGE-CD2"));
  }

  /** A disc with one file. */
  private byte[] disc(byte[] content) throws IOException, InterruptedException {
    Path files = Files.createDirectory(folder.resolve("files"));
    Files.write(files.resolve("content"), content);
    Path image = folder.resolve("image.iso");
    try {
      Process tool =
          new ProcessBuilder(
                  "xorriso",
                  "-as",
                  "mkisofs",
                  "-quiet",
                  "-R",
                  "-o",
                  image.toString(),
                  files.toString())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("xorriso").toFile())
              .start();
      assertThat(tool.waitFor()).as("xorriso").isZero();
    } catch (IOException e) {
      abort("no xorriso here (the package xorriso): " + e.getMessage());
    }
    return Files.readAllBytes(image);
  }

  /** What Linux calls the disk at this host, channel, target and unit. */
  private static String name(GuestShell guest, String place) throws Exception {
    return guest.run("ls /sys/bus/scsi/devices/" + place + "/block").output().strip();
  }

  private static String md5(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
  }

  @ParameterizedTest
  @ValueSource(strings = {"translator", "interpreter"})
  void linuxReadsAndWritesWithAndWithoutDma(String engine) throws Exception {
    byte[] content = new byte[3 * MIB + 12345];
    new Random(8).nextBytes(content);
    MemoryDisk disc = new MemoryDisk(disc(content));
    try (GuestShell guest = new GuestShell(machine(disc).engine(engine))) {
      guest.awaitPrompt();
      assertThat(guest.run(LOAD).status()).isZero();
      guest.run(AWAIT);
      assertThat(guest.run("cat /sys/class/ata_device/dev[12].[01]/xfer_mode").output())
          .isEqualTo("XFER_MW_DMA_2\nXFER_PIO_4\nXFER_MW_DMA_2\nXFER_PIO_4\n");
      for (int i = 0; i < 2; i++) {
        // Linux names disks in the order in which it happens to be done with them.
        String device = "/dev/" + name(guest, "0:0:" + i + ":0");
        String drive = "/dev/" + name(guest, "1:0:" + i + ":0");
        byte[] all = disks[i].part(0, (int) disks[i].size());
        assertThat(guest.run("md5sum " + device).output()).startsWith(md5(all) + " ");
        assertThat(
                guest
                    .run(
                        "dd if=/dev/urandom of=/tmp/random bs=1M count=2 2>/dev/null; dd"
                            + " if=/tmp/random of="
                            + device
                            + " bs=64k seek=5 conv=fsync 2>/dev/null")
                    .status())
            .isZero();
        assertThat(guest.run("md5sum /tmp/random").output())
            .startsWith(md5(disks[i].part(5 << 16, 2 * MIB)) + " ");
        assertThat(disks[i].part(0, 5 << 16)).isEqualTo(Arrays.copyOf(all, 5 << 16));
        guest.run("mkdir /tmp/disc" + i);
        assertThat(guest.run("mount -r -t iso9660 " + drive + " /tmp/disc" + i).status()).isZero();
        assertThat(guest.run("md5sum /tmp/disc" + i + "/content").output())
            .startsWith(md5(content) + " ");
      }
      assertThat(guest.run("dmesg").output())
          .doesNotContain("exception Emask")
          .doesNotContain("failed command")
          .doesNotContain("I/O error");
      guest.type("poweroff -f\n");
      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    }
  }
}
