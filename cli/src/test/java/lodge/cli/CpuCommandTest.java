package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import lodge.cpu.x86.CpuModel;
import lodge.cpu.x86.CpuModels;
import lodge.cpu.x86.Cpuid;
import org.junit.jupiter.api.Test;

class CpuCommandTest {
  private static String lodge(String... arguments) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int status =
        Lodge.run(
            List.of(arguments),
            new Streams(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(output, true, StandardCharsets.UTF_8),
                new PrintStream(errors, true, StandardCharsets.UTF_8)));
    assertThat(errors.toString(StandardCharsets.UTF_8)).isEmpty();
    assertThat(status).isZero();
    return output.toString(StandardCharsets.UTF_8);
  }

  @Test
  void theListNamesModelsAndFeatures() {
    String list = lodge("cpu", "list");
    assertThat(list.lines())
        .anyMatch(line -> line.matches("  max +\\d+ features, all that there are \\(default\\)"))
        .anyMatch(line -> line.matches("  x86-64-v2 +\\d+ features"))
        .anyMatch(line -> line.matches("  sse4\\.2 +1\\.0\\.ECX\\[20\\] +max x86-64-v2.*"))
        .anyMatch(line -> line.matches("  fpu +1\\.0\\.EDX\\[0\\] +max x86-64-v1 x86-64-v2.*"))
        .anyMatch(line -> line.matches("  xsaves +D\\.1\\.EAX\\[3\\] +max"));
    assertThat(list.lines().filter(line -> line.matches("  \\S+ +[0-9A-F]+\\.\\d\\.E.X.*")))
        .hasSize(CpuModels.features().size());
  }

  @Test
  void theListIsJsonToo() {
    String json = lodge("cpu", "list", "--json");
    assertThat(json.strip()).startsWith("{").endsWith("}");
    assertThat(json)
        .contains("{\"name\": \"max\", \"features\": [\"fpu\", \"vme\"")
        .contains("{\"name\": \"lm\", \"cpuid\": \"80000001.0.EDX[29]\", \"models\": [\"max\", ");
    assertThat(count(json, '{')).isEqualTo(count(json, '}'));
    assertThat(count(json, '[')).isEqualTo(count(json, ']'));
  }

  @Test
  void aModelIsShownByItsLeaves() {
    String max = lodge("cpu", "show", "max");
    assertThat(max.lines().toList().get(0)).startsWith("leaf     subleaf ");
    assertThat(max.lines().skip(1))
        .hasSize(Cpuid.leaves(new CpuModel()).size())
        .allMatch(line -> line.matches("[0-9a-f]{8}( [0-9a-f]{8}){5}"))
        .anyMatch(
            line -> line.startsWith("00000001 00000000 %08x".formatted(new CpuModel().signature())))
        .anyMatch(line -> line.startsWith("80000008 "));
    String without = lodge("cpu", "show", "max,-popcnt");
    assertThat(differing(max, without)).hasSize(1).first().asString().startsWith("00000001");
  }

  @Test
  void aModelIsShownInJsonToo() {
    String json = lodge("cpu", "show", "--json", "x86-64-v1,+popcnt");
    assertThat(json)
        .contains("\"model\": \"x86-64-v1,+popcnt\"")
        .contains("{\"leaf\": 2147483648, \"subleaf\": 0, \"eax\": 2147483656, ");
  }

  @Test
  void stringsAreEscapedInJson() {
    assertThat(Json.string("a\"b\\c\n")).isEqualTo("\"a\\\"b\\\\c\\u000a\"");
  }

  private static List<String> differing(String one, String other) {
    List<String> others = other.lines().toList();
    return one.lines().filter(line -> !others.contains(line)).toList();
  }

  private static long count(String text, char c) {
    return text.chars().filter(x -> x == c).count();
  }
}
