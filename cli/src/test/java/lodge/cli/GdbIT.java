package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lodge.machine.Machine;
import lodge.machine.Outcome;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real gdb and Debian's kernel, with the kernel's own symbols. */
@Timeout(600) // fetching the guest is part of it
class GdbIT {
  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  /** The first argument of a system call: RDI in {@code struct pt_regs}. */
  private static final String ARGUMENT = "*(long *) ($rdi + 112)";

  private static Path symbols;

  @BeforeAll
  static void makeSymbolFile(@TempDir Path folder) throws Exception {
    assumeTrue(
        HostProgram.installed("gdb") && HostProgram.installed("gcc"),
        "gdb and gcc are needed: apt-get install gdb gcc");
    symbols = KernelSymbols.make(folder);
  }

  private static Process start(Machine machine, String... commands) throws IOException {
    int port = machine.gdb().orElseThrow().getPort();
    List<String> command = new ArrayList<>(List.of("gdb", "-nx", "-batch", symbols.toString()));
    command.addAll(List.of("-ex", "target remote 127.0.0.1:" + port));
    for (String each : commands) {
      command.addAll(List.of("-ex", each));
    }
    Process gdb = new ProcessBuilder(command).redirectErrorStream(true).start();
    gdb.getOutputStream().close();
    return gdb;
  }

  /** What gdb says to commands. */
  private static String gdb(Machine machine, String... commands) throws Exception {
    return end(start(machine, commands));
  }

  private static String end(Process gdb) throws Exception {
    try {
      String said = String.join("\n", gdb.inputReader().lines().toList());
      assertThat(gdb.waitFor()).as(said).isZero();
      return said;
    } finally {
      gdb.destroy();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"interpreter", "translator"})
  void aKernelIsDebuggedFromItsFirstInstructionToItsLast(String engine) throws Exception {
    try (GuestShell guest =
        new GuestShell(
            TinyGuest.machine()
                .append(TinyGuest.guest().append() + " nokaslr")
                .engine(engine)
                .cpus(2)
                .gdb(ANY_PORT)
                .freeze(true))) {
      aFrozenMachineIsLedToItsKernel(guest.machine());
      guest.awaitPrompt();
      guest.type("while ! test -e /enough; do (umask 027); done &\n");
      aRunningMachineStopsWhereItIsToldTo(guest.machine());
      aProcessorStepsThroughRepetitions(guest.machine());
      assertThat(guest.run("touch /enough; wait; echo on it goes").output()).contains("on it goes");
      whoInterruptsMayKill(guest);
    }
  }

  private static void aFrozenMachineIsLedToItsKernel(Machine machine) throws Exception {
    String said =
        gdb(
            machine,
            "hbreak start_kernel",
            "continue",
            "x/s (char *) &linux_banner",
            "info threads",
            "p/x $cs",
            "delete",
            "break rest_init",
            "continue",
            "backtrace 2",
            "stepi",
            "x/i $pc",
            "detach");

    assertThat(said)
        .containsPattern("hit Breakpoint 1, 0x[0-9a-f]+ in start_kernel \\(\\)")
        .containsPattern("<linux_banner>:\\s+\"Linux version ")
        .containsPattern("\\* 1 +Thread 1 \\(vCPU 0 \\[running\\]\\) +0x\\w+ in start_kernel")
        .containsPattern(" 2 +Thread 2 \\(vCPU 1 \\[")
        .contains("$1 = 0x10")
        .containsPattern("hit Breakpoint 2, 0x[0-9a-f]+ in rest_init \\(\\)")
        .containsPattern("#0 +0x[0-9a-f]+ in rest_init \\(\\)")
        .containsPattern("#1 +0x[0-9a-f]+ in \\w+ \\(\\)")
        .containsPattern("=> 0xffffffff[0-9a-f]+ <rest_init\\+\\d+>:")
        .contains("detached");
  }

  private static void aRunningMachineStopsWhereItIsToldTo(Machine machine) throws Exception {
    String said =
        gdb(
            machine,
            "watch *(long *) &jiffies_64",
            "continue",
            "delete",
            "break __x64_sys_umask if %s == %d".formatted(ARGUMENT, 0_027),
            "continue",
            "backtrace 2",
            "p " + ARGUMENT,
            "info registers rip gs_base cr0",
            "p $_thread",
            "thread 2",
            "p $_thread",
            "p $cr3 != 0",
            "detach");

    Matcher values =
        Pattern.compile(
                "Hardware watchpoint 1: .*jiffies_64\\s+Old value = (\\d+)\\s+New value = (\\d+)")
            .matcher(said);
    assertThat(values.find()).as(said).isTrue();
    assertThat(Long.parseLong(values.group(2))).isGreaterThan(Long.parseLong(values.group(1)));
    assertThat(said)
        .containsPattern("hit Breakpoint 2, 0x[0-9a-f]+ in __x64_sys_umask \\(\\)")
        .containsPattern("#1 +0x[0-9a-f]+ in do_syscall_64 \\(\\)")
        .contains("$1 = " + 0_027)
        .containsPattern("rip +0x[0-9a-f]+ +0x[0-9a-f]+ <__x64_sys_umask\\+?\\d*>")
        .containsPattern("gs_base +0xff[0-9a-f]+")
        .containsPattern("cr0 .*\\[ PE .*WP .*PG \\]")
        .contains("$3 = 2", "$4 = 1", "detached");
  }

  /** A page is cleared by one instruction with 4096 repetitions. */
  private static void aProcessorStepsThroughRepetitions(Machine machine) throws Exception {
    String said =
        gdb(
            machine,
            "break clear_page_erms",
            "continue",
            "stepi 2",
            "x/i $pc",
            "p $rcx",
            "stepi",
            "x/i $pc",
            "p $rcx",
            "delete",
            "tbreak *($pc + 2)",
            "continue",
            "p $rcx",
            "detach");

    assertThat(said)
        .containsPattern("(?s)(rep stos .*){2}")
        .contains("$1 = 4096", "$2 = 4095", "$3 = 0", "detached");
  }

  private static void whoInterruptsMayKill(GuestShell guest) throws Exception {
    Process gdb = start(guest.machine(), "echo stopped\\n", "continue", "info threads", "kill");
    BufferedReader says = gdb.inputReader();
    String line = says.readLine();
    while (line != null && !line.equals("stopped")) {
      line = says.readLine();
    }
    assertThat(guest.run("echo it is debugged").output()).isEqualTo("it is debugged\n");
    HostProgram.status("kill", "-INT", Long.toString(gdb.pid()));

    assertThat(end(gdb))
        .contains("received signal SIGINT")
        .containsPattern("1 +Thread 1 \\(vCPU 0 \\[")
        .containsPattern("2 +Thread 2 \\(vCPU 1 \\[")
        .contains("killed");
    assertThat(guest.awaitEnd()).isEqualTo(new Outcome.Stopped());
  }

  @Test
  void freezingNeedsADebugger() throws Exception {
    LodgeScript.Result run = lodge("run", "tiny", "-S").run();
    assertThat(run.errors()).contains("-S needs --gdb PORT");
    assertThat(run.status()).isEqualTo(2);
  }

  @Test
  void anAddressThatIsTakenIsBadInput() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      LodgeScript.Result run = lodge("run", "tiny", "--gdb", "" + taken.getLocalPort()).run();
      assertThat(run.errors())
          .matches("lodge: gdb \\S+:" + taken.getLocalPort() + ": .*in use.*\\n");
      assertThat(run.status()).isEqualTo(2);
    }
  }
}
