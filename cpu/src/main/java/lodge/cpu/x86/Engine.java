package lodge.cpu.x86;

import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import lodge.core.Vcpu;

/** A way to execute guest instructions; found through {@link java.util.ServiceLoader}. */
public interface Engine {
  /** As {@code --engine} names it: {@code interpreter}, {@code translator}, {@code kvm}. */
  String name();

  /**
   * Gives a processor an engine; from then on the state in {@code cpu} belongs to the thread that
   * runs the vCPU.
   *
   * @throws EngineException when the host does not give what the engine needs
   */
  Vcpu create(Cpu cpu);

  /**
   * Why it cannot be used on this host, and what would help, in one line; empty when nothing is in
   * the way.
   */
  default Optional<String> obstacle() {
    return Optional.empty();
  }

  /**
   * Why {@code auto} had better take another engine: an {@link #obstacle}, or something that usual
   * guests need and this host does not do. Empty when nothing is known. Takes less than a second.
   */
  default Optional<String> objection() {
    return obstacle();
  }

  /**
   * Which features its processors can have, of those that Lodge's have.
   *
   * @throws EngineException when there is an {@link #obstacle}
   */
  default Set<Feature> features() {
    return CpuModels.features();
  }

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
