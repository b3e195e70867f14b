package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicReference;
import lodge.core.BlockBackend;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The firmware that most virtual PCs have, on this one. */
@Timeout(120)
class SeaBiosTest {
  private static final Path SEABIOS =
      Path.of(System.getProperty("lodge.seabios", "/usr/share/seabios/bios-256k.bin"));

  private static final int SECTOR = 512;

  /** Enough for a whole cylinder. */
  private static final int SECTORS = 4096;

  private final AtomicReference<Machine> machine = new AtomicReference<>();
  private final StringBuilder seen = new StringBuilder();

  /** Stops the machine once it has printed a text. */
  private ByteArrayOutputStream consoleUntil(String end) {
    return new ByteArrayOutputStream() {
      @Override
      public synchronized void write(byte[] bytes, int from, int length) {
        seen.append(new String(bytes, from, length, StandardCharsets.US_ASCII));
        if (seen.indexOf(end) >= 0) {
          machine.get().stop();
        }
      }
    };
  }

  /** A disk in memory. */
  private record MemoryDisk(byte[] content) implements BlockBackend {
    @Override
    public long size() {
      return content.length;
    }

    @Override
    public boolean readOnly() {
      return false;
    }

    @Override
    public void read(long offset, ByteBuffer into) {
      into.put(content, (int) offset, into.remaining());
    }

    @Override
    public void write(long offset, ByteBuffer from) {
      from.get(content, (int) offset, from.remaining());
    }

    @Override
    public void flush() {}

    @Override
    public void discard(long offset, long length) {}

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {}

    @Override
    public void close() {}
  }

  private static Drive disk(String bootCode, int firstByteOfSecondSector) {
    byte[] content = new byte[SECTORS * SECTOR];
    byte[] code = HexFormat.of().parseHex(bootCode.replace(" ", ""));
    System.arraycopy(code, 0, content, 0, code.length);
    content[SECTOR - 2] = 0x55;
    content[SECTOR - 1] = (byte) 0xAA;
    content[SECTOR] = (byte) firstByteOfSecondSector;
    return new Drive(new MemoryDisk(content), Drive.Kind.VIRTIO_DISK, "boot");
  }

  private Outcome run(MachineBuilder builder) throws Exception {
    try (Machine built = builder.firmware(SEABIOS).memory(64 << 20).debugExit(true).build()) {
      machine.set(built);
      built.start();
      return built.await();
    }
  }

  @BeforeEach
  void needsSeaBios() {
    if (!Files.isReadable(SEABIOS)) {
      System.out.println("skipped: " + SEABIOS + " (package seabios) is not installed");
      abort("SeaBIOS is not installed");
    }
  }

  @Test
  void withoutADriveItSaysThatThereIsNothingToBoot() throws Exception {
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    assertThat(run(Machine.builder().serial(console))).isEqualTo(new Outcome.Stopped());
    assertThat(seen).contains("SeaBIOS (version", "Booting from Hard Disk", "No bootable device.");
  }

  @ParameterizedTest
  @CsvSource({"interpreter, 1", "interpreter, 4", "translator, 1", "translator, 4"})
  void itBootsFromAVirtioDisk(String engine, int cpus) throws Exception {
    // xor ax, ax; mov ds, ax; mov es, ax; mov bx, 0x8000; mov cx, 2; mov dh, 0; mov ax, 0x0201;
    // int 0x13: the second sector. mov al, [0x8000]; jnc 1f; mov al, 0xff; 1: out 0xf4, al; hlt
    String code = "31c0 8ed8 8ec0 bb0080 b90200 b600 b80102 cd13 a00080 7302 b0ff e6f4 f4";
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    MachineBuilder builder =
        Machine.builder().engine(engine).cpus(cpus).drive(disk(code, 0x5A)).serial(console);
    assertThat(run(builder)).isEqualTo(new Outcome.DebugExit(0x5A));
    assertThat(seen).contains("Booting from Hard Disk");
  }

  @Test
  void aResetBringsTheFirmwareBackWithAllItsRom() throws Exception {
    // CMOS RAM outlives the reset: byte 0x50 counts the boots.
    // mov al, 0x50; out 0x70, al; in al, 0x71; inc ax; out 0x71, al; cmp al, 3; jb 1f;
    // out 0xf4, al; hlt; 1: mov dx, 0xcf9; mov al, 6; out dx, al; hlt
    String code = "b050 e670 e471 40 e671 3c03 7203 e6f4 f4 baf90c b006 ee f4";
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    assertThat(run(Machine.builder().drive(disk(code, 0)).serial(console)))
        .isEqualTo(new Outcome.DebugExit(3));
    assertThat(seen.toString().split("SeaBIOS \\(version", -1)).hasSize(4);
  }
}
