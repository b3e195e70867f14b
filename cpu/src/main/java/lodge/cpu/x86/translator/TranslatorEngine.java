package lodge.cpu.x86.translator;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.interpreter.CodeLimits;
import lodge.cpu.x86.interpreter.InterpreterVcpu;

/** The interpreter with its hot code translated to JVM bytecode. */
public final class TranslatorEngine implements Engine {
  private final boolean eager;
  private final CodeLimits limits;

  /** Null when nobody wants to know. */
  private final Consumer<String> trace;

  /** Numbers what is traced. */
  private final AtomicInteger regions = new AtomicInteger();

  public TranslatorEngine() {
    this(false);
  }

  /**
   * @param eager translates all code as soon as it is decoded, on the vCPU's thread: slow, for
   *     tests
   */
  public TranslatorEngine(boolean eager) {
    this(eager, CodeLimits.DEFAULT);
  }

  public TranslatorEngine(boolean eager, CodeLimits limits) {
    this(eager, limits, null);
  }

  private TranslatorEngine(boolean eager, CodeLimits limits, Consumer<String> trace) {
    this.eager = eager;
    this.limits = limits;
    this.trace = trace;
  }

  @Override
  public String name() {
    return "translator";
  }

  @Override
  public Vcpu create(Cpu cpu) {
    TranslationTrace told = trace == null ? null : new TranslationTrace(trace, regions, cpu.apicId);
    return new InterpreterVcpu(
        cpu, new Translator(cpu.memory, cpu::kick, eager, limits, told), limits);
  }

  @Override
  public Optional<Engine> traced(Consumer<String> trace) {
    return Optional.of(new TranslatorEngine(eager, limits, trace));
  }
}
