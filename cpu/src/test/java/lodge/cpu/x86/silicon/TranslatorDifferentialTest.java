package lodge.cpu.x86.silicon;

import lodge.cpu.x86.Engine;
import lodge.cpu.x86.translator.TranslatorEngine;

/** The translator against the machine's own processor; every case is translated before it runs. */
class TranslatorDifferentialTest extends DifferentialTest {
  @Override
  Engine engine() {
    return new TranslatorEngine(true);
  }

  /** Each case costs a class. */
  @Override
  int draws() {
    return super.draws() / 10;
  }
}
