package lodge.cpu.x86.translator;

import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.interpreter.InterpreterVcpu;

/** The interpreter with its hot code translated to JVM bytecode. */
public final class TranslatorEngine implements Engine {
  private final boolean eager;

  public TranslatorEngine() {
    this(false);
  }

  /**
   * @param eager translates all code as soon as it is decoded, on the vCPU's thread: slow, for
   *     tests
   */
  public TranslatorEngine(boolean eager) {
    this.eager = eager;
  }

  @Override
  public String name() {
    return "translator";
  }

  @Override
  public Vcpu create(Cpu cpu) {
    return new InterpreterVcpu(cpu, new Translator(cpu.memory, cpu::kick, eager));
  }
}
