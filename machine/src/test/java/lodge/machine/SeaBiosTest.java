package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
import org.junit.jupiter.params.provider.ValueSource;

/** The firmware that most virtual PCs have, on this one. */
@Timeout(120)
class SeaBiosTest {
  private static final Path SEABIOS =
      Path.of(System.getProperty("lodge.seabios", "/usr/share/seabios/bios-256k.bin"));

  private static final int SECTOR = 512;

  /** Of a disc. */
  private static final int BLOCK = 2048;

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

  private static byte[] code(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }

  private static Drive disk(Drive.Kind kind, String bootCode, int firstByteOfSecondSector) {
    ByteBuffer content = ByteBuffer.allocate(SECTORS * SECTOR);
    content.put(0, code(bootCode));
    content.putShort(SECTOR - 2, (short) 0x55AA);
    content.put(SECTOR, (byte) firstByteOfSecondSector);
    return new Drive(new MemoryDisk(content.array()), kind, "boot");
  }

  /** A disc to boot from without emulation (El Torito 1.0, section 2): 512 bytes of block 20. */
  private static Drive disc(String bootCode) {
    ByteBuffer content = ByteBuffer.allocate(64 * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    content.put(16 * BLOCK, code("01 4344303031 01")); // primary volume descriptor: CD001
    content.put(17 * BLOCK, code("00 4344303031 01")); // boot record
    content.put(17 * BLOCK + 7, "EL TORITO SPECIFICATION".getBytes(StandardCharsets.US_ASCII));
    content.putInt(17 * BLOCK + 0x47, 19);
    content.put(18 * BLOCK, code("ff 4344303031 01")); // no more descriptors
    content.put(19 * BLOCK, code("01")); // validation entry, its words add up to 0
    content.put(19 * BLOCK + 0x1C, code("aa55 55aa"));
    content.put(19 * BLOCK + 0x20, code("88")); // bootable
    content.putShort(19 * BLOCK + 0x26, (short) 1);
    content.putInt(19 * BLOCK + 0x28, 20);
    content.put(20 * BLOCK, code(bootCode));
    return new Drive(new MemoryDisk(content.array()), Drive.Kind.IDE_CDROM, "disc");
  }

  /** mov al, status; out 0xf4, al; hlt. */
  private static String exit(int status) {
    return "b0%02x e6f4 f4".formatted(status);
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
  @CsvSource({
    "interpreter, 1, VIRTIO_DISK",
    "interpreter, 4, IDE_DISK",
    "translator, 1, IDE_DISK",
    "translator, 4, VIRTIO_DISK"
  })
  void itBootsFromADisk(String engine, int cpus, Drive.Kind kind) throws Exception {
    // xor ax, ax; mov ds, ax; mov es, ax; mov bx, 0x8000; mov cx, 2; mov dh, 0; mov ax, 0x0201;
    // int 0x13: the second sector. mov al, [0x8000]; jnc 1f; mov al, 0xff; 1: out 0xf4, al; hlt
    String code = "31c0 8ed8 8ec0 bb0080 b90200 b600 b80102 cd13 a00080 7302 b0ff e6f4 f4";
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    MachineBuilder builder =
        Machine.builder().engine(engine).cpus(cpus).drive(disk(kind, code, 0x5A)).serial(console);
    assertThat(run(builder)).isEqualTo(new Outcome.DebugExit(0x5A));
    assertThat(seen).contains("Booting from Hard Disk");
  }

  @ParameterizedTest
  @ValueSource(strings = {"interpreter", "translator"})
  void itBootsFromADiscWhenNoDiskCanBeBooted(String engine) throws Exception {
    Drive empty = new Drive(new MemoryDisk(new byte[SECTORS * SECTOR]), Drive.Kind.IDE_DISK, "");
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    assertThat(
            run(Machine.builder().engine(engine).drive(disc(exit(3))).drive(empty).serial(console)))
        .isEqualTo(new Outcome.DebugExit(3));
    assertThat(seen).contains("Booting from Hard Disk", "Booting from DVD/CD");
  }

  @Test
  void itBootsFromWhatItIsToldTo() throws Exception {
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    MachineBuilder builder =
        Machine.builder()
            .drive(disc(exit(1)))
            .drive(disk(Drive.Kind.IDE_DISK, exit(2), 0))
            .drive(disc(exit(3)))
            .drive(disk(Drive.Kind.VIRTIO_DISK, exit(4), 0))
            .serial(console);
    assertThat(run(builder)).as("without more ado").isEqualTo(new Outcome.DebugExit(2));
    assertThat(run(builder.bootFrom(BootFrom.CDROM))).isEqualTo(new Outcome.DebugExit(1));
    assertThat(run(builder.bootFrom(BootFrom.DISK))).isEqualTo(new Outcome.DebugExit(2));
  }

  @ParameterizedTest
  @CsvSource({"VIRTIO_DISK, IDE_DISK", "IDE_DISK, VIRTIO_DISK", "VIRTIO_DISK, VIRTIO_DISK"})
  void itBootsFromTheDiskThatWasAddedFirst(Drive.Kind first, Drive.Kind second) throws Exception {
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    assertThat(
            run(
                Machine.builder()
                    .drive(disk(first, exit(1), 0))
                    .drive(disk(second, exit(2), 0))
                    .serial(console)))
        .isEqualTo(new Outcome.DebugExit(1));
  }

  @Test
  void aResetBringsTheFirmwareBackWithAllItsRom() throws Exception {
    // CMOS RAM outlives the reset: byte 0x50 counts the boots.
    // mov al, 0x50; out 0x70, al; in al, 0x71; inc ax; out 0x71, al; cmp al, 3; jb 1f;
    // out 0xf4, al; hlt; 1: mov dx, 0xcf9; mov al, 6; out dx, al; hlt
    String code = "b050 e670 e471 40 e671 3c03 7203 e6f4 f4 baf90c b006 ee f4";
    SerialConsole console = SerialConsole.of(consoleUntil("No bootable device."));
    Drive disk = disk(Drive.Kind.VIRTIO_DISK, code, 0);
    assertThat(run(Machine.builder().drive(disk).serial(console)))
        .isEqualTo(new Outcome.DebugExit(3));
    assertThat(seen.toString().split("SeaBIOS \\(version", -1)).hasSize(4);
  }
}
