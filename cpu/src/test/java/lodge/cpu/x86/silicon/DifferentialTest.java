package lodge.cpu.x86.silicon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The interpreter against the machine's own processor, for every user-mode row of the opcode
 * tables. Reports are written to {@code target/silicon}. {@code -Dlodge.silicon=exhaustive} draws
 * many more cases, {@code -Dlodge.silicon.seed=N} others, {@code -Dlodge.silicon.only=REGEX}
 * restricts the rows by their text.
 */
class DifferentialTest {
  private static final boolean EXHAUSTIVE =
      "exhaustive".equals(System.getProperty("lodge.silicon"));
  private static final long SEED = Long.getLong("lodge.silicon.seed", 1);
  private static final String ONLY = System.getProperty("lodge.silicon.only", "");
  private static final int DRAWS =
      Integer.getInteger("lodge.silicon.draws", EXHAUSTIVE ? 4000 : 200);

  /** Rows of features that are not announced are not compared. */
  private static final CpuModel MODEL = new CpuModel();

  private Silicon silicon;
  private VcpuEngine engine;

  /** The engine under test. */
  Engine engine() {
    return new InterpreterEngine();
  }

  /** The share of the cases that this engine gets. */
  int draws() {
    return DRAWS;
  }

  /** The fewest cases of each variant of a row. */
  int leastDraws() {
    return 8;
  }

  /** To be overridden by who wants to know how the engine did what it did. */
  void counted(Map<String, Long> counters) {}

  @BeforeEach
  void start() {
    silicon = Silicon.startOrSkip();
    engine = new VcpuEngine(engine());
  }

  @AfterEach
  void stop() {
    if (silicon != null) {
      counted(engine.counters());
      silicon.close();
      engine.close();
    }
  }

  @ParameterizedTest(name = "{0} in {1}-byte mode")
  @CsvSource({
    "integer,8",
    "system,8",
    "x87,8",
    "sse,8",
    "vex,8",
    "integer,4",
    "system,4",
    "x87,4",
    "sse,4",
    "vex,4"
  })
  void everyInstructionDoesWhatTheProcessorDoes(String table, int codeSize) throws IOException {
    Comparison comparison = new Comparison(silicon, engine);
    CaseGenerator generator = new CaseGenerator(SEED + table.hashCode(), codeSize);
    List<FormRow> rows = rows(table, codeSize);
    Assumptions.assumeFalse(rows.isEmpty(), "no row of table " + table + " is announced");
    for (FormRow row : rows) {
      for (int variant = 0; variant < row.variants; variant++) {
        List<Case> batch = new ArrayList<>();
        for (int i = 0; i < Math.max(leastDraws(), draws() / row.variants); i++) {
          batch.add(generator.single(row, variant));
        }
        comparison.check(batch);
      }
    }
    finish(comparison, engine().name() + "-" + table + "-" + codeSize);
  }

  @ParameterizedTest(name = "in {0}-byte mode")
  @CsvSource({"8", "4"})
  void sequencesDoWhatTheProcessorDoes(int codeSize) throws IOException {
    Comparison comparison = new Comparison(silicon, engine);
    CaseGenerator generator = new CaseGenerator(SEED, codeSize);
    System.out.println("random sequences from seed " + SEED);
    List<FormRow> rows = rows("integer", codeSize);
    rows.addAll(rows("sse", codeSize));
    rows.addAll(rows("x87", codeSize));
    rows.addAll(rows("vex", codeSize));
    rows.removeIf(row -> Tolerance.tolerates(row.mnemonic));
    rows.removeIf(
        row ->
            row.addresses("JA")
                || !row.immediates.isEmpty() && row.immediates.get(0).startsWith("c"));
    for (int i = 0; i < draws() * 2; i++) {
      List<Case> batch = new ArrayList<>();
      for (int k = 0; k < 100; k++) {
        batch.add(generator.sequence(rows, 2 + generator.random.nextInt(5)));
      }
      comparison.check(batch);
    }
    finish(comparison, engine().name() + "-sequences-" + codeSize);
  }

  /** Whether a row is compared where the host's processor has it. */
  static boolean compares(FormRow row) {
    return !CaseGenerator.EXCLUDED.contains(row.mnemonic) && MODEL.has(row.feature);
  }

  private List<FormRow> rows(String table, int codeSize) {
    Predicate<FormRow> wanted =
        row ->
            row.inMode(codeSize)
                && compares(row)
                && silicon.host().has(row.feature)
                && (ONLY.isEmpty() || row.text.matches(ONLY));
    return new ArrayList<>(FormRow.table(table).stream().filter(wanted).toList());
  }

  private static void finish(Comparison comparison, String name) throws IOException {
    Path directory = Files.createDirectories(Path.of("target", "silicon"));
    String report = comparison.report();
    Files.writeString(directory.resolve(name + ".txt"), report);
    System.out.println(
        name + ": " + comparison.cases() + " cases, " + comparison.mismatches() + " mismatches");
    assertThat(comparison.mismatches())
        .as(report.substring(0, Math.min(report.length(), 4000)))
        .isZero();
  }
}
