package lodge.cli;

import static lodge.cli.LodgeScript.lodge;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import lodge.machine.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Boots of Debian's kernel from the command line, each of its own kind. */
class LinuxIT {
  @Test
  void aCommandsOutputIsAllThatIsPrinted() throws Exception {
    LodgeScript.Result run = lodge("run", "tiny", "--", "uname", "-a").run();

    assertThat(run.text())
        .matches("Linux tiny [0-9.]+-[^\\n]*-cloud-amd64 #1 [^\\n]* x86_64 GNU/Linux\\n");
    assertThat(run.errors()).isEmpty();
    assertThat(run.status()).isZero();
  }

  @Test
  void aCommandGetsItsWordsAndItsInputAndGivesItsStatus() throws Exception {
    byte[] input = new byte[100_000];
    new Random(5).nextBytes(input);
    String sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(input));
    String script =
        "printf '[%s]' \"$@\"; echo; sha256sum; [ -t 1 ] || echo no terminal >&2; exit 37";

    LodgeScript.Result run =
        lodge("run", "tiny", "--", "sh", "-c", script, "sh", "a  b", "it's", "", "$HOME *", "ä")
            .input(input)
            .run();

    assertThat(run.text()).isEqualTo("[a  b][it's][][$HOME *][ä]\n" + sum + "  -\nno terminal\n");
    assertThat(run.errors()).isEmpty();
    assertThat(run.status()).isEqualTo(37);
  }

  @Test
  void aPipeTypesIntoTheGuestAndNothingOfItIsLost(@TempDir Path folder) throws Exception {
    Path trace = folder.resolve("trace");
    LodgeScript.Result run =
        lodge("run", "tiny", "--stats", "--trace-translation", trace.toString())
            .input("cat /proc/cpuinfo; poweroff -f\n")
            .run();

    assertThat(run.text())
        .contains("Linux version")
        .contains("hpet0: 3 comparators, 64-bit 100.000000 MHz counter")
        .contains("processor\t: 0")
        .contains("flags\t\t: fpu ")
        .contains("reboot: Power down");
    assertThat(run.errors())
        .containsPattern("(?m)^guest_instructions [0-9]{9,}$")
        .containsPattern("(?m)^mips ")
        .containsPattern("(?m)^region_exits_direct [1-9]");
    assertThat(run.status()).isZero();
    assertThat(trace)
        .content()
        .containsPattern("(?m)^region 1: cpu 0, rip 0x")
        .containsPattern("(?m)^digraph region_1 \\{$")
        .containsPattern("(?m)^region \\d+ installed$");
  }

  @Test
  void aRebootBootsAgainAndMemoryStartsAnew() throws Exception {
    try (GuestShell guest = new GuestShell(TinyGuest.machine())) {
      guest.awaitPrompt();
      assertThat(guest.run("touch /tmp/first; ls /tmp").output()).isEqualTo("first\n");
      int from = guest.text().length();
      guest.type("reboot -f\n");
      guest.await(GuestShell.PROMPT, guest.await("Linux version", from));
      assertThat(guest.run("ls /tmp").output()).isEmpty();
      guest.type("poweroff\n");

      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
    }
  }

  @Test
  void aKernelPanicIsStatusOne() throws Exception {
    LodgeScript.Result run = lodge("run", "tiny").input("echo c >/proc/sysrq-trigger\n").run();

    assertThat(run.text()).contains("Kernel panic - not syncing");
    assertThat(run.errors()).isEqualTo("lodge: the guest's kernel panicked\n");
    assertThat(run.status()).isEqualTo(1);
  }

  @Test
  void aGuestThatResetsBeforeItsCommandEndsIsStatusOne() throws Exception {
    LodgeScript.Result run = lodge("run", "tiny", "--", "sh", "-c", "echo before; reboot -f").run();

    assertThat(new String(run.output(), StandardCharsets.UTF_8)).startsWith("before\n");
    assertThat(run.errors()).isEqualTo("lodge: the guest reset before the command ended\n");
    assertThat(run.status()).isEqualTo(1);
  }

  @Test
  void theEngineThatIsTakenIsSaidWithTheReasonWhenAskedFor() throws Exception {
    LodgeScript.Result run = lodge("run", "tiny", "--engine", "auto", "--", "true").run();
    assertThat(run.status()).isZero();
    assertThat(run.text()).isEmpty();
    assertThat(run.errors()).matches("lodge: engine (kvm|translator): .+\\n");
  }
}
