package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import lodge.machine.Drive;
import lodge.machine.Drive.Kind;
import lodge.machine.MachineBuilder;
import lodge.machine.Outcome;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Linux that is told to do without message-signaled interrupts: disks on the PCI bus use the pins
 * of their slots, through the PIIX3 and the I/O APIC or the two 8259, and some of them share one.
 */
class IntxIT {
  private static final int MIB = 1 << 20;

  /** The second and third are routed to the same interrupt. */
  private static final List<String> VIRTIO = List.of("vda", "vdb", "vdc");

  private final List<MemoryDisk> virtio = new ArrayList<>();
  private final MemoryDisk ide = new MemoryDisk(4 * MIB);

  private MachineBuilder machine(String parameters) {
    MachineBuilder builder =
        TinyGuest.machine()
            .append(TinyGuest.guest().append() + " " + parameters)
            .drive(new Drive(ide, Kind.IDE_DISK, "ide"));
    for (String name : VIRTIO) {
      MemoryDisk disk = new MemoryDisk((virtio.size() + 1) * MIB);
      virtio.add(disk);
      builder.drive(new Drive(disk, Kind.VIRTIO_DISK, name));
    }
    return builder;
  }

  private static String md5(MemoryDisk disk) throws Exception {
    byte[] all = disk.part(0, (int) disk.size());
    return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(all));
  }

  /** A line of /proc/interrupts: the interrupt has come, by way of this controller. */
  private static String interrupt(int number, String controller, String... drivers) {
    return "(?m)^ *%d:[ 0]*[1-9][0-9 ]* +%s .*%s"
        .formatted(number, controller, String.join(".*", drivers));
  }

  @ParameterizedTest
  @CsvSource({"pci=nomsi, 4, IO-APIC", "pci=nomsi noapic, 1, XT-PIC"})
  void disksInterruptByTheirPins(String parameters, int cpus, String controller) throws Exception {
    try (GuestShell guest = new GuestShell(machine(parameters).cpus(cpus))) {
      guest.awaitPrompt();
      guest.run("until [ -b /dev/sda ]; do usleep 10000; done");
      assertThat(
              guest
                  .run(
                      "for d in vda vdb vdc sda; do dd if=/dev/$d of=/tmp/$d bs=64k iflag=direct"
                          + " 2>/dev/null & done; wait; (cd /tmp; md5sum vda vdb vdc sda)")
                  .output())
          .isEqualTo(
              "%s  vda\n%s  vdb\n%s  vdc\n%s  sda\n"
                  .formatted(md5(virtio.get(0)), md5(virtio.get(1)), md5(virtio.get(2)), md5(ide)));
      assertThat(guest.run("cat /proc/interrupts").output())
          .containsPattern(interrupt(11, controller, "virtio0"))
          .containsPattern(interrupt(10, controller, "virtio1", "virtio2"))
          .containsPattern(interrupt(14, controller, "ata_piix"))
          .doesNotContain("MSI");
      assertThat(guest.run("dmesg").output())
          .doesNotContain("nobody cared")
          .doesNotContain("Disabling IRQ")
          .doesNotContain("lost interrupt");
      guest.type("poweroff -f\n");
      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    }
  }
}
