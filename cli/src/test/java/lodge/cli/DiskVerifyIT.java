package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import lodge.cli.guest.CpioWriter;
import lodge.machine.Drive;
import lodge.machine.Outcome;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Four processors write and read a disk with 128 requests in flight, and flush it meanwhile. */
class DiskVerifyIT {
  private static final int SIZE = 16 << 20;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"VIRTIO_DISK, /dev/vda, 12000", "IDE_DISK, /dev/sda, 4000"})
  void whatIsReadIsWhatWasWritten(Drive.Kind kind, String device, int requests) throws Exception {
    Optional<Path> program = Compiler.compile(folder, "verify");
    assumeThat(program).as("skipped: no gcc that links statically").isPresent();
    Path file = folder.resolve("disk");
    try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
      disk.setLength(SIZE);
    }
    byte[] archive =
        new CpioWriter()
            .directory("test", 0755)
            .file("test/verify", 0755, Files.readAllBytes(program.get()))
            .finish();
    try (GuestShell guest =
        new GuestShell(
            TinyGuest.machine(archive)
                .cpus(4)
                .drive(new Drive(new FileDisk(file, false), kind, "verify")))) {
      guest.awaitPrompt();
      // What the kernel says of a busy host stays out of what the program prints.
      guest.run("dmesg -n 1");
      guest.run("until [ -b " + device + " ]; do usleep 10000; done");
      GuestShell.Result result = guest.run("/test/verify " + device + " " + requests);
      assertThat(result.output())
          .isEqualTo("verified %d requests, %d flushes\n".formatted(requests, requests / 500));
      assertThat(result.status()).isZero();
      guest.type("poweroff -f\n");
      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    }
  }
}
