package lodge.cpu.x86.silicon;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.Engine;

/** Writes {@code docs/x86.md} from the opcode tables and from what an engine does with each row. */
final class InstructionDocument {
  private static final Map<String, String> TABLES = new LinkedHashMap<>();

  static {
    TABLES.put("integer", "Integer");
    TABLES.put("system", "System and saved state");
    TABLES.put("x87", "x87");
    TABLES.put("sse", "MMX, SSE and cryptography");
    TABLES.put("vex", "VEX: AVX, AVX2, FMA, F16C, BMI");
  }

  /** Those that need privilege level 0: user code can only see that it is refused. */
  private static final Set<String> PRIVILEGED =
      Set.of(
          "HLT", "LLDT", "LTR", "LGDT", "LIDT", "LMSW", "INVLPG", "CLAC", "STAC", "XSETBV",
          "SWAPGS", "CLTS", "SYSRET", "INVD", "WBINVD", "MOV_CR", "MOV_DR", "WRMSR", "RDMSR",
          "SYSEXIT", "INVPCID", "IN", "OUT", "INS", "OUTS", "CLI", "STI");

  /** Unit tests that execute an instruction and look at all that it does, by mnemonic. */
  private static final Map<String, String> UNIT_TESTS = new TreeMap<>();

  static {
    tested("ControlRegistersTest", "MOV_CR", "MOV_DR", "LMSW", "XSETBV", "XGETBV", "INVPCID");
    tested("ProcessorStateTest", "SGDT", "SIDT", "SLDT", "STR", "SMSW", "CLTS", "RDPID", "HLT");
    tested("ProcessorStateTest", "RDRAND", "RDSEED", "INVLPG", "INVD", "WBINVD", "RDPMC");
    tested("ProtectedModeTest", "LLDT", "LTR", "LGDT", "LAR", "LSL", "VERR", "VERW");
    tested("RealModeTest", "LIDT");
    tested("SystemCallsTest", "SYSCALL", "SYSRET", "SYSENTER", "SYSEXIT", "SWAPGS");
    tested("HypercallsTest", "VMCALL", "VMMCALL");
    tested("FlagControlTest", "CLI", "STI", "CLAC", "STAC", "RDTSC", "RDTSCP");
    tested("PortTest", "IN", "OUT", "INS", "OUTS");
    tested("MsrsTest", "RDMSR", "WRMSR");
    tested("CpuidTest", "CPUID");
    tested("interpreter.ExtendedStateTest", "FXSAVE", "FXRSTOR", "XSAVE", "XRSTOR", "XSAVEOPT");
    tested("interpreter.ExtendedStateTest", "XSAVEC", "XSAVES", "XRSTORS");
  }

  private static void tested(String test, String... mnemonics) {
    for (String mnemonic : mnemonics) {
      UNIT_TESTS.put(mnemonic, test);
    }
  }

  /** What is known of a row. */
  private record Line(FormRow row, boolean executed) {
    /** Empty when nothing looked at its results. */
    List<String> tests() {
      List<String> tests = new ArrayList<>();
      if (DifferentialTest.compares(row)) {
        tests.add(PRIVILEGED.contains(row.mnemonic) ? "refusal" : "processor");
      }
      if (UNIT_TESTS.containsKey(row.mnemonic)) {
        String test = UNIT_TESTS.get(row.mnemonic);
        tests.add(test.substring(test.indexOf('.') + 1));
      }
      return tests;
    }

    String markdown() {
      String operands = String.join(",", row.operands);
      String instruction = operands.isEmpty() ? row.mnemonic : row.mnemonic + " " + operands;
      String modes = row.has("no64") ? "not 64" : row.has("only64") ? "64" : "all";
      String how = !executed ? "not implemented" : tests().isEmpty() ? "run" : join(tests());
      return "| %s | %s | %s | %s | %s |"
          .formatted(encoding(), instruction, row.feature, modes, how);
    }

    private String encoding() {
      return row.text.substring(0, row.text.indexOf('|')).strip();
    }

    private static String join(List<String> words) {
      return String.join(", ", words);
    }
  }

  private static final CpuModel MODEL = new CpuModel();

  private final Map<String, List<Line>> lines = new LinkedHashMap<>();
  private final List<String> troubles = new ArrayList<>();

  private InstructionDocument() {}

  /** Executes every row. */
  static InstructionDocument of(Engine engine) {
    InstructionDocument document = new InstructionDocument();
    try (FormExecutor executor = new FormExecutor(engine)) {
      for (String table : TABLES.keySet()) {
        List<Line> all = new ArrayList<>();
        for (FormRow row : FormRow.table(table)) {
          FormExecutor.Result result = executor.execute(row);
          if (!result.trouble().isEmpty()) {
            document.troubles.add(row.text + ": " + result.trouble());
          }
          // TZCNT and LZCNT without their features are bit scans, which are not meant here.
          all.add(new Line(row, result.executed() && MODEL.has(row.feature)));
        }
        document.lines.put(table, all);
      }
    }
    return document;
  }

  /** Java exceptions and hangs of the engine, a line each. */
  List<String> troubles() {
    return troubles;
  }

  /** Rows that are executed but whose results no test looks at. */
  List<String> untested() {
    return lines.values().stream()
        .flatMap(List::stream)
        .filter(line -> line.executed && line.tests().isEmpty())
        .map(line -> line.row.text)
        .toList();
  }

  /** Names of the unit tests that the document relies on, below {@code lodge.cpu.x86}. */
  static Set<String> unitTests() {
    return Set.copyOf(UNIT_TESTS.values());
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # The processor's instructions

        Generated from the opcode tables in `cpu/src/main/resources/lodge/cpu/x86/decode`;
        [CONTRIBUTING](../CONTRIBUTING.md) tells how. A row is an instruction form: its encoding and
        operands as the tables and the SDM (volume 2, appendix A) write them, the feature that brought
        it (`8086` is what every x86-64 processor has), the modes in which it exists, and how it is
        tested:

        - `processor`: its results are compared with those of the host's own processor, over operands,
          prefixes and addressing forms (`DifferentialTest`; where the host lacks the feature, not)
        - `refusal`: the same, but user code can only see that it is refused
        - a test's name: that unit test checks its effects
        - `run`: it is executed, and its results are not looked at
        - `not implemented`: no engine executes it, and no model announces it

        Every form that is not `not implemented` has been executed by the test that checks this file.

        """);
    text.append(
        "| | forms | implemented | of these compared or checked |\n| --- | --- | --- | --- |\n");
    lines.forEach(
        (table, rows) -> {
          long executed = rows.stream().filter(Line::executed).count();
          long tested = rows.stream().filter(l -> l.executed && !l.tests().isEmpty()).count();
          text.append(
              "| %s | %d | %d | %d |%n"
                  .formatted(TABLES.get(table), rows.size(), executed, tested));
        });
    lines.forEach(
        (table, rows) -> {
          text.append("\n## ").append(TABLES.get(table)).append("\n\n");
          text.append("| encoding | instruction | since | modes | tested |\n");
          text.append("| --- | --- | --- | --- | --- |\n");
          rows.forEach(line -> text.append(line.markdown()).append('\n'));
        });
    return text.toString();
  }
}
