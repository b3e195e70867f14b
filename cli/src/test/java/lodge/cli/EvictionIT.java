package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import lodge.cli.guest.CpioWriter;
import lodge.cpu.x86.interpreter.CodeLimits;
import lodge.cpu.x86.translator.TranslatorEngine;
import lodge.machine.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Debian's kernel and a program on processors that throw their code away all the time. */
class EvictionIT {
  /** A boot meets ten times as much code, and needs as many places in the look-up table. */
  private static final CodeLimits LITTLE = new CodeLimits(40_000, 4, 64, 200, 4);

  @TempDir private static Path folder;

  @Test
  void aGuestDoesNotNoticeThatItsCodeIsThrownAway() throws Exception {
    CpioWriter cpio = new CpioWriter().directory("test", 0755);
    Optional<Path> program = Compiler.compile(folder, "integers");
    if (program.isPresent()) {
      cpio.file("test/integers", 0755, Files.readAllBytes(program.get()));
    } else {
      System.out.println("no compiler: only the guest's own programs are run");
    }
    try (GuestShell guest =
        new GuestShell(
            TinyGuest.machine(cpio.finish()).cpus(2).engine(new TranslatorEngine(false, LITTLE)))) {
      guest.awaitPrompt();
      // What the kernel says of a busy host stays out of what programs print.
      guest.run("dmesg -n 1");
      if (program.isPresent()) {
        assertThat(guest.run("/test/integers").output())
            .isEqualTo(Compiler.onTheHost(program.get()));
      }
      assertThat(guest.run("for i in 1 2; do seq 1 20000 | md5sum & done; wait").output())
          .isEqualTo("e071f707df7bbeee2a6a1eb48011ddd0  -\n".repeat(2));
      assertThat(guest.run("dmesg | grep -iE 'bug:|stall|lockup|hung|oops'").output()).isEmpty();
      guest.type("exit\n");
      assertThat(guest.awaitEnd()).isEqualTo(new Outcome.PowerOff());
      Map<String, Long> counted = guest.machine().counters().totals();
      assertThat(counted.get("code_discards")).isGreaterThan(10);
      assertThat(counted.get("code_lookups_replaced")).isGreaterThan(10_000);
      assertThat(counted.get("translator_forgets")).isPositive();
      assertThat(counted.get("regions_invalidated")).isPositive();
      assertThat(counted.get("guest_instructions_translated")).isPositive();
    }
  }
}
