package lodge.cli.doctor;

import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import lodge.cpu.x86.Engine;

/**
 * What an engine says of this host.
 *
 * @param name as {@code --engine} names it
 * @param obstacle why it cannot be used, and what would help
 * @param objection why {@code auto} does not take it; there where there is an obstacle
 */
public record EngineState(String name, Optional<String> obstacle, Optional<String> objection) {
  static final String KVM = "kvm";

  /** Asks all that are installed; takes less than a second. */
  static List<EngineState> ask() {
    return ServiceLoader.load(Engine.class).stream()
        .map(ServiceLoader.Provider::get)
        .map(EngineState::of)
        .sorted((one, other) -> other.name.compareTo(one.name))
        .toList();
  }

  private static EngineState of(Engine engine) {
    Optional<String> obstacle = engine.obstacle();
    return new EngineState(
        engine.name(), obstacle, obstacle.isPresent() ? obstacle : engine.objection());
  }

  boolean software() {
    return !name.equals(KVM);
  }
}
