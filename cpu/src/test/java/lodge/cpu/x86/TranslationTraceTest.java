package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TranslationTraceTest {
  private final TestMachine m = new TestMachine().longMode(0);
  private final List<String> told = new ArrayList<>();

  @AfterEach
  void close() {
    m.close();
  }

  private String run(String hex) {
    m.code(TestMachine.CODE, hex);
    Engine engine = new TranslatorEngine(true).traced(told::add).orElseThrow();
    try (Vcpu vcpu = engine.create(m.c)) {
      assertThat(vcpu.run()).isEqualTo(Exit.HALTED);
    }
    return String.join("", told);
  }

  @Test
  void aRegionIsListedAndDrawn() {
    // A loop with an instruction that is left to the interpreter's op, a call, an end.
    String trace = run("B9 03 00 00 00 0F 02 C2 FF C9 75 F9 E8 01 00 00 00 F4 C3");

    assertThat(trace)
        .startsWith("# ")
        .containsPattern(
            "(?m)^region 1: cpu 0, rip 0x8000, physical 0x8000, instructions 7, blocks 5,"
                + " bytecodes [1-9]\\d+, class file bytes [1-9]\\d+, milliseconds \\d+\\.\\d{3}$")
        .contains(
            """
            block 0x8000
                0x8000  mov ecx, 0x3
            block 0x8005
              * 0x8005  lar eax, dx
                0x8008  dec ecx
                0x800a  jne 0x8005
            block 0x800c
                0x800c  call 0x8012
            block 0x8011
              ! 0x8011  hlt
            block 0x8012
                0x8012  ret
            digraph region_1 {
              node [shape=box];
              "0x8000" [label="0x8000\\n1 instruction", peripheries=2];
              "0x8005" [label="0x8005\\n3 instructions"];
              "0x800c" [label="0x800c\\n1 instruction"];
              "0x8011" [label="0x8011\\n1 instruction"];
              "0x8012" [label="0x8012\\n1 instruction"];
              "0x8000" -> "0x8005" [label=""];
              "0x8005" -> "0x800c" [label=""];
              "0x8005" -> "0x8005" [label="jne"];
              "0x800c" -> "0x8012" [label="call"];
              "interpreter" [shape=plaintext];
              "0x8011" -> "interpreter" [label="hlt", style=dashed];
              "0x8012" -> "0x8011" [label="ret"];
              "elsewhere" [shape=plaintext];
              "0x8012" -> "elsewhere" [label="ret", style=dashed];
            }

            region 1 installed
            """);
  }

  @Test
  void aRegionWhoseCodeIsOverwrittenIsInvalidated() {
    // MOV AL, 1; MOV byte [0x8000], 0xB0
    assertThat(run("B0 01 C6 05 F7 FF FF FF B0 F4"))
        .containsSubsequence(
            "region 1: ",
            "mov byte ptr [rip-0x9], 0xb0\n",
            "region 1 installed\n",
            "region 1 invalidated: ");
  }

  @Test
  void anEngineThatDoesNotTranslateHasNoTrace() {
    assertThat(new InterpreterEngine().traced(told::add)).isEmpty();
  }
}
