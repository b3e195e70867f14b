package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import lodge.cpu.x86.Engine;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Small guests in machine code, under every engine that the host has. */
@Timeout(30)
class GuestCodeTest {
  /** {@code mov dx, port; mov al, value; out dx, al}. */
  private static final String OUT = "66ba%02x%02x b0%02x ee ";

  private static final String HALT_FOREVER = "f4 ebfd ";

  private final ByteArrayOutputStream console = new ByteArrayOutputStream();
  @TempDir Path folder;

  /** Those that this host has; what is in the way of the others is printed. */
  static List<String> engines() {
    List<String> names = new ArrayList<>(List.of(Engines.AUTO));
    for (Engine engine : Engines.installed()) {
      Optional<String> obstacle = engine.obstacle();
      obstacle.ifPresent(line -> System.out.println("not run on " + engine.name() + ": " + line));
      if (obstacle.isEmpty()) {
        names.add(engine.name());
      }
    }
    return names;
  }

  /** The host's KVM executes guests in an instruction emulator. */
  static boolean emulatedByKvm(String engine) {
    return engine.equals("kvm")
        && Engines.installed().stream()
            .filter(installed -> installed.name().equals(engine))
            .anyMatch(installed -> installed.objection().isPresent());
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

  private Outcome runMultiboot(String engine, byte[] kernel, Device... devices) throws Exception {
    Path file = Files.write(folder.resolve("kernel"), kernel);
    MachineBuilder builder =
        Machine.builder()
            .kernel(file)
            .memory(32 << 20)
            .engine(engine)
            .append("args")
            .initrd(new byte[] {42})
            .serial(SerialConsole.of(console));
    for (Device device : devices) {
      builder.device(device);
    }
    try (Machine machine = builder.build()) {
      machine.start();
      return machine.await();
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aMultibootKernelLeavesThroughIsaDebugExit(String engine) throws Exception {
    // cmp eax, 0x2badb002; jne 1f; mov al, 5; out 0xf4, al; 1: hlt
    byte[] code = bytes("3d02b0ad2b 7504 b005 e6f4 f4 ebfd");
    Device exit = new Device.IsaDebugExit();
    for (byte[] kernel :
        new byte[][] {
          TestKernels.multiboot(3, code),
          TestKernels.multiboot64(code),
          TestKernels.multibootWithAddresses(code)
        }) {
      assertThat(runMultiboot(engine, kernel, exit)).isEqualTo(new Outcome.DebugExit(11));
    }
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aMultibootKernelReadsItsCommandLineAndItsModule(String engine) throws Exception {
    // mov esi, [ebx+16]; mov dx, 0x3f8; 1: lodsb; test al, al; jz 2f; out dx, al; jmp 1b
    // 2: mov ecx, [ebx+24]; mov ecx, [ecx]; mov al, [ecx]; out 0xf4, al; hlt
    byte[] code = bytes("8b7310 66baf803 ac 84c0 7403 ee ebf8 8b4b18 8b09 8a01 e6f4 f4 ebfd");
    assertThat(runMultiboot(engine, TestKernels.multiboot(0, code), new Device.IsaDebugExit()))
        .isEqualTo(new Outcome.DebugExit(42 << 1 | 1));
    assertThat(console.toString(StandardCharsets.US_ASCII))
        .isEqualTo(folder.resolve("kernel") + " args");
  }

  @ParameterizedTest
  @MethodSource("engines")
  void theTestDeviceIsMemoryAndALatch(String engine) throws Exception {
    // mov dword [0xff000010], 0x11; mov eax, 0x220000; out 0xe0, eax; in al, 0xea
    // or al, [0xff000010]; out 0xf4, al; hlt
    byte[] code = bytes("c705100000ff11000000 b800002200 e7e0 e4ea 0a05100000ff e6f4 f4 ebfd");
    Outcome outcome =
        runMultiboot(
            engine,
            TestKernels.multiboot(0, code),
            new Device.PcTestdev(),
            new Device.IsaDebugExit());
    assertThat(outcome).isEqualTo(new Outcome.DebugExit(0x33 << 1 | 1));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void theTestDeviceRaisesInterrupts(String engine) throws Exception {
    // mov esp, 0x8000; a gate for vector 0x25 at 0x5128 whose handler is 0x8:0x300100; lidt
    String table =
        "bc00800000 c7052851000000010800 c7052c510000008e3000 6800500000 6668ff07 0f011c24 ";
    // The 8259's vectors begin at 0x20, all lines but 5 are masked
    String pic = "b011 e620 b020 e621 b004 e621 b001 e621 b0df e621 ";
    // sti; mov dx, 0x2005; mov al, 1; out dx, al; the handler: mov al, 9; out 0xf4, al; hlt
    byte[] start = bytes(table + pic + "fb 66ba0520 b001 ee " + HALT_FOREVER);
    byte[] handler = bytes("b009 e6f4 f4");
    byte[] code = Arrays.copyOf(start, 0x80 + handler.length);
    System.arraycopy(handler, 0, code, 0x80, handler.length);
    Outcome outcome =
        runMultiboot(
            engine,
            TestKernels.multiboot(0, code),
            new Device.PcTestdev(),
            new Device.IsaDebugExit());
    assertThat(outcome).isEqualTo(new Outcome.DebugExit(19));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void theConfigurationDeviceTellsTheNumberOfProcessors(String engine) throws Exception {
    // mov dx, 0x510; mov ax, 5; out dx, ax; inc dx; in al, dx; out 0xf4, al; hlt
    byte[] code = bytes("66ba1005 66b80500 66ef 6642 ec e6f4 f4 ebfd");
    assertThat(runMultiboot(engine, TestKernels.multiboot(0, code), new Device.IsaDebugExit()))
        .isEqualTo(new Outcome.DebugExit(3));
  }
}
