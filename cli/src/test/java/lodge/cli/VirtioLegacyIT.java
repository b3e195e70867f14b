package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.MessageDigest;
import java.util.HexFormat;
import lodge.machine.Device;
import lodge.machine.Drive;
import lodge.machine.Outcome;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Debian's kernel, told to drive virtio devices as kernels from before virtio 1.0 did. */
class VirtioLegacyIT {
  private static final int MIB = 1 << 20;
  private static final String LOAD =
      "load() { f=$(echo /lib/modules/$1.ko*); shift; insmod $f \"$@\"; };"
          + " rmmod virtio_blk; rmmod virtio_pci; load virtio_pci force_legacy=1; load virtio_blk;"
          + " load virtio-rng";

  private GuestShell guest;

  /** What a command prints, which must succeed, without the last line's end. */
  private String run(String command) throws Exception {
    GuestShell.Result result = guest.run(command);
    assertThat(result.status()).as("%s: %s", command, result.output()).isZero();
    return result.output().strip();
  }

  private static String md5(MemoryDisk disk) throws Exception {
    byte[] all = disk.part(0, (int) disk.size());
    return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(all));
  }

  @ParameterizedTest
  @CsvSource({"'', PCI-MSI", "pci=nomsi, IO-APIC"})
  void aLegacyDriverReadsAndWrites(String append, String interrupts) throws Exception {
    MemoryDisk disk = new MemoryDisk(8 * MIB);
    Drive drive = new Drive(disk, Drive.Kind.VIRTIO_DISK, "legacy");
    try (GuestShell started =
        new GuestShell(
            TinyGuest.machine()
                .append(TinyGuest.guest().append() + " " + append)
                .cpus(2)
                .drive(drive)
                .device(new Device.VirtioRng()))) {
      guest = started;
      guest.awaitPrompt();
      run("dmesg -n 1");
      assertThat(run("cat /sys/bus/pci/devices/0000:00:04.0/device")).isEqualTo("0x1001");
      run(LOAD);
      run("until [ -b /dev/vda ]; do usleep 10000; done");
      assertThat(run("cat /sys/bus/virtio/devices/virtio0/features | cut -c 33-64"))
          .as("VERSION_1 and all behind it")
          .doesNotContain("1");
      assertThat(run("grep virtio /proc/interrupts")).contains(interrupts);
      assertThat(run("cat /sys/block/vda/serial")).isEqualTo("legacy");
      assertThat(run("md5sum < /dev/vda")).startsWith(md5(disk));
      run(
          "for i in 0 1 2 3; do dd if=/dev/hwrng of=/tmp/$i bs=64k count=2 iflag=fullblock"
              + " 2>/dev/null; dd if=/tmp/$i of=/dev/vda bs=128k seek=$((i * 8)) conv=fsync"
              + " 2>/dev/null & done; wait");
      assertThat(run("echo 3 > /proc/sys/vm/drop_caches; md5sum < /dev/vda")).startsWith(md5(disk));
      assertThat(run("cat /tmp/3 | md5sum"))
          .startsWith(run("dd if=/dev/vda bs=128k skip=24 count=1 2>/dev/null | md5sum"));
      assertThat(run("dmesg")).doesNotContain("I/O error");
      guest.type("poweroff -f\n");
      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    }
  }
}
