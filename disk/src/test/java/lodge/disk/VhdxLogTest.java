package lodge.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** VHDX images whose last user was stopped before what its log has was in place. */
class VhdxLogTest {
  /** Where QEMU puts the log, which is as large. */
  private static final int MEBI = 1 << 20;

  private static final int SECTOR = 4096;
  private static final long GUID = 0x1234_5678_9ABC_DEF0L;

  @TempDir Path folder;

  private Qemu qemu;

  /** Where the log's first entry is. */
  private int tail;

  private byte[] stopped;

  @BeforeEach
  void needsQemu() throws Exception {
    Qemu.require();
    qemu = new Qemu(folder);
  }

  /** The tables are as before the writes; only the log has the changes. */
  private void stop(int at) throws Exception {
    tail = at;
    qemu.ok("qemu-img create -f vhdx -o block_size=1M disk 1G");
    byte[] before = Files.readAllBytes(qemu.path("disk"));
    qemu.ok(
        "qemu-io -f vhdx -c 'write -P 1 5M 64k' -c 'write -P 2 900M 2M' -c 'write -P 3 5M 4k'"
            + " disk");
    stopped = Files.readAllBytes(qemu.path("disk"));
    long sequence = 77;
    for (int table = 2 * MEBI; table < before.length; table += SECTOR) {
      if (!Arrays.equals(before, table, table + SECTOR, stopped, table, table + SECTOR)) {
        byte[] sector = Arrays.copyOfRange(stopped, table, table + SECTOR);
        log(at, sequence++, table, null);
        log(at + SECTOR, sequence++, table, sector);
        at += 3 * SECTOR;
      }
    }
    System.arraycopy(before, 2 * MEBI, stopped, 2 * MEBI, before.length - 2 * MEBI);
    for (int header : new int[] {64 << 10, 128 << 10}) {
      little(stopped).putLong(header + 48, GUID).putLong(header + 56, GUID);
      sum(header, SECTOR);
    }
    Files.write(qemu.path("disk"), stopped);
  }

  /** An entry about one sector of the file; without bytes it is zeroes. */
  private void log(int at, long sequence, int offset, byte[] bytes) {
    byte[] entry = new byte[bytes == null ? SECTOR : 2 * SECTOR];
    ByteBuffer fields = little(entry);
    fields.put("loge".getBytes(StandardCharsets.US_ASCII)).putInt(0).putInt(entry.length);
    fields.putInt(tail).putLong(sequence).putInt(1).putInt(0);
    fields.putLong(GUID).putLong(GUID).putLong(stopped.length).putLong(stopped.length);
    if (bytes == null) {
      fields.put("zero".getBytes(StandardCharsets.US_ASCII)).putInt(0).putLong(SECTOR);
    } else {
      ByteBuffer data = little(bytes);
      fields.put("desc".getBytes(StandardCharsets.US_ASCII));
      fields.putInt(data.getInt(SECTOR - 4)).putLong(data.getLong(0));
      fields.put(SECTOR, "data".getBytes(StandardCharsets.US_ASCII));
      fields.putInt(SECTOR + 4, (int) (sequence >> 32)).put(SECTOR + 8, bytes, 8, SECTOR - 12);
      fields.putInt(2 * SECTOR - 4, (int) sequence);
    }
    fields.putLong(offset).putLong(sequence);
    fields.putInt(4, sum(entry, 0, entry.length));
    for (int i = 0; i < entry.length; i++) {
      stopped[MEBI + (at + i) % MEBI] = entry[i];
    }
  }

  private void sum(int at, int length) {
    little(stopped).putInt(at + 4, 0).putInt(at + 4, sum(stopped, at, length));
  }

  private static int sum(byte[] bytes, int at, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, at, length);
    return (int) crc.getValue();
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Also when the ring's end is in the midst of an entry. */
  @ParameterizedTest
  @ValueSource(ints = {0, 64 << 10, MEBI - 2 * SECTOR, MEBI - 3 * SECTOR})
  void showWhatTheLogHas(int start) throws Exception {
    stop(start);
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
    stop(0);
    Arrays.fill(stopped, MEBI, 2 * MEBI, (byte) 0);
    Files.write(qemu.path("disk"), stopped);
    assertRefused("its log has changes, and is damaged");
  }

  @Test
  void areRefusedWhenTheyAreShorterThanTheLogSays() throws Exception {
    stop(0);
    Files.write(qemu.path("disk"), Arrays.copyOf(stopped, 4 * MEBI));
    assertRefused("it is shorter than its log says");
  }

  @Test
  void areRefusedWhenTheyEndBehindAnyFile() throws Exception {
    stop(0);
    int entry = MEBI + SECTOR; // the first with data
    little(stopped).putLong(entry + 64 + 16, Long.MAX_VALUE & -SECTOR);
    sum(entry, 2 * SECTOR);
    Files.write(qemu.path("disk"), stopped);
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
    stop(0);
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
