package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The interface as data, against this machine's {@code linux/kvm.h} as its C compiler reads it. */
class HeaderTest {
  private static final Path HEADER = Path.of("/usr/include/linux/kvm.h");

  @TempDir static Path folder;

  /** What a C program says of each expression. */
  private static final Map<String, Long> values = new TreeMap<>();

  @BeforeAll
  static void askTheCompiler() throws Exception {
    if (!Files.exists(HEADER) || !Files.exists(Path.of("/usr/bin/gcc"))) {
      System.out.println("structures not compared: no gcc or no " + HEADER);
      Assumptions.abort("no gcc or no " + HEADER);
    }
    StringBuilder program =
        new StringBuilder(
            "#include <linux/kvm.h>\n#include <stddef.h>\n#include <stdio.h>\nint main() {\n");
    for (Ioctl request : Ioctl.values()) {
      print(program, "KVM_" + request);
    }
    for (Capability capability : Capability.values()) {
      print(program, "KVM_CAP_" + capability);
    }
    for (ExitReason reason : ExitReason.values()) {
      print(program, "KVM_EXIT_" + reason);
    }
    for (Struct struct : Structs.ALL) {
      print(program, "sizeof(struct " + struct.name() + ")");
      struct.offsets().keySet().forEach(field -> print(program, offsetof(struct, field)));
    }
    Path source = Files.writeString(folder.resolve("kvm.c"), program.append("}\n"));
    Path binary = folder.resolve("kvm");
    run("gcc", "-w", "-o", binary.toString(), source.toString());
    for (String line : run(binary.toString()).lines().toList()) {
      int blank = line.lastIndexOf(' ');
      values.put(line.substring(0, blank), Long.parseUnsignedLong(line.substring(blank + 1)));
    }
  }

  private static void print(StringBuilder program, String expression) {
    program.append(
        "printf(\"%s %%lu\\n\", (unsigned long) %s);\n".formatted(expression, expression));
  }

  private static String offsetof(Struct struct, String field) {
    // What has no name of its own there, or stands for several.
    String name = field.equals("others") ? "xcrs[1]" : field;
    return "offsetof(struct " + struct.name() + ", " + name + ")";
  }

  private static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  @Test
  void requestsHaveTheNumbersOfTheHeader() {
    for (Ioctl request : Ioctl.values()) {
      assertThat(request.number()).as("%s", request).isEqualTo(values.get("KVM_" + request));
    }
  }

  @Test
  void capabilitiesAndExitReasonsHaveTheNumbersOfTheHeader() {
    for (Capability capability : Capability.values()) {
      assertThat((long) capability.number())
          .as("%s", capability)
          .isEqualTo(values.get("KVM_CAP_" + capability));
    }
    for (ExitReason reason : ExitReason.values()) {
      assertThat((long) reason.number())
          .as("%s", reason)
          .isEqualTo(values.get("KVM_EXIT_" + reason));
    }
  }

  @Test
  void structuresHaveTheFieldsOfTheHeaderAtItsPlaces() {
    for (Struct struct : Structs.ALL) {
      struct
          .offsets()
          .forEach(
              (field, offset) ->
                  assertThat(offset)
                      .as(struct.name() + "." + field)
                      .isEqualTo(values.get(offsetof(struct, field))));
    }
  }

  @Test
  void structuresAreAsLongAsInTheHeader() {
    for (Struct struct : Structs.ALL) {
      long size = values.get("sizeof(struct " + struct.name() + ")");
      if (struct == Structs.RUN) {
        assertThat(struct.size()).as("its start").isLessThanOrEqualTo(size);
      } else {
        assertThat(struct.size()).as(struct.name()).isEqualTo(size);
      }
    }
  }
}
