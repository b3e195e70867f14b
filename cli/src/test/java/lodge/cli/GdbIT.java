package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import lodge.machine.Machine;
import lodge.machine.SerialConsole;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real gdb and Debian's kernel, with the kernel's own symbols. */
@Timeout(300)
class GdbIT {
  /** Where the kernel is with {@code nokaslr}. */
  private static final long KERNEL = 0xFFFF_FFFF_8100_0000L;

  private static final String SYMBOLS =
      "start_kernel|jiffies_64|linux_banner|smp_init|run_init_process";

  private static Path symbols;

  /** Has the guest name its symbols, and makes a file of them that gdb can read. */
  @BeforeAll
  static void makeSymbolFile(@TempDir Path folder) throws Exception {
    assumeTrue(
        HostProgram.installed("gdb") && HostProgram.installed("gcc"),
        "gdb and gcc are needed: apt-get install gdb gcc");
    LodgeScript.Result names =
        lodge("run", "tiny", "--append", "nokaslr", "--", "grep", "-wE", SYMBOLS, "/proc/kallsyms")
            .run();
    assertThat(names.errors()).isEmpty();
    Map<String, Long> addresses = new TreeMap<>();
    for (String line : names.text().lines().toList()) {
      String[] words = line.split("\\s+");
      addresses.put(words[2], Long.parseUnsignedLong(words[0], 16));
    }
    assertThat(addresses).hasSize(5);
    StringBuilder source = new StringBuilder(".section .kernel,\"awx\",@nobits\n");
    source.append("base: .skip 0x8000000\n");
    addresses.forEach(
        (name, address) ->
            source.append(
                ".globl %1$s\n.type %1$s,@function\n.set %1$s, base + %2$d\n"
                    .formatted(name, address - KERNEL)));
    Path text = Files.writeString(folder.resolve("kernel.s"), source);
    symbols = folder.resolve("kernel.symbols");
    run(
        List.of(
            "gcc",
            "-nostdlib",
            "-static",
            "-Wl,--section-start=.kernel=0x" + Long.toHexString(KERNEL),
            "-Wl,--entry=base",
            "-o",
            symbols.toString(),
            text.toString()));
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }

  private static String gdb(Machine machine, String... commands) throws Exception {
    InetSocketAddress address = machine.gdb().orElseThrow();
    List<String> command = new ArrayList<>(List.of("gdb", "-nx", "-batch", symbols.toString()));
    for (String each : List.of("set pagination off", "set confirm off")) {
      command.addAll(List.of("-ex", each));
    }
    command.addAll(List.of("-ex", "target remote 127.0.0.1:" + address.getPort()));
    for (String each : commands) {
      command.addAll(List.of("-ex", each));
    }
    return run(command);
  }

  @ParameterizedTest
  @ValueSource(strings = {"interpreter", "translator"})
  void aKernelIsDebuggedFromItsFirstInstructionOn(String engine) throws Exception {
    try (Machine machine =
        TinyGuest.machine()
            .append(TinyGuest.guest().append() + " nokaslr")
            .engine(engine)
            .cpus(2)
            .serial(SerialConsole.of(OutputStream.nullOutputStream()))
            .gdb(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .freeze(true)
            .build()) {
      machine.start();
      String said =
          gdb(
              machine,
              "hbreak start_kernel",
              "continue",
              "x/s (char *) &linux_banner",
              "stepi",
              "x/i $pc",
              "delete",
              "break run_init_process",
              "continue",
              "backtrace 1",
              "info threads",
              "thread 2",
              "p $cr0",
              "p $rip > 0xffffffff80000000",
              "delete",
              "watch *(long *) &jiffies_64",
              "continue",
              "info registers rip cs eflags gs_base cr3",
              "delete",
              "detach");

      assertThat(said)
          .containsPattern("Breakpoint 1, 0x[0-9a-f]+ in start_kernel \\(\\)")
          .containsPattern("<linux_banner>:\\s+\"Linux version ")
          .containsPattern("=> 0xffffffff[0-9a-f]+ <start_kernel\\+\\d+>:")
          .containsPattern("Breakpoint 2, 0x[0-9a-f]+ in run_init_process \\(\\)")
          .containsPattern("#0 +0x[0-9a-f]+ in run_init_process \\(\\)")
          .containsPattern("1 +Thread 1 \\(vCPU 0 \\[")
          .containsPattern("2 +Thread 2 \\(vCPU 1 \\[")
          .containsPattern("= \\[ PE .*WP .*PG \\]")
          .contains("= 1\n")
          .containsPattern(
              "[Ww]atchpoint 3: \\*\\(long \\*\\) ?&jiffies_64\\s+Old value = \\d+\\s+New value ="
                  + " \\d+")
          .containsPattern("gs_base +0xffff[0-9a-f]+")
          .contains("detached");
    }
  }

  @Test
  void freezingNeedsADebugger() throws Exception {
    LodgeScript.Result run = lodge("run", "tiny", "-S").run();
    assertThat(run.errors()).contains("-S needs --gdb PORT");
    assertThat(run.status()).isEqualTo(2);
  }
}
