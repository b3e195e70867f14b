package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import lodge.cli.guest.BootMedia;
import lodge.cli.guest.Firmware;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.Progress;
import lodge.core.BlockBackend;
import lodge.disk.ImageFormat;
import lodge.machine.BootFrom;
import lodge.machine.Drive;
import lodge.machine.Drive.Kind;
import lodge.machine.Machine;
import lodge.machine.MachineBuilder;
import lodge.machine.Outcome;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** SeaBIOS, GRUB and Linux, one after the other, from disks and discs of all kinds. */
class FirmwareBootIT {
  private static final int MIB = 1 << 20;

  @TempDir private static Path folder;
  private static BootMedia media;
  private static Path disk;

  @BeforeAll
  static void makeTheMedia() throws Exception {
    List<String> missing = BootMedia.missing();
    if (!missing.isEmpty()) {
      System.out.println("skipped: packages are missing: " + String.join(", ", missing));
      abort("nothing to make boot disks with");
    }
    // Without messages, interrupts take the way that SeaBIOS has laid out.
    media = new BootMedia(folder, TinyGuest.guest(), "pci=nomsi");
    disk = media.disk();
  }

  private static MachineBuilder machine() {
    Path home = GuestCache.home(System.getenv());
    return Machine.builder()
        .firmware(Firmware.bios(home, Progress.silent()))
        .memory(TinyGuest.guest().memory());
  }

  private static Drive disk(Kind kind) throws Exception {
    return new Drive(ImageFormat.QCOW2.open(disk, false), kind, "boot");
  }

  private static String md5(BlockBackend backend) throws Exception {
    ByteBuffer start = ByteBuffer.allocate(MIB);
    backend.read(0, start);
    return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(start.array()));
  }

  /** Linux finds at its first disk or drive what firmware has booted. */
  private static void reads(GuestShell guest, String device, String md5) throws Exception {
    guest.run("until [ -b /dev/" + device + " ]; do usleep 10000; done");
    assertThat(guest.run("dd if=/dev/" + device + " bs=1M count=1 2>/dev/null | md5sum").output())
        .startsWith(md5);
    assertThat(guest.run("dmesg").output())
        .doesNotContain("nobody cared")
        .doesNotContain("I/O error");
    guest.type("poweroff -f\n");
    assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
  }

  @ParameterizedTest
  @CsvSource({
    "IDE_DISK, sda, 1, translator",
    "IDE_DISK, sda, 4, translator",
    "VIRTIO_DISK, vda, 4, translator",
    "IDE_DISK, sda, 1, interpreter"
  })
  void linuxComesFromADisk(Kind kind, String device, int cpus, String engine) throws Exception {
    Drive drive = disk(kind);
    String md5 = md5(drive.backend());
    try (GuestShell guest = new GuestShell(machine().cpus(cpus).engine(engine).drive(drive))) {
      guest.awaitPrompt();
      assertThat(guest.text())
          .contains("Booting from Hard Disk", "GRUB has started from hd0,msdos1");
      assertThat(guest.run("nproc").output()).isEqualTo(cpus + "\n");
      reads(guest, device, md5);
    }
  }

  @Test
  void linuxComesFromADiscBeforeTheDisk() throws Exception {
    BlockBackend disc = ImageFormat.RAW.open(media.disc(), true);
    String md5 = md5(disc);
    MachineBuilder builder =
        machine()
            .drive(disk(Kind.VIRTIO_DISK))
            .drive(new Drive(disc, Kind.IDE_CDROM, "disc"))
            .bootFrom(BootFrom.CDROM);
    try (GuestShell guest = new GuestShell(builder)) {
      guest.awaitPrompt();
      assertThat(guest.text()).contains("Booting from DVD/CD", "GRUB has started from cd");
      reads(guest, "sr0", md5);
    }
  }
}
