package lodge.cpu.x86.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * The interpreter against the host's KVM. The report goes to {@code target/kvm}; {@code
 * -Dlodge.kvm.seconds=N} makes it longer, {@code -Dlodge.kvm.seed=N} draws others, {@code
 * -Dlodge.kvm.only=REGEX} restricts it to mnemonics.
 */
class KvmDifferentialTest {
  private static final long SECONDS = Long.getLong("lodge.kvm.seconds", 15);
  private static final long SEED = Long.getLong("lodge.kvm.seed", 1);
  private static final String ONLY = System.getProperty("lodge.kvm.only", ".*");

  /** A scenario takes far less than a millisecond. */
  private static final long HUNG_NANOS = 2_000_000_000L;

  @Test
  void systemInstructionsDoWhatTheyDoUnderKvm() throws Exception {
    boolean wanted = Boolean.getBoolean("lodge.kvm");
    if (!wanted) {
      System.out.println(
          "Not compared with /dev/kvm: its deviations are not all listed yet; -Dlodge.kvm=true"
              + " compares");
    }
    Assumptions.assumeTrue(wanted, "run with -Dlodge.kvm=true");
    KvmMachine kvm;
    try {
      kvm = new KvmMachine();
    } catch (IOException e) {
      System.out.println("not compared with KVM: " + e.getMessage());
      Assumptions.abort("no KVM: " + e.getMessage());
      return;
    }
    try (kvm;
        EngineMachine engine = new EngineMachine(new InterpreterEngine(), kvm.model())) {
      KvmComparison comparison = new KvmComparison(kvm, engine);
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread runner =
          Thread.ofPlatform()
              .daemon()
              .name("kvm")
              .uncaughtExceptionHandler((_, e) -> failure.set(e))
              .start(() -> draw(comparison, new ScenarioGenerator(SEED, kvm.model())));
      while (!runner.join(java.time.Duration.ofMillis(500))) {
        if (System.nanoTime() - comparison.startedNanos > HUNG_NANOS) {
          System.out.println("does not end: " + comparison.current);
          comparison.abandon();
        }
      }
      assertThat(failure.get()).isNull();
      finish(comparison);
    }
  }

  private static void draw(KvmComparison comparison, ScenarioGenerator generator) {
    long end = System.nanoTime() + SECONDS * 1_000_000_000L;
    while (System.nanoTime() < end) {
      for (ScenarioGenerator.Row row : ScenarioGenerator.table()) {
        for (Mode mode : Mode.values()) {
          if (ScenarioGenerator.fits(row, mode) && row.mnemonic().matches(ONLY)) {
            comparison.check(generator.draw(row, mode));
          }
        }
      }
    }
  }

  private static void finish(KvmComparison comparison) throws IOException {
    Path directory = Files.createDirectories(Path.of("target", "kvm"));
    Files.writeString(directory.resolve("interpreter.txt"), comparison.report());
    KvmComparison.Count total = comparison.total();
    System.out.println(
        "KVM, seed %d: %d scenarios ran, %d compared, %d not executed by KVM, %d known deviations"
            .formatted(SEED, total.ran, total.compared, total.notExecuted, total.deviations));
    System.out.println("modes that this KVM does not execute: " + comparison.modesNotRun());
    Assumptions.assumeTrue(total.compared > 0, "this KVM executes nothing");
    assertThat(total.mismatches).as(comparison.mismatches()).isZero();
  }
}
