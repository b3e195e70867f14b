package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What SeaBIOS boots from, told by the status that it ends with. */
@Timeout(120)
class BootOptionTest {
  private static final int DISK = 11;
  private static final int DISC = 12;
  private static final int SECTOR = 512;
  private static final int BLOCK = 2048;

  /** A whole cylinder, less SeaBIOS does not read. */
  private static final int DISK_SIZE = 2 << 20;

  @TempDir private Path folder;

  @BeforeEach
  void makeTheDrives() throws Exception {
    Path seaBios = Path.of("/usr/share/seabios/bios-256k.bin");
    if (!Files.isReadable(seaBios)) {
      System.out.println("skipped: " + seaBios + " (package seabios) is not installed");
      abort("SeaBIOS is not installed");
    }
    ByteBuffer disk = ByteBuffer.allocate(DISK_SIZE);
    Files.write(folder.resolve("blank"), disk.array());
    disk.put(0, exit(DISK)).putShort(SECTOR - 2, (short) 0x55AA);
    Files.write(folder.resolve("disk"), disk.array());
    Files.write(folder.resolve("disc"), disc());
  }

  /** mov al, status; out 0xf4, al; hlt. */
  private static byte[] exit(int status) {
    return new byte[] {(byte) 0xB0, (byte) status, (byte) 0xE6, (byte) 0xF4, (byte) 0xF4};
  }

  /** Boots without emulation (El Torito 1.0, section 2). */
  private static byte[] disc() {
    HexFormat hex = HexFormat.of();
    ByteBuffer content = ByteBuffer.allocate(64 * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    content.put(16 * BLOCK, hex.parseHex("01434430303101")); // primary volume descriptor: CD001
    content.put(17 * BLOCK, hex.parseHex("00434430303101")); // boot record
    content.put(17 * BLOCK + 7, "EL TORITO SPECIFICATION".getBytes(StandardCharsets.US_ASCII));
    content.putInt(17 * BLOCK + 0x47, 19); // the boot catalog
    content.put(18 * BLOCK, hex.parseHex("ff434430303101")); // no more descriptors
    content.put(19 * BLOCK, hex.parseHex("01")); // validation entry, its words add up to 0
    content.put(19 * BLOCK + 0x1C, hex.parseHex("aa5555aa"));
    content.put(19 * BLOCK + 0x20, hex.parseHex("88")); // bootable
    content.putShort(19 * BLOCK + 0x26, (short) 1); // sectors to load
    content.putInt(19 * BLOCK + 0x28, 20); // from this block
    return content.put(20 * BLOCK, exit(DISC)).array();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--disk @disk,format=raw --cdrom @disc | 11",
        "--disk @disk,format=raw --cdrom @disc --boot disk | 11",
        "--disk @disk,format=raw --cdrom @disc --boot cdrom | 12",
        "--disk @disk,format=raw --cdrom @blank --boot cdrom | 11",
        "--disk @blank,format=raw --cdrom @disc --boot disk | 12",
        "--cdrom @disc | 12",
      })
  void theGuestIsBootedFromWhereItIsToBe(String options, int status) {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream output = new PrintStream(said, true, StandardCharsets.UTF_8);
    List<String> command =
        List.of(("run --memory 64M " + options.replace("@", folder + "/")).split(" "));

    int ended =
        Lodge.run(command, new Streams(new ByteArrayInputStream(new byte[0]), output, output));

    assertThat(ended).as(said.toString(StandardCharsets.UTF_8)).isEqualTo(status);
  }
}
