package lodge.cpu.x86.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import lodge.cpu.x86.Bounds;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.Test;

/**
 * The interpreter and the translator, which translates everything before it runs, with the same
 * random programs from the same state: branches, loops, memory and device accesses, faults, stores
 * into the code that runs. All of the processor, memory and what the devices saw has to agree.
 *
 * <p>{@code -Dlodge.fuzz.seconds=N} is the time, {@code -Dlodge.fuzz.seed=N} the seed of the first
 * program; each later one has the seed after that of the one before.
 */
class EngineComparisonTest {
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("lodge.fuzz.seconds", "8"));
  private static final long SEED = Long.getLong("lodge.fuzz.seed", 1);

  /** Programs that never end are given up: first on the interpreter, which is quick. */
  private static final int INTERPRETER_MILLIS = 10;

  private static final int TRANSLATOR_MILLIS = 200;

  @Test
  void theTranslatorDoesWhatTheInterpreterDoes() {
    try (ComparedGuest translator = new ComparedGuest(new TranslatorEngine(true))) {
      compare(translator);
      assertThat(translator.counted("code_discards")).isZero();
    }
  }

  @Test
  void soDoesOneThatKeepsNothing() {
    try (ComparedGuest translator = new ComparedGuest(new TranslatorEngine(true, Bounds.NOTHING))) {
      compare(translator);
      assertThat(translator.counted("code_discards")).isGreaterThan(100);
      assertThat(translator.counted("code_lookups_replaced")).isPositive();
    }
  }

  @Test
  void soDoesOneThatKeepsLittle() {
    try (ComparedGuest translator = new ComparedGuest(new TranslatorEngine(true, Bounds.LITTLE))) {
      compare(translator);
      assertThat(translator.counted("code_discards")).isGreaterThan(100);
      assertThat(translator.counted("code_lookups_replaced")).isPositive();
    }
  }

  private static void compare(ComparedGuest translator) {
    System.out.println("engines compared from seed " + SEED);
    try (ComparedGuest interpreter = new ComparedGuest(new InterpreterEngine())) {
      long end = System.nanoTime() + (long) (SECONDS / 2 * 1e9);
      int compared = 0;
      int endless = 0;
      List<String> reports = new ArrayList<>();
      for (long seed = SEED; System.nanoTime() < end && reports.size() < 10; seed++) {
        Program program = new Program(new SplittableRandom(seed));
        interpreter.load(program, seed);
        translator.load(program, seed);
        List<String> differences = new ArrayList<>();
        boolean ends = true;
        for (int i = 0;
            ends && differences.isEmpty() && i < program.starts.size();
            i += 1 + i / 2) {
          int start = program.starts.get(i);
          ends =
              interpreter.run(program, start, INTERPRETER_MILLIS)
                  && translator.run(program, start, TRANSLATOR_MILLIS);
          if (ends) {
            differences.addAll(interpreter.differences(translator));
            compared++;
          } else {
            endless++;
          }
        }
        if (ends) {
          differences.addAll(interpreter.memoryDifferences(translator));
        }
        if (!differences.isEmpty()) {
          reports.add("seed " + seed + ": " + program + "\n  " + String.join("\n  ", differences));
        }
      }
      System.out.println(compared + " runs compared, " + endless + " endless");
      System.out.println(
          translator.counted("guest_instructions") / compared + " instructions in each");
      assertThat(reports).as(String.join("\n", reports)).isEmpty();
      assertThat(compared).isGreaterThan(endless);
    }
  }
}
