package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checks say what {@code qemu-img check} says, and what was repaired is sound for QEMU. */
class RepairTest {
  @TempDir Path folder;
  private Qemu qemu;
  private Path image;

  @BeforeAll
  static void needsQemu() throws Exception {
    Qemu.require();
  }

  @BeforeEach
  void create() throws Exception {
    qemu = new Qemu(folder);
    image = qemu.path("image");
    qemu.ok("qemu-img create -q -f qcow2 image 1M");
    qemu.io("image", "write 0 300k", "write 600k 64k");
  }

  private void setRefcount(int cluster, int count) throws Exception {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(image));
    int block = (int) bytes.getLong((int) bytes.getLong(48));
    Files.write(image, bytes.putShort(block + 2 * cluster, (short) count).array());
  }

  /** Both tools say the same, and end with the same status. */
  private CheckReport agreed(int status) throws Exception {
    CheckReport report = Qcow2Image.check(image, Repair.NOTHING);
    Tool tool = qemu.run("qemu-img check -f qcow2 image");
    assertThat(report.text()).isEqualTo(tool.output());
    assertThat(report.exitStatus()).isEqualTo(tool.status()).isEqualTo(status);
    return report;
  }

  @Test
  void aSoundImageHasNoErrors() throws Exception {
    assertThat(agreed(0).isClean()).isTrue();
  }

  @Test
  void leaksAreFreed() throws Exception {
    Files.write(image, Arrays.copyOf(Files.readAllBytes(image), 22 << 16));
    setRefcount(20, 1);
    setRefcount(21, 3);
    assertThat(agreed(3).leaks()).isEqualTo(2);
    CheckReport report = Qcow2Image.check(image, Repair.LEAKS);
    assertThat(report.exitStatus()).isZero();
    assertThat(report.leaksRepaired()).isEqualTo(2);
    assertThat(report.text()).contains("    2 leaked clusters\n    0 corruptions\n");
    agreed(0);
  }

  @Test
  void refcountsThatAreTooLowAreRepairedOnlyWhenAllIs() throws Exception {
    setRefcount(6, 0);
    assertThat(Qcow2Image.check(image, Repair.NOTHING).exitStatus()).isEqualTo(2);
    assertThat(Qcow2Image.check(image, Repair.LEAKS).exitStatus()).isEqualTo(2);
    CheckReport report = Qcow2Image.check(image, Repair.ALL);
    assertThat(report.exitStatus()).isZero();
    assertThat(report.errorsRepaired()).isPositive();
    agreed(0);
  }

  @Test
  void bitmapsAreCountedUntilTheImageIsWrittenWithoutThem() throws Exception {
    qemu.ok("qemu-img bitmap --add image changes");
    qemu.io("image", "write 100k 64k");
    agreed(0);
    Qcow2Image.open(image, false).close();
    assertThat(Qcow2Image.check(image, Repair.NOTHING).exitStatus()).isEqualTo(3);
    assertThat(Qcow2Image.check(image, Repair.LEAKS).exitStatus()).isZero();
  }
}
