package lodge.cpu.x86.silicon;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Form;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code docs/x86.md} says what is so. {@code -Dlodge.docs=write} writes it. */
class InstructionDocumentTest {
  private static final Path FILE = Path.of("..", "docs", "x86.md");
  private static InstructionDocument document;

  @BeforeAll
  static void executeEverything() {
    document = InstructionDocument.of(new InterpreterEngine());
  }

  @Test
  void theDocumentIsUpToDate() throws Exception {
    if ("write".equals(System.getProperty("lodge.docs"))) {
      Files.writeString(FILE, document.markdown());
    }
    assertThat(Files.exists(FILE) ? Files.readString(FILE) : "")
        .as("docs/x86.md; CONTRIBUTING.md tells how it is written anew")
        .isEqualTo(document.markdown());
  }

  @Test
  void noInstructionBreaksTheEngine() {
    assertThat(document.troubles()).isEmpty();
  }

  @Test
  void whatIsImplementedIsTested() {
    assertThat(document.untested()).isEmpty();
  }

  @Test
  void theTestsThatItNamesExist() throws Exception {
    for (String name : InstructionDocument.unitTests()) {
      assertThat(Class.forName("lodge.cpu.x86." + name)).isNotNull();
    }
  }

  @Test
  void everyFormOfTheDecoderHasARow() {
    Set<String> rows = document.markdown().lines().collect(Collectors.toSet());
    for (Form form : Decoder.forms()) {
      String instruction = (form.mnemonic() + " " + String.join(",", form.operands())).strip();
      String row = "| %s | %s | %s | ".formatted(form.encoding(), instruction, form.feature());
      assertThat(rows).anyMatch(line -> line.startsWith(row));
    }
  }
}
