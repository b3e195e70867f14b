package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.MessageDigest;
import java.util.HexFormat;
import lodge.machine.Drive;
import lodge.machine.Outcome;
import org.junit.jupiter.api.Test;

/** Debian's kernel, whose ACPI driver for hot-plug is built in, and disks that come and go. */
class HotplugIT {
  private static final int MIB = 1 << 20;

  private GuestShell guest;

  private static Drive drive(MemoryDisk disk, String serial) {
    return new Drive(disk, Drive.Kind.VIRTIO_DISK, serial);
  }

  private static String md5(MemoryDisk disk) throws Exception {
    byte[] all = disk.part(0, (int) disk.size());
    return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(all));
  }

  /** What a command prints, which must succeed, without the last line's end. */
  private String run(String command) throws Exception {
    GuestShell.Result result = guest.run(command);
    assertThat(result.status()).as("%s: %s", command, result.output()).isZero();
    return result.output().strip();
  }

  private void awaitThat(String condition) throws Exception {
    run("until " + condition + "; do usleep 10000; done");
  }

  @Test
  void disksComeAndGoWhileTheGuestRuns() throws Exception {
    MemoryDisk first = new MemoryDisk(2 * MIB);
    MemoryDisk second = new MemoryDisk(4 * MIB);
    MemoryDisk third = new MemoryDisk(MIB);
    Drive firstDrive = drive(first, "first");
    Drive secondDrive = drive(second, "second");
    try (GuestShell started = new GuestShell(TinyGuest.machine().cpus(2).drive(firstDrive))) {
      guest = started;
      guest.awaitPrompt();
      assertThat(run("ls /sys/bus/pci/slots")).contains("4").contains("31").doesNotContain("3\n");

      assertThat(guest.machine().plug(secondDrive)).isEqualTo(5);
      awaitThat("[ -b /dev/vdb ]");
      assertThat(run("cat /sys/block/vdb/serial")).isEqualTo("second");
      assertThat(run("md5sum < /dev/vdb")).startsWith(md5(second));
      run("dd if=/dev/vda of=/dev/vdb bs=64k seek=16 conv=fsync 2>/dev/null");
      assertThat(second.part(MIB, 2 * MIB)).isEqualTo(first.part(0, 2 * MIB));

      var out = guest.machine().unplug(firstDrive);
      awaitThat("[ ! -e /dev/vda ]");
      out.get();
      assertThat(run("cat /sys/bus/pci/slots/4/power")).isEqualTo("0");
      assertThat(guest.run("cat /sys/bus/pci/devices/0000:00:04.0/vendor").status()).isNotZero();

      run("echo 0 > /sys/bus/pci/slots/5/power");
      awaitThat("[ ! -e /dev/vdb ]");

      guest.machine().plug(drive(third, "third"), 31);
      awaitThat("[ -b /dev/vda ]");
      assertThat(run("md5sum < /dev/vda")).startsWith(md5(third));
      assertThat(run("cat /sys/bus/pci/slots/31/address")).isEqualTo("0000:00:1f");
      assertThat(run("dmesg")).doesNotContain("ACPI Error").doesNotContain("I/O error");
      guest.type("poweroff -f\n");
      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    }
  }
}
