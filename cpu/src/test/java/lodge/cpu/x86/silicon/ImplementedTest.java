package lodge.cpu.x86.silicon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.TreeSet;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The processor does what it announces, on any host. */
class ImplementedTest {
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
  void everyInstructionThatIsAnnouncedIsImplemented(String table, int codeSize) {
    CpuModel model = new CpuModel();
    CaseGenerator generator = new CaseGenerator(5, codeSize);
    Set<String> missing = new TreeSet<>();
    int executed = 0;
    try (VcpuEngine engine = new VcpuEngine(new InterpreterEngine())) {
      for (FormRow row : FormRow.table(table)) {
        if (!row.inMode(codeSize) || !model.has(row.feature)) {
          continue;
        }
        for (int i = 0; i < 4; i++) {
          engine.run(generator.single(row, 0));
          executed++;
        }
      }
      engine.counters().keySet().stream()
          .filter(name -> name.startsWith("unimplemented_"))
          .forEach(missing::add);
    }
    assertThat(missing).isEmpty();
    assertThat(executed).isPositive();
  }
}
