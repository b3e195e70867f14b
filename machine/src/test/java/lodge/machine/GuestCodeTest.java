package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Small guests in machine code, under every engine that is installed. */
@Timeout(30)
class GuestCodeTest {
  /** {@code mov dx, port; mov al, value; out dx, al}. */
  private static final String OUT = "66ba%02x%02x b0%02x ee ";

  private static final String HALT_FOREVER = "f4 ebfd ";

  private final ByteArrayOutputStream console = new ByteArrayOutputStream();
  @TempDir Path folder;

  static Iterable<String> engines() {
    return Machine.engines();
  }

  private static String out(int port, int value) {
    return OUT.formatted(port & 0xFF, port >> 8, value);
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }

  private Outcome run(String engine, byte[] kernel) throws Exception {
    Path file = Files.write(folder.resolve("kernel"), kernel);
    try (Machine machine =
        Machine.builder()
            .kernel(file)
            .memory(32 << 20)
            .engine(engine)
            .debugExit(true)
            .serial(SerialConsole.of(console))
            .build()) {
      machine.start();
      return machine.await();
    }
  }

  private static byte[] bzImage(String code) {
    byte[] file = TestKernels.bzImage();
    byte[] bytes = bytes(code);
    System.arraycopy(bytes, 0, file, (TestKernels.SETUP_SECTS + 1) * 512 + 0x200, bytes.length);
    return file;
  }

  @ParameterizedTest
  @MethodSource("engines")
  void a64BitKernelTalksAndExits(String engine) throws Exception {
    Outcome outcome =
        run(engine, bzImage(out(0x3F8, 'h') + out(0x3F8, 'i') + out(0xF4, 7) + HALT_FOREVER));
    assertThat(outcome).isEqualTo(new Outcome.DebugExit(7));
    assertThat(console.toString(StandardCharsets.US_ASCII)).isEqualTo("hi");
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aPvhKernelFindsItsStartInfo(String engine) throws Exception {
    byte[] file = TestKernels.vmlinux();
    // mov al, [ebx] (the magic's first byte); out 0xF4, al; hlt
    byte[] code = bytes("8a03 e6f4 f4 ebfd");
    System.arraycopy(code, 0, file, 0x1E0 + (TestKernels.PVH_ENTRY & 0xFFFF), code.length);
    assertThat(run(engine, file)).isEqualTo(new Outcome.DebugExit(0x78));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aFaultThatCannotBeDeliveredIsATripleFault(String engine) throws Exception {
    assertThat(run(engine, bzImage("0f0b")))
        .isInstanceOfSatisfying(
            Outcome.TripleFault.class,
            fault ->
                assertThat(fault.dump().toLowerCase(java.util.Locale.ROOT))
                    .contains("rip", "200200", "0f 0b", "cr3", "last exits"));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aResetStartsTheKernelFromTheFileAgain(String engine) throws Exception {
    // CMOS RAM outlives the reset: byte 0x50 counts the boots. The first boot writes over its own
    // start.
    String read = "b050 e670 e471 ";
    String second = "3c00 7408 " + out(0xF4, 9) + "f4 ";
    String first = "b050 e670 b001 e671 " + "c6042500022000f4 " + out(0xCF9, 6) + HALT_FOREVER;
    assertThat(run(engine, bzImage(read + second + first))).isEqualTo(new Outcome.DebugExit(9));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void portsAndAddressesThatNobodyOwnsReadAsAllOnes(String engine) throws Exception {
    // mov dx, 0x1234; in al, dx; not al; mov bl, [0xd0000000]; not bl; or al, bl; out 0xF4, al
    String code = "66ba3412 ec f6d0 bf000000d0 8a1f f6d3 08d8 e6f4 f4 ebfd";
    assertThat(run(engine, bzImage(code))).isEqualTo(new Outcome.DebugExit(0));
  }
}
