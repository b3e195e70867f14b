package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a debugger gets to hear that speaks GDB's remote protocol. */
@Timeout(60)
class GdbTest {
  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  /** Where the kernel's code begins. */
  private static final long CODE = 0x20_0200;

  private static final int RAX = 0;
  private static final int RBX = 1;
  private static final int RIP = 16;

  private static final String SPIN = "ebfe";

  /** {@code mov al, 7; out 0xf4, al}. */
  private static final String EXIT_7 = "b007 e6f4";

  @TempDir Path folder;
  private Machine machine;
  private GdbClient gdb;

  static List<String> engines() {
    return GuestCodeTest.engines();
  }

  @AfterEach
  void close() throws IOException {
    if (gdb != null) {
      gdb.close();
    }
    if (machine != null) {
      machine.close();
    }
  }

  private void start(String engine, int cpus, String code) throws IOException {
    byte[] kernel = TestKernels.bzImage();
    byte[] bytes = HexFormat.of().parseHex(code.replace(" ", ""));
    System.arraycopy(bytes, 0, kernel, (TestKernels.SETUP_SECTS + 1) * 512 + 0x200, bytes.length);
    machine =
        Machine.builder()
            .kernel(Files.write(folder.resolve("kernel"), kernel))
            .memory(32 << 20)
            .cpus(cpus)
            .engine(engine)
            .debugExit(true)
            .gdb(ANY_PORT)
            .freeze(true)
            .build();
    machine.start();
    connect();
  }

  private void connect() throws IOException {
    gdb = new GdbClient(machine.gdb().orElseThrow());
  }

  private void start(String code) throws IOException {
    start("auto", 1, code);
  }

  private long register(int number) throws IOException {
    return Long.reverseBytes(
        Long.parseUnsignedLong(gdb.ask("p" + Integer.toHexString(number)), 16));
  }

  private static String at(long address) {
    return Long.toHexString(address);
  }

  // ---------------------------------------------------------------- running

