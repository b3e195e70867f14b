package lodge.cpu.x86;

import java.util.Optional;
import java.util.function.Consumer;
import lodge.core.Vcpu;

/** A way to execute guest instructions; found through {@link java.util.ServiceLoader}. */
public interface Engine {
  /** As {@code --engine} names it: {@code interpreter}, {@code translator}, {@code kvm}. */
  String name();

  /**
   * Gives a processor an engine; from then on the state in {@code cpu} belongs to the thread that
   * runs the vCPU.
   */
  Vcpu create(Cpu cpu);

  /**
   * The same engine, which tells what it translates in text for people.
   *
   * @param trace is given one piece of text after the other, by any thread, the vCPUs' among them:
   *     it returns soon and throws nothing
   * @return empty when the engine does not translate
   */
  default Optional<Engine> traced(Consumer<String> trace) {
    return Optional.empty();
  }
}
