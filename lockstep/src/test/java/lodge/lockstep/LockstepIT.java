package lodge.lockstep;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import lodge.cli.guest.Guest;
import lodge.cli.guest.GuestCache;
import lodge.cli.guest.GuestSession;
import lodge.cli.guest.Progress;
import lodge.cli.guest.Recipe;
import lodge.cpu.x86.interpreter.Lockstep;
import lodge.machine.LockstepMachine;
import lodge.machine.Outcome;
import lodge.machine.SerialConsole;
import lodge.machine.boot.KernelImage;
import org.junit.jupiter.api.Test;

/**
 * The guest {@code tiny}, its boot and programs in it, executed by the translator and behind it by
 * the interpreter, which is given the same from outside. The whole state of the processor is
 * compared every few instructions or regions, memory now and then.
 *
 * <p>{@code -Dlodge.lockstep.rounds=N} runs the programs N times. {@code -Dlodge.lockstep.batch=1}
 * compares after each region, which names the one that did something else.
 */
class LockstepIT {
  private static final int ROUNDS = Integer.getInteger("lodge.lockstep.rounds", 1);
  private static final int BATCH = Integer.getInteger("lodge.lockstep.batch", 32);
  private static final long EAGER_INSTRUCTIONS =
      Long.getLong("lodge.lockstep.eager.instructions", 40_000_000);

  private static final long MEMORY = 256 << 20;
  private static final long MEMORY_INTERVAL = 20_000_000;

  private static final String PROGRAMS =
      """
      dmesg -n 1
      dd if=/dev/zero bs=1k count=200 2>/dev/null | sha256sum
      seq 1 20000 | gzip | gunzip | md5sum
      seq 1 3000 | bzip2 | bunzip2 | sort -r | uniq | tr 0-9 a-j | sed s/a/A/g | grep -c A
      awk 'BEGIN { for (i = 1; i < 20000; i++) s += i * 1.1 / 7 - (i % 13) * 0.3; printf "%.6f\\n", s }'
      for i in $(seq 1 20); do echo $i | cat >/tmp/$i; done; ls /tmp | wc -l
      ls -lR /sys/class | wc -l
      """;

  @Test
  void theTranslatorDoesWhatTheInterpreterDoesFromBootToShutdown() throws Exception {
    ByteArrayOutputStream output = new ByteArrayOutputStream();

    Outcome outcome = run(output, false, Long.MAX_VALUE);

    assertThat(outcome).isEqualTo(new Outcome.PowerOff());
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(new byte[200 << 10]);
    assertThat(output.toString(StandardCharsets.US_ASCII)).contains(HexFormat.of().formatHex(hash));
  }

  @Test
  void theTranslatorDoesWhatTheInterpreterDoesWhereCodeIsTranslatedBeforeItRuns() throws Exception {
    run(new ByteArrayOutputStream(), true, EAGER_INSTRUCTIONS);
  }

  private static Outcome run(ByteArrayOutputStream output, boolean eager, long instructions)
      throws InterruptedException {
    Guest.RamDisk guest =
        (Guest.RamDisk)
            new GuestCache(GuestCache.home(System.getenv()), Progress.silent())
                .guest(Recipe.named("tiny", Path.of("../guests")));
    byte[] keys = (PROGRAMS.repeat(ROUNDS) + "exit\n").getBytes(StandardCharsets.US_ASCII);
    long start = System.nanoTime();
    try (LockstepMachine machine =
        new LockstepMachine(
            KernelImage.read(guest.kernel()),
            List.of(guest.initrd(), GuestSession.shell("dumb", 24, 80)),
            guest.append(),
            MEMORY,
            SerialConsole.of(new ByteArrayInputStream(keys), output),
            eager,
            new Lockstep.Limits(instructions, BATCH, MEMORY_INTERVAL))) {
      Outcome outcome = machine.run();
      Map<String, Long> counters = machine.counters().totals();
      System.out.printf(
          "%,d instructions, %,d of them in %,d regions, compared at %,d points in %d s%n",
          counters.get("guest_instructions"),
          counters.get("guest_instructions_translated"),
          counters.get("translated_regions"),
          counters.get("points"),
          (System.nanoTime() - start) / 1_000_000_000);
      return outcome;
    }
  }
}
