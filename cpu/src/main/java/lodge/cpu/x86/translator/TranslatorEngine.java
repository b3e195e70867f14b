package lodge.cpu.x86.translator;

import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.interpreter.InterpreterVcpu;

/** The interpreter with its hot code translated to JVM bytecode. */
public final class TranslatorEngine implements Engine {
  @Override
  public String name() {
    return "translator";
  }

  @Override
  public Vcpu create(Cpu cpu) {
    return new InterpreterVcpu(cpu, new Translator(cpu.memory));
  }
}
