package lodge.cpu.x86.interpreter;

import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;

/** Decode once, execute from linked instruction objects. */
public final class InterpreterEngine implements Engine {
  private final CodeLimits limits;

  public InterpreterEngine() {
    this(CodeLimits.DEFAULT);
  }

  public InterpreterEngine(CodeLimits limits) {
    this.limits = limits;
  }

  @Override
  public String name() {
    return "interpreter";
  }

  @Override
  public Vcpu create(Cpu cpu) {
    return new InterpreterVcpu(cpu, null, limits);
  }
}
