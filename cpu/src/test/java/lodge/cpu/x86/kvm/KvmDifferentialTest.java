package lodge.cpu.x86.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import lodge.cpu.x86.TestMachine;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * The interpreter, or the engine that {@code -Dlodge.engine} names, against the host's KVM. The
 * report goes to {@code target/kvm}; {@code -Dlodge.kvm.seconds=N} makes it longer, {@code
 * -Dlodge.kvm.seed=N} draws others, {@code -Dlodge.kvm.only=REGEX} restricts it to mnemonics.
 */
class KvmDifferentialTest {
  private static final long SECONDS = Long.getLong("lodge.kvm.seconds", 15);

  /** Each has every row in every mode once. What is drawn is the same on slow and fast hosts. */
  private static final int ROUNDS =
      System.getProperty("lodge.kvm.seconds") == null ? 30 : Integer.MAX_VALUE;

  private static final long SEED = Long.getLong("lodge.kvm.seed", 1);
  private static final String ONLY = System.getProperty("lodge.kvm.only", ".*");

  /** A scenario takes far less than a millisecond. */
  private static final long HUNG_NANOS = 2_000_000_000L;

  @Test
  void systemInstructionsDoWhatTheyDoUnderKvm() throws Exception {
    KvmMachine kvm;
    try {
      kvm = new KvmMachine();
    } catch (IOException e) {
      System.out.println("not compared with KVM: " + e.getMessage());
      Assumptions.abort("no KVM: " + e.getMessage());
      return;
    }
    try (kvm;
        EngineMachine engine = new EngineMachine(TestMachine.engine(), kvm.model())) {
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

  @Test
  void aMachineLeavesNothingOpenAndNothingMapped() throws IOException {
    openAndClose();
    long files = count("fd");
    long mappings = count("map_files");
    for (int i = 0; i < 50; i++) {
      openAndClose();
    }
    assertThat(count("fd")).isLessThan(files + 25);
    // The JVM maps and unmaps for itself meanwhile, but not by the hundred.
    assertThat(count("map_files")).isLessThan(mappings + 50);
  }

  private static void openAndClose() {
    try {
      new KvmMachine().close();
    } catch (IOException e) {
      Assumptions.abort("no KVM: " + e.getMessage());
    }
  }

  private static long count(String what) throws IOException {
    try (Stream<Path> entries = Files.list(Path.of("/proc/self", what))) {
      return entries.count();
    }
  }

  private static void draw(KvmComparison comparison, ScenarioGenerator generator) {
    long end = System.nanoTime() + SECONDS * 1_000_000_000L;
    for (int i = 0; i < ROUNDS && System.nanoTime() < end; i++) {
      for (ScenarioGenerator.Row row : ScenarioGenerator.table()) {
        for (Mode mode : Mode.values()) {
          if (ScenarioGenerator.fits(row, mode) && row.mnemonic().matches(ONLY)) {
            try {
              comparison.check(generator.draw(row, mode));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        }
      }
    }
  }

  private static void finish(KvmComparison comparison) throws IOException {
    Path directory = Files.createDirectories(Path.of("target", "kvm"));
    Files.writeString(directory.resolve("report.txt"), comparison.report());
    KvmComparison.Count total = comparison.total();
    System.out.println(
        ("KVM, seed %d: %d scenarios ran, %d compared, %d of them with listed deviations,"
                + " %d not executed by KVM")
            .formatted(SEED, total.ran, total.compared, total.deviations, total.notExecuted));
    System.out.println("modes that this KVM does not execute: " + comparison.modesNotRun());
    Assumptions.assumeTrue(total.compared > 0, "this KVM executes nothing");
    assertThat(total.mismatches).as(comparison.mismatches()).isZero();
  }
}
