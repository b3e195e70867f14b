package lodge.cpu.x86.translator;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.interpreter.CodeLimits;
import lodge.cpu.x86.interpreter.HotSpots;

/** The translator by itself, for those who stand between it and the interpreter. */
public final class Translators {
  private Translators() {}

  /**
   * @param eager translates all code as soon as it is decoded
   */
  public static HotSpots of(Cpu cpu, boolean eager) {
    return new Translator(cpu.memory, cpu::kick, eager, CodeLimits.DEFAULT, null);
  }
}
