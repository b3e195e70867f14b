package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import lodge.cli.doctor.Doctor;
import lodge.cli.doctor.FakeHost;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @TempDir private Path root;

  private record Result(int status, String output, String errors) {}

  private static Result lodge(String... arguments) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int status =
        Lodge.run(
            List.of(arguments),
            new Streams(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(output, true, StandardCharsets.UTF_8),
                new PrintStream(errors, true, StandardCharsets.UTF_8)));
    return new Result(
        status, output.toString(StandardCharsets.UTF_8), errors.toString(StandardCharsets.UTF_8));
  }

  @Test
  void aLineACheckIsFollowedByWhatToDo() throws IOException {
    FakeHost host = FakeHost.complete(root).kvm("no permission: join the group kvm", "");

    List<String> lines = DoctorCommand.text(host.host()).lines().toList();

    assertThat(lines)
        .hasSize(Doctor.CHECKS.size() + 1)
        .contains(
            "  Checking for vmx or svm               : PASS (vmx: Intel VT-x)",
            "  Checking for the JVM's options        : PASS");
    int device =
        lines.indexOf("  Checking for the right to use KVM     : WARN (/dev/kvm cannot be used)");
    assertThat(lines.get(device + 1)).isEqualTo("    no permission: join the group kvm");
  }

  @Test
  void programsReadAnObjectACheck() throws IOException {
    FakeHost host = FakeHost.complete(root).kvm("", "it says \"no\"");

    String json = DoctorCommand.json(host.host());

    assertThat(json).startsWith("[\n    {\n").endsWith("}\n]");
    assertThat(json.lines().filter(line -> line.startsWith("        \"result\": ")))
        .hasSize(Doctor.CHECKS.size());
    assertThat(json)
        .contains(
            """
                {
                    "name": "kvm-linux",
                    "title": "a KVM that runs Linux",
                    "result": "WARN",
                    "found": "it says \\"no\\"",
                    "advice": "nothing needs to be done: \
            """
                .stripTrailing());
  }

  @Test
  void thisHostRunsMachines() {
    Result text = lodge("doctor");
    Result json = lodge("doctor", "--json");

    assertThat(text.errors()).isEmpty();
    assertThat(text.status()).isZero();
    assertThat(text.output().lines())
        .allMatch(
            line -> line.matches("  Checking for .* +: (PASS|NOTE|WARN)( \\(.+\\))?|    \\S.*"))
        .anyMatch(line -> line.matches(".*software engines +: PASS \\(translator, interpreter\\)"));
    assertThat(json.status()).isZero();
    assertThat(json.output()).startsWith("[").contains("\"name\": \"kvm-linux\"");
  }

  @Test
  void helpSaysWhatTheWordsMean() {
    assertThat(lodge("doctor", "--help").output())
        .isEqualTo(lodge("help", "doctor").output())
        .contains("--json", "PASS: ", "NOTE: ", "WARN: ", "FAIL: ", "Exit status: 0");
    assertThat(lodge("--help").output()).contains("  doctor  Tells what this host can do");
  }

  @Test
  void wrongUsageIsOneLine() {
    for (String wrong : List.of("--nosuch", "more")) {
      Result result = lodge("doctor", wrong);
      assertThat(result.status()).isEqualTo(2);
      assertThat(result.output()).isEmpty();
      assertThat(result.errors()).hasLineCount(1).contains(wrong, "lodge doctor --help");
    }
  }
}
