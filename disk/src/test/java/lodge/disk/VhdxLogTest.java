package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** VHDX images whose last user was stopped before what its log has was in place. */
class VhdxLogTest {
  private static final int MEBI = StoppedVhdx.MEBI;
  private static final int SECTOR = StoppedVhdx.SECTOR;

  @TempDir Path folder;

  private Qemu qemu;

  @BeforeEach
  void needsQemu() throws Exception {
    Qemu.require();
    qemu = new Qemu(folder);
  }

  /** Also when the ring's end is in the midst of an entry. */
  @ParameterizedTest
  @ValueSource(ints = {0, 64 << 10, MEBI - 2 * SECTOR, MEBI - 3 * SECTOR})
  void showWhatTheLogHas(int start) throws Exception {
    byte[] stopped = new StoppedVhdx(qemu, start).bytes;
    try (DiskImage image = ImageFormat.VHDX.open(qemu.path("disk"), true)) {
      assertThat(Exerciser.content(image, 5 * MEBI, 4096)).containsOnly(3);
      assertThat(Exerciser.content(image, 5 * MEBI + 4096, 60 << 10)).containsOnly(1);
      assertThat(Exerciser.content(image, 900 * MEBI, 2 * MEBI)).containsOnly(2);
      assertThat(Exerciser.content(image, 902 * MEBI, MEBI)).containsOnly(0);

      new Conversion(image).toQcow2(qemu.path("lodges"), Qcow2Options.ofSize(1 << 30), false);
    }
    assertThat(Files.readAllBytes(qemu.path("disk"))).isEqualTo(stopped);

    if (start < MEBI / 2) { // QEMU takes what follows the ring's end for all
      qemu.ok("qemu-img check -f vhdx -r all disk"); // replays the log, too
      qemu.ok("qemu-img compare -f vhdx -F qcow2 disk lodges");
    }
  }

  @Test
  void areRefusedWhenTheLogIsDamaged() throws Exception {
    byte[] stopped = new StoppedVhdx(qemu, 0).bytes;
    Arrays.fill(stopped, MEBI, 2 * MEBI, (byte) 0);
    Files.write(qemu.path("disk"), stopped);
    assertRefused("its log has changes, and is damaged");
  }

  @Test
  void areRefusedWhenTheyAreShorterThanTheLogSays() throws Exception {
    byte[] stopped = new StoppedVhdx(qemu, 0).bytes;
    Files.write(qemu.path("disk"), Arrays.copyOf(stopped, 4 * MEBI));
    assertRefused("it is shorter than its log says");
  }

  @Test
  void areRefusedWhenTheyEndBehindAnyFile() throws Exception {
    StoppedVhdx disk = new StoppedVhdx(qemu, 0);
    int entry = MEBI + SECTOR; // the first with data
    StoppedVhdx.little(disk.bytes).putLong(entry + 64 + 16, Long.MAX_VALUE & -SECTOR);
    disk.sum(entry, 2 * SECTOR);
    Files.write(qemu.path("disk"), disk.bytes);
    assertRefused("its log has a descriptor that is none");
  }

  private void assertRefused(String reason) {
    assertThatThrownBy(() -> ImageFormat.VHDX.open(qemu.path("disk"), true))
        .isInstanceOf(DiskException.class)
        .hasMessageContaining(reason);
  }

  /** Whatever byte of the log is wrong, nothing but one line comes of it. */
  @Test
  void areReadOrRefusedWithAnyByteChanged() throws Exception {
    byte[] stopped = new StoppedVhdx(qemu, 0).bytes;
    MemoryChannel channel = new MemoryChannel(stopped);
    for (int at = MEBI; at < MEBI + 6 * SECTOR; at += at % SECTOR < 128 ? 1 : 61) {
      byte changed = (byte) (stopped[at] ^ 1 << at % 8);
      channel.apply(new MemoryChannel.Write(at, new byte[] {changed}));
      try (ImageFile file = new ImageFile(qemu.path("disk"), channel, true, null)) {
        VhdxLayout.read(file).place(5);
      } catch (DiskException e) {
        assertThat(e.getMessage().lines()).hasSize(1);
      }
      channel.apply(new MemoryChannel.Write(at, new byte[] {stopped[at]}));
    }
  }
}
