package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import lodge.cli.guest.CpioWriter;
import lodge.machine.Outcome;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One boot of Debian's kernel to a shell, and what programs do in it, compared with what they do on
 * the host.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ShellIT {
  private static final List<String> PROGRAMS =
      List.of("floating", "processes", "integers", "codemaker", "fill", "clocks", "hardware");
  private static final String[] BARE = {
    "-m32", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector"
  };

  @TempDir private static Path folder;

  private static GuestShell guest;
  private static byte[] sample;

  @BeforeAll
  static void boot() throws Exception {
    CpioWriter cpio = new CpioWriter().directory("test", 0755);
    for (String name : PROGRAMS) {
      add(cpio, name, Compiler.compile(folder, name));
      add(cpio, name + "-m32", Compiler.compile(folder, name, "-m32"));
    }
    add(cpio, "bare32-m32", Compiler.compile(folder, "bare32", BARE));
    sample = sample();
    cpio.file("test/sample", 0644, sample);
    guest = new GuestShell(TinyGuest.machine(cpio.finish()));
    guest.awaitPrompt();
    // What the kernel says of a busy host (late timers) stays out of what programs print.
    guest.run("dmesg -n 1");
  }

  @AfterAll
  static void close() {
    if (guest != null) {
      guest.close();
    }
  }

  @Test
  @Order(1)
  void theKernelIsDebiansAndHasNothingToComplainAbout() throws Exception {
    assertThat(guest.run("uname -srm").output()).matches("Linux [0-9.-]+-cloud-amd64 x86_64\n");
    assertThat(guest.run("cat /proc/cpuinfo").output())
        .contains("Lodge")
        .contains(" sse4_2 ")
        .contains(" avx2 ")
        .doesNotContain(" avx512");
    String log = guest.run("dmesg").output();
    assertThat(log).contains("Linux version").contains("Debian");
    assertThat(log)
        .doesNotContain("tsc: Unable")
        .doesNotContain("tsc: Marking TSC unstable")
        .doesNotContain("Call Trace")
        .doesNotContain("BUG:")
        .doesNotContain("firmware bug")
        .doesNotContainIgnoringCase("ACPI Error")
        .doesNotContainIgnoringCase("spurious");
    assertThat(
            guest
                .run("cat /sys/devices/system/clocksource/clocksource0/current_clocksource")
                .output())
        .isEqualTo("tsc\n");
  }

  @Test
  @Order(2)
  void theShellHasATerminalAndTheStatusOfWhatItRuns() throws Exception {
    assertThat(guest.run("tty").output()).isEqualTo("/dev/ttyS0\n");
    assertThat(guest.run("stty size").output()).isEqualTo("24 80\n");
    assertThat(guest.run("sh -c 'exit 42'").status()).isEqualTo(42);
    assertThat(guest.run("nosuch").status()).isEqualTo(127);
    assertThat(guest.run("ls / | sort | tr '\\n' ' '").output())
        .startsWith("bin dev etc ")
        .contains("proc root sbin sys test tmp usr var");
    assertThat(
            guest
                .run("mount | grep -c -e 'proc on' -e 'sysfs\\|sys on' -e '/dev ' -e '/tmp '")
                .status())
        .isZero();
  }

  @Test
  @Order(3)
  void controlCEndsTheProgramInTheForegroundAndNotTheShell() throws Exception {
    int from = guest.text().length();
    guest.type("cat\n");
    guest.type("first\n");
    from = guest.await("first\r\n", from);
    guest.type("second\n");
    // Once by the terminal, once by the program: it runs.
    from = guest.await("second\r\n", guest.await("second\r\n", from));
    guest.type("\3");
    guest.await(GuestShell.PROMPT, guest.await("^C", from));
    int asked = guest.text().length();
    guest.type("echo status $?\n");
    guest.await("\nstatus 130\r\n" + GuestShell.PROMPT, asked);
  }

  @Test
  @Order(4)
  void checksumsAreTheHosts() throws Exception {
    for (String algorithm : List.of("MD5", "SHA-1", "SHA-256", "SHA-512")) {
      String tool = algorithm.toLowerCase(Locale.ROOT).replace("-", "") + "sum";
      String expected =
          HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(sample));
      assertThat(guest.run(tool + " </test/sample").output()).isEqualTo(expected + "  -\n");
    }
  }

  @Test
  @Order(5)
  void whatGzipPacksTheHostUnpacksAndTheGuestToo() throws Exception {
    assertThat(
            guest
                .run("gzip -9 </test/sample >/tmp/packed; gunzip </tmp/packed | cmp - /test/sample")
                .status())
        .isZero();
    String hexadecimal =
        guest.run("head -c 200000 /test/sample | gzip | hexdump -v -e '1/1 \"%02x\"'").output();
    byte[] packed = HexFormat.of().parseHex(hexadecimal);
    byte[] head = Arrays.copyOf(sample, 200_000);
    try (InputStream unpacked = new GZIPInputStream(new ByteArrayInputStream(packed))) {
      assertThat(unpacked.readAllBytes()).isEqualTo(head);
    }
    assertThat(guest.run("bzip2 </test/sample | bunzip2 | cmp - /test/sample").status()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "integers",
        "floating",
        "processes",
        "codemaker",
        "bare32-m32",
        "integers-m32",
        "floating-m32",
        "processes-m32"
      })
  @Order(6)
  void aProgramPrintsWhatItPrintsOnTheHost(String name) throws Exception {
    Path program =
        folder.resolve(name.equals("bare32-m32") ? "bare32" + String.join("", BARE) : name);
    assumeThat(program)
        .as("a compiler for " + name + " (the package gcc, for -m32 gcc-multilib)")
        .exists();
    String expected = name.startsWith("bare32") ? runBare(program) : Compiler.onTheHost(program);

    GuestShell.Result run = guest.run("/test/" + name);

    assertThat(exact(run.output())).isEqualTo(exact(expected));
    assertWithinAnUlpOrTwo(run.output(), expected);
    assertThat(run.status()).isEqualTo(name.startsWith("bare32") ? 42 : 0);
  }

  @Test
  @Order(7)
  void twoHundredMegabytesOfFilesComeBackAsTheyWereWritten() throws Exception {
    Path program = compiled("fill");
    String expected = Compiler.onTheHost(program, folder.toString(), "200");

    assertThat(guest.run("/test/fill /tmp 200").output()).isEqualTo(expected);
  }

  @Test
  @Order(8)
  void aSecondIsASecond() throws Exception {
    compiled("clocks");
    int from = guest.text().length();
    guest.type("/test/clocks\n");
    from = guest.await("\nbegin", from);
    long begin = System.nanoTime();
    int end = guest.await("\nend ", from);
    double host = (System.nanoTime() - begin) / 1e9;
    guest.await(GuestShell.PROMPT, end);
    String said = guest.text().substring(end);
    double own = Double.parseDouble(said.substring(0, said.indexOf('\r')));

    assertThat(own).isCloseTo(1.0, withinPercentage(5));
    assertThat(host)
        .as("by the host's clock, which this busy process also waits for")
        .isBetween(0.95, 1.3);
    assertThat(said).doesNotContain("time went back");
  }

  @Test
  @Order(9)
  void everyPortAndPhysicalAddressAnswersSomehow() throws Exception {
    compiled("hardware");

    GuestShell.Result run = guest.run("/test/hardware");

    assertThat(run.output())
        .isEqualTo("ports read, most of them empty\nports written\nmemory read and written\n");
    assertThat(guest.run("echo still here").output()).isEqualTo("still here\n");
  }

  @Test
  @Order(10)
  void theEndOfTheShellIsPowerOff() throws Exception {
    guest.type("exit\n");

    assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    assertThat(guest.machine().counters().totals().get("guest_instructions")).isPositive();
  }

  private static String exact(String output) {
    return output.lines().filter(line -> !line.startsWith("~")).collect(Collectors.joining("\n"));
  }

  /**
   * Lines that begin with a tilde are results of x87 instructions that processors round
   * differently, as exponent and mantissa. What a C library makes of two such results may differ by
   * one unit more.
   */
  private static void assertWithinAnUlpOrTwo(String output, String expected) {
    List<String> actual = words(output);
    List<String> wanted = words(expected);
    assertThat(actual).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.size(); i++) {
      String[] a = actual.get(i).split(":", 2);
      String[] w = wanted.get(i).split(":", 2);
      assertThat(a[0]).isEqualTo(w[0]);
      if (w.length == 2) {
        long difference = Long.parseUnsignedLong(a[1], 16) - Long.parseUnsignedLong(w[1], 16);
        assertThat(difference).as("%s and %s", actual.get(i), wanted.get(i)).isBetween(-2L, 2L);
      }
    }
  }

  private static List<String> words(String output) {
    return output
        .lines()
        .filter(line -> line.startsWith("~"))
        .flatMap(line -> Stream.of(line.split(" ")))
        .toList();
  }

  private static void add(CpioWriter cpio, String name, Optional<Path> program) throws IOException {
    if (program.isPresent()) {
      cpio.file("test/" + name, 0755, Files.readAllBytes(program.get()));
    }
  }

  private static Path compiled(String name) {
    Path program = folder.resolve(name);
    assumeThat(program).as("a compiler (the package gcc)").exists();
    return program;
  }

  private static String runBare(Path program) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(program.toString()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    assumeThat(process.waitFor()).as("status of a 32-bit program on this host").isEqualTo(42);
    return output;
  }

  /** Two megabytes: half of it text that packs well, half of it code. */
  private static byte[] sample() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; out.size() < 1 << 20; i++) {
      out.writeBytes(
          ("line " + i * 7919 + " of a text that repeats itself\n")
              .getBytes(StandardCharsets.US_ASCII));
    }
    byte[] initrd = Files.readAllBytes(TinyGuest.guest().initrd());
    out.write(initrd, 0, Math.min(initrd.length, 1 << 20));
    return out.toByteArray();
  }
}