  @ParameterizedTest
  @MethodSource("engines")
  void aFrozenMachineWaitsAtItsFirstInstructionAndSteps(String engine) throws Exception {
    start(engine, 1, "b801000000 90 " + EXIT_7);
    assertThat(gdb.ask("?")).isEqualTo("T05thread:1;");
    assertThat(register(RIP)).isEqualTo(CODE);
    assertThat(gdb.ask("vCont;s:1")).isEqualTo("T05thread:1;");
    assertThat(register(RIP)).isEqualTo(CODE + 5);
    assertThat(register(RAX)).isEqualTo(1);
    assertThat(gdb.ask("s")).isEqualTo("T05thread:1;");
    assertThat(register(RIP)).isEqualTo(CODE + 6);
    assertThat(gdb.ask("c")).isEqualTo("W00");
    assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(7));
  }

  @ParameterizedTest
  @MethodSource("engines")
  void breakpointsStopBeforeTheInstructionAndSayOfWhichKindTheyAre(String engine) throws Exception {
    // 1: inc eax; inc ebx; jmp 1b
    start(engine, 1, "ffc0 ffc3 ebfa");
    assertThat(gdb.ask("qSupported:swbreak+;hwbreak+")).contains("PacketSize=4000", "swbreak+");
    assertThat(gdb.ask("Z0," + at(CODE + 2) + ",1")).isEqualTo("OK");
    long before = register(RBX);
    for (int i = 0; i < 3; i++) {
      assertThat(gdb.ask("c")).isEqualTo("T05thread:1;swbreak:;");
      assertThat(register(RIP)).isEqualTo(CODE + 2);
      assertThat(register(RBX)).isEqualTo(before + i);
      assertThat(gdb.ask("m" + at(CODE) + ",6")).isEqualTo("ffc0ffc3ebfa");
      assertThat(gdb.ask("vCont;s:1;c")).isEqualTo("T05thread:1;");
    }
    assertThat(gdb.ask("z0," + at(CODE + 2) + ",1")).isEqualTo("OK");
    assertThat(gdb.ask("Z1," + at(CODE) + ",1")).isEqualTo("OK");
    assertThat(gdb.ask("c")).isEqualTo("T05thread:1;hwbreak:;");
    assertThat(register(RIP)).isEqualTo(CODE);
  }

  @ParameterizedTest
  @MethodSource("engines")
  void watchpointsStopBehindTheAccessAndNameTheAddress(String engine) throws Exception {
    assumeFalse(
        GuestCodeTest.emulatedByKvm(engine),
        "this host's KVM has an instruction emulator, which knows no watchpoints");
    // mov [0x300000], eax; mov ebx, [0x300000]; jmp to itself
    start(engine, 1, "89042500003000 8b1c2500003000" + SPIN);
    assertThat(gdb.ask("Z2,300000,4")).isEqualTo("OK");
    assertThat(gdb.ask("c")).isEqualTo("T05thread:1;watch:300000;");
    assertThat(register(RIP)).isEqualTo(CODE + 7);
    if (engine.equals("kvm")) {
      assertThat(gdb.ask("Z3,300003,1")).as("the processor has no such thing").isEqualTo("E1c");
      return;
    }
    assertThat(gdb.ask("Z3,300003,1")).isEqualTo("OK");
    assertThat(gdb.ask("c")).isEqualTo("T05thread:1;rwatch:300003;");
    assertThat(register(RIP)).isEqualTo(CODE + 14);
    assertThat(gdb.ask("P10=" + "0002200000000000")).isEqualTo("OK");
    assertThat(gdb.ask("z2,300000,4")).isEqualTo("OK");
    assertThat(gdb.ask("z3,300003,1")).isEqualTo("OK");
    assertThat(gdb.ask("Z4,300000,1")).isEqualTo("OK");
    assertThat(gdb.ask("c")).isEqualTo("T05thread:1;awatch:300000;");
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aGuestThatRunsIsInterrupted(String engine) throws Exception {
    start(engine, 1, SPIN);
    gdb.send("c");
    assertThat(gdb.mark()).isEqualTo('+');
    gdb.raw("\003");
    assertThat(gdb.answer()).isEqualTo("T02thread:1;");
    assertThat(register(RIP)).isEqualTo(CODE);
  }

  @Test
  void eachProcessorIsAThread() throws Exception {
    start("auto", 2, SPIN);
    assertThat(gdb.ask("qfThreadInfo")).isEqualTo("m1,2");
    assertThat(gdb.ask("qsThreadInfo")).isEqualTo("l");
    assertThat(gdb.ask("T2")).isEqualTo("OK");
    assertThat(gdb.ask("T3")).isEqualTo("E03");
    assertThat(gdb.ask("Hg2")).isEqualTo("OK");
    assertThat(register(RIP)).as("it waits for its start-up message").isEqualTo(0xFFF0);
    assertThat(gdb.ask("Hg1")).isEqualTo("OK");
    assertThat(register(RIP)).isEqualTo(CODE);
    assertThat(gdb.ask("vCont;s:3")).isEqualTo("E03");
    assertThat(gdb.ask("vCont;t")).startsWith("T05");
    assertThat(HexFormat.of().parseHex(gdb.ask("qThreadExtraInfo,2")))
        .asString(StandardCharsets.ISO_8859_1)
        .isEqualTo("vCPU 1 [running]");
  }

  @Test
  void timeStandsStillWhileTheMachineDoes() throws Exception {
    start("90 90" + SPIN);
    long before = machine.counters().totals().get("wall_nanoseconds");
    assertThat(gdb.ask("?")).startsWith("T05");
    assertThat(machine.counters().totals().get("wall_nanoseconds")).isEqualTo(before);
  }

  // ---------------------------------------------------------------- state

  @Test
  void allRegistersAreReadAndWrittenTogether() throws Exception {
    start(SPIN);
    String all = gdb.ask("g");
    String changed = "efbeadde00000000" + all.substring(16);
    assertThat(gdb.ask("G" + changed)).isEqualTo("OK");
    assertThat(register(RAX)).isEqualTo(0xDEADBEEFL);
    assertThat(gdb.ask("g")).isEqualTo(changed);
    assertThat(gdb.ask("G00")).isEqualTo("E16");
    String cs = all.substring(0, 17 * 16 + 8) + "ff" + all.substring(17 * 16 + 10);
    assertThat(gdb.ask("G" + cs)).as("segments stay").isEqualTo("E16");
    assertThat(gdb.ask("pff")).isEqualTo("E16");
  }

  @Test
  void theTargetDescriptionSaysHowLongTheRegistersAre() throws Exception {
    start(SPIN);
    StringBuilder text = new StringBuilder();
    String part;
    do {
      part = gdb.ask("qXfer:features:read:target.xml:" + at(text.length()) + ",400");
      text.append(part.substring(1));
    } while (part.startsWith("m"));
    int bits =
        Pattern.compile("<reg .*bitsize=\"(\\d+)\"")
            .matcher(text)
            .results()
            .mapToInt(register -> Integer.parseInt(register.group(1)))
            .sum();
    assertThat(gdb.ask("g")).hasSize(bits / 4);
  }

  @Test
  void memoryIsReadAndWrittenThroughThePageTables() throws Exception {
    start("90 90" + SPIN);
    assertThat(gdb.ask("m" + at(CODE) + ",4")).isEqualTo("9090ebfe");
    assertThat(gdb.ask("M300ffe,4:01020304")).isEqualTo("OK");
    assertThat(gdb.ask("m300ffd,6")).isEqualTo("000102030400");
    assertThat(gdb.ask("X300000,2:}\003\n")).isEqualTo("OK");
    assertThat(gdb.ask("m300000,2")).isEqualTo("230a");
    assertThat(gdb.ask("mffff000000000000,4")).as("not mapped").isEqualTo("E0e");
    assertThat(gdb.ask("M" + at(-8) + ",1:00")).isEqualTo("E0e");
    assertThat(gdb.ask("mfee00000,4")).as("a device").isEqualTo("E0e");
    assertThat(gdb.ask("m1fffffe,10")).as("up to the end of RAM").isEqualTo("0000");
  }

  @ParameterizedTest
  @MethodSource("engines")
  void codeThatTheDebuggerWritesIsExecuted(String engine) throws Exception {
    start(engine, 1, SPIN + EXIT_7);
    assertThat(gdb.ask("s")).isEqualTo("T05thread:1;");
    assertThat(gdb.ask("M" + at(CODE) + ",2:9090")).isEqualTo("OK");
    assertThat(gdb.ask("c")).isEqualTo("W00");
    assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(7));
  }

  // ---------------------------------------------------------------- coming and going

  @Test
  void whoDetachesLetsTheGuestGoOnWithoutBreakpoints() throws Exception {
    start("90 90" + EXIT_7);
    assertThat(gdb.ask("Z0," + at(CODE + 1) + ",1")).isEqualTo("OK");
    assertThat(gdb.ask("D")).isEqualTo("OK");
    assertThat(machine.await()).isEqualTo(new Outcome.DebugExit(7));
  }

  @Test
  void whoIsCutOffLetsTheGuestGoOnAndAnotherOneMayCome() throws Exception {
    start("90 90" + SPIN);
    assertThat(gdb.ask("Z0," + at(CODE + 1) + ",1")).isEqualTo("OK");
    gdb.close();
    connect();
    assertThat(gdb.ask("?")).startsWith("T05");
    assertThat(gdb.ask("Z0," + at(CODE + 2) + ",1")).isEqualTo("OK");
    assertThat(gdb.ask("c")).isEqualTo("T05thread:1;");
    assertThat(register(RIP)).as("behind the first one's breakpoint").isEqualTo(CODE + 2);
  }

  @Test
  void whoGoesAwayInTheMiddleOfAPacketMakesRoomForTheNext() throws Exception {
    start(SPIN);
    for (String packet : List.of("", "$", "$m0,1", "$m0,1#", "$?#3f", "$vCont;c#a8", "}")) {
      gdb.raw(packet);
      gdb.cutOff();
      connect();
    }
    assertThat(gdb.ask("?")).startsWith("T05");
  }

  @Test
  void whoNeverReadsHoldsUpNobodyElse() throws Exception {
    start(SPIN);
    Thread talks =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    while (true) {
                      gdb.send("m" + at(CODE) + ",1f00");
                    }
                  } catch (IOException e) {
                    // Cut off at last.
                  }
                });
    machine.stop();
    assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
    machine.close();
    talks.join();
  }

  @ParameterizedTest
  @MethodSource("engines")
  void aGuestResetsWhileItsOtherProcessorStands(String engine) throws Exception {
    // mov al, 0xfe; out 0x64, al; jmp to itself
    start(engine, 2, "b0fe e664" + SPIN);
    assertThat(gdb.ask("s")).isEqualTo("T05thread:1;");
    assertThat(gdb.ask("Z0," + at(CODE) + ",1")).isEqualTo("OK");
    assertThat(gdb.ask("vCont;c:1")).startsWith("T05thread:1;");
    assertThat(register(RIP)).isEqualTo(CODE);
    assertThat(register(RAX)).as("before its first instruction").isNotEqualTo(0xFE);
  }

  @Test
  void killEndsTheMachine() throws Exception {
    start(SPIN);
    gdb.send("k");
    assertThat(machine.await()).isEqualTo(new Outcome.Stopped());
  }

  @Test
  void aMachineThatIsStoppedTellsTheDebugger() throws Exception {
    start(SPIN);
    gdb.send("c");
    assertThat(gdb.mark()).isEqualTo('+');
    machine.stop();
    assertThat(gdb.answer()).isEqualTo("W00");
  }

  @Test
  void anAddressThatIsTakenIsOneClearLine() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      byte[] kernel = TestKernels.bzImage();
      machine =
          Machine.builder()
              .kernel(Files.write(folder.resolve("kernel"), kernel))
              .memory(32 << 20)
              .gdb((InetSocketAddress) taken.getLocalSocketAddress())
              .build();
      assertThatThrownBy(machine::start)
          .isInstanceOf(MachineException.class)
          .hasMessageMatching("gdb \\S+:" + taken.getLocalPort() + ": .*in use.*");
    }
  }

  // ---------------------------------------------------------------- hostile debuggers

  @Test
  void whatIsNoPacketIsAnsweredWithAnError() throws Exception {
    start(SPIN);
    for (String packet :
        new String[] {
          "m",
          "m1",
          "m1,",
          "mx,1",
          "m11111111111111111,1",
          "M0,4:00",
          "M0,1:0g",
          "Mffffffffffffffff,2:00",
          "p",
          "pffffffffffffffff",
          "P0",
          "P0=",
          "P0=00",
          "P11",
          "G",
          "H",
          "Hx1",
          "T",
          "Z0",
          "Z0,1",
          "Z2,1,0",
          "Z2,1,ffffffffffffffff",
          "vCont;",
          "vCont;x",
          "vCont;c:",
          "vCont;s:1;",
          "qThreadExtraInfo,",
          "qXfer:features:read:target.xml:",
          "qXfer:features:read:target.xml:ffffffff,1",
          "qXfer:features:read:other.xml:0,1"
        }) {
      assertThat(gdb.ask(packet)).as(packet).startsWith("E");
    }
    for (String packet :
        new String[] {"", "!", "vMustReplyEmpty", "Z9,1,1", "qUnknown", "\u00ff"}) {
      assertThat(gdb.ask(packet)).as(packet).isEmpty();
    }
    assertThat(gdb.ask("m0,ffffffffffffffff").length()).isLessThan(0x4000);
    assertThat(register(RIP)).isEqualTo(CODE);
  }

  @Test
  void brokenPacketsAreAskedForAgainAndEndlessOnesRefused() throws Exception {
    start(SPIN);
    gdb.raw("$?#00");
    assertThat(gdb.mark()).isEqualTo('-');
    gdb.raw("$m0,$?#3f");
    assertThat(gdb.mark()).isEqualTo('+');
    assertThat(gdb.answer()).startsWith("T05");
    assertThat(gdb.ask("M0," + "0".repeat(1 << 20))).isEqualTo("E07");
    gdb.raw("-");
    assertThat(gdb.answer()).isEqualTo("E07");
    assertThat(gdb.ask("QStartNoAckMode")).isEqualTo("OK");
    gdb.send("?");
    assertThat(gdb.answer()).startsWith("T05");
  }

  @Test
  void thereIsRoomForSoManyBreakpoints() throws Exception {
    start("translator", 1, SPIN);
    for (int i = 0; i < 1024; i++) {
      assertThat(gdb.ask("Z0," + at(i) + ",1")).isEqualTo("OK");
    }
    assertThat(gdb.ask("Z0," + at(CODE) + ",1")).isEqualTo("E1c");
    assertThat(gdb.ask("Z0,0,1")).as("it is there").isEqualTo("OK");
  }

  @Test
  void randomBytesDoNoHarm() throws Exception {
    start(SPIN);
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String alphabet = "$#}*:;,=0123456789abcdefgGpPmMXHTZzcsvCont?qQ\003-+";
    for (int i = 0; i < 200; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = random.nextInt(60); j > 0; j--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      gdb.raw(text.toString());
    }
    gdb.close();
    connect();
    assertThat(gdb.ask("?")).as("seed " + seed).startsWith("T05");
  }
}
