package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import lodge.machine.Drive;
import lodge.machine.Outcome;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Debian's kernel and its virtio drivers. */
class VirtioIT {
  private static final int MIB = 1 << 20;
  private static final int LARGE = 8 * MIB;
  @TempDir private Path folder;

  private GuestShell guest;

  private Path file(String name, int size) throws IOException {
    byte[] content = new byte[size];
    new Random(name.hashCode()).nextBytes(content);
    return Files.write(folder.resolve(name), content);
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  /** What a command prints, which must succeed, without the last line's end. */
  private String run(String command) throws Exception {
    GuestShell.Result result = guest.run(command);
    assertThat(result.status()).as("%s: %s", command, result.output()).isZero();
    return result.output().strip();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void disksAreReadAndWritten(int cpus) throws Exception {
    Path first = file("first", LARGE);
    Path second = file("second", MIB);
    byte[] original = Files.readAllBytes(first);
    FileDisk disk = new FileDisk(first, false);
    Drive drive = new Drive(disk, Drive.Kind.VIRTIO_DISK, "lodge-0815");
    try (GuestShell started =
        new GuestShell(
            TinyGuest.machine()
                .cpus(cpus)
                .drive(drive)
                .drive(new Drive(new FileDisk(second, true), Drive.Kind.VIRTIO_DISK, "second")))) {
      guest = started;
      guest.awaitPrompt();
      run("dmesg -n 1");
      aDiskIsWhatItsDriveSays(cpus);
      readsGiveWhatIsInTheFile(original, cpus);
      writesReachTheFile(first, original);
      sectorsAreDiscarded(disk);
      aReadOnlyDiskIsNotWritten();
      aDiskGrows(disk, drive);
      assertThat(run("dmesg")).doesNotContain("I/O error, dev vda").doesNotContain("Call Trace");
      guest.type("poweroff -f\n");
      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    }
    assertThat(sha256(Files.readAllBytes(second)))
        .isEqualTo(sha256(Files.readAllBytes(file("second", MIB))));
  }

  private void aDiskIsWhatItsDriveSays(int cpus) throws Exception {
    assertThat(run("cat /sys/block/vda/size")).isEqualTo(Integer.toString(LARGE / 512));
    assertThat(run("cat /sys/block/vda/serial")).isEqualTo("lodge-0815");
    assertThat(run("cat /sys/block/vdb/serial")).isEqualTo("second");
    assertThat(run("ls /sys/block/vda/mq | wc -l")).isEqualTo(Integer.toString(cpus));
    assertThat(run("cat /sys/block/vda/queue/physical_block_size")).isEqualTo("4096");
    assertThat(run("cat /sys/block/vda/cache_type")).isEqualTo("write back");
    assertThat(run("cat /proc/interrupts")).contains("virtio0-req.0").contains("PCI-MSI");
    assertThat(run("cat /sys/bus/virtio/devices/virtio0/features | cut -c 29-36"))
        .as(
            "INDIRECT_DESC, EVENT_IDX, VERSION_1, RING_PACKED; IN_ORDER is not known to this"
                + " kernel")
        .isEqualTo("11001010");
  }

  private void readsGiveWhatIsInTheFile(byte[] original, int cpus) throws Exception {
    String sum = sha256(original);
    assertThat(run("sha256sum < /dev/vda")).startsWith(sum);
    assertThat(run("dd if=/dev/vda bs=1M iflag=direct 2>/dev/null | sha256sum")).startsWith(sum);
    run(
        "for i in 0 1 2 3; do dd if=/dev/vda of=/tmp/$i bs=64k skip=$((i * 32)) count=32"
            + " iflag=direct 2>/dev/null & done; wait");
    for (int i = 0; i < 4; i++) {
      assertThat(run("sha256sum < /tmp/" + i))
          .as("a quarter, %d processors", cpus)
          .startsWith(sha256(Arrays.copyOfRange(original, i * LARGE / 4, (i + 1) * LARGE / 4)));
    }
    run("rm /tmp/?");
  }

  private void writesReachTheFile(Path file, byte[] original) throws Exception {
    run("dd if=/dev/vdb of=/dev/vda bs=4k count=200 seek=3 oflag=direct 2>/dev/null");
    run(
        "for i in 1 2 3; do dd if=/dev/vdb of=/dev/vda bs=128k seek=$((i * 16)) conv=fsync"
            + " 2>/dev/null & done; wait");
    byte[] expected = original.clone();
    byte[] source = Files.readAllBytes(folder.resolve("second"));
    System.arraycopy(source, 0, expected, 3 * 4096, 4096 * 200);
    for (int i = 1; i < 4; i++) {
      System.arraycopy(source, 0, expected, i * LARGE / 4, MIB);
    }
    assertThat(sha256(Files.readAllBytes(file))).isEqualTo(sha256(expected));
    assertThat(run("echo 3 > /proc/sys/vm/drop_caches; sha256sum < /dev/vda"))
        .startsWith(sha256(expected));
  }

  private void sectorsAreDiscarded(FileDisk disk) throws Exception {
    run("blkdiscard -o 1048576 -l 2097152 /dev/vda");
    assertThat(disk.discarded).containsExactly("1048576 +2097152");
  }

  private void aReadOnlyDiskIsNotWritten() throws Exception {
    assertThat(run("cat /sys/block/vdb/ro")).isEqualTo("1");
    assertThat(guest.run("dd if=/dev/zero of=/dev/vdb count=1 2>&1").status()).isNotZero();
  }

  private void aDiskGrows(FileDisk disk, Drive drive) throws Exception {
    disk.grow(2 * LARGE);
    guest.machine().resized(drive);
    run("until [ $(cat /sys/block/vda/size) = " + 2 * LARGE / 512 + " ]; do usleep 10000; done");
    assertThat(run("dd if=/dev/vda bs=1M skip=8 iflag=direct 2>/dev/null | wc -c"))
        .isEqualTo(Integer.toString(LARGE));
  }
}
