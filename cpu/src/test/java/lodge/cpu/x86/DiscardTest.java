package lodge.cpu.x86;

import static org.assertj.core.api.Assertions.assertThat;

import lodge.core.Exit;
import lodge.core.Vcpu;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of translated code when all code is thrown away. */
class DiscardTest {
  /** Loops until a place is found hot often enough, however little the compilers can take. */
  private static final int MOST_RUNS = 10_000;

  private final TestMachine m = new TestMachine().longMode(0);
  private Vcpu vcpu;

  @AfterEach
  void close() {
    vcpu.close();
    m.close();
  }

  @Test
  void whatWasTranslatedBeforeAResetIsTranslatedAfterIt() {
    vcpu = new TranslatorEngine().create(m.c);
    loopUntilTranslated(1);
    vcpu.reset();
    m.longMode(0);
    loopUntilTranslated(2);
  }

  @Test
  void regionsDieWithTheCodeThatIsThrownAway() {
    vcpu = new TranslatorEngine(true, Bounds.NOTHING).create(m.c);
    loop(100);
    loop(100);
    vcpu.reset();
    assertThat(counted("translated_regions")).isPositive();
    assertThat(counted("regions_invalidated")).isEqualTo(counted("translated_regions"));
  }

  private void loopUntilTranslated(int regions) {
    for (int i = 0; i < MOST_RUNS && counted("translated_regions") < regions; i++) {
      loop(10_000);
    }
    assertThat(counted("translated_regions")).isEqualTo(regions);
  }

  /** DEC ECX; JNZ; HLT. */
  private void loop(int rounds) {
    m.code(TestMachine.CODE, "FF C9 75 FC F4");
    m.c.rip = TestMachine.CODE;
    m.c.r[Cpu.RCX] = rounds;
    m.c.halted = false;
    assertThat(vcpu.run()).isEqualTo(Exit.HALTED);
    assertThat(m.c.r[Cpu.RCX]).isZero();
  }

  private long counted(String name) {
    return Bounds.counted(vcpu).get(name);
  }
}
