package lodge.cpu.x86.silicon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import lodge.cpu.x86.Bounds;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.translator.TranslatorEngine;

/** The same where the translator throws all its code away after every case. */
class BoundedTranslatorDifferentialTest extends TranslatorDifferentialTest {
  @Override
  Engine engine() {
    return new TranslatorEngine(true, Bounds.NOTHING);
  }

  @Override
  int draws() {
    return super.draws() / 5;
  }

  @Override
  int leastDraws() {
    return 1;
  }

  @Override
  void counted(Map<String, Long> counters) {
    assertThat(counters.get("code_discards")).as("code thrown away").isPositive();
  }
}
