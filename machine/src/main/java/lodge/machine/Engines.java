package lodge.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lodge.cpu.x86.Engine;

/** The engines that this JVM offers. */
final class Engines {
  static final String AUTO = "auto";

  private static final String KVM = "kvm";

  /** What is taken when nobody says anything, best first. */
  private static final List<String> SOFTWARE = List.of("translator", "interpreter");

  /**
   * An engine, and why it was taken.
   *
   * @param reason one line; empty when it was asked for or there was nothing to choose
   */
  record Choice(Engine engine, Optional<String> reason) {}

  private Engines() {}

  static List<Engine> installed() {
    return ServiceLoader.load(Engine.class, Engines.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  /**
   * Finds an engine that can run the machine.
   *
   * @param name null for the best one in software
   * @param translates only one that translates will do
   * @param cpus how many processors the machine has
   * @throws MachineException of kind NO_ENGINE
   */
  static Choice choose(String name, List<Engine> engines, boolean translates, int cpus) {
    if (engines.isEmpty()) {
      throw new MachineException(
          MachineException.Kind.NO_ENGINE,
          "no engine is installed; lodge-cpu belongs on the module path");
    }
    if (name == null) {
      return software(engines, translates, List.of());
    }
    if (name.equals(AUTO)) {
      return best(engines, translates, cpus);
    }
    Engine named =
        engines.stream()
            .filter(engine -> engine.name().equals(name))
            .findFirst()
            .orElseThrow(() -> unknown(name, engines));
    named.obstacle().ifPresent(obstacle -> refuse("engine '" + name + "': " + obstacle));
    return new Choice(named, Optional.empty());
  }

  private static void refuse(String message) {
    throw new MachineException(MachineException.Kind.NO_ENGINE, message);
  }

  private static Choice best(List<Engine> engines, boolean translates, int cpus) {
    List<String> objections = new ArrayList<>();
    for (Engine engine : engines) {
      if (!engine.name().equals(KVM) || translates) {
        continue;
      }
      Optional<String> objection =
          cpus > 1
              ? Optional.of("guests with several processors are not known to run well on KVM")
              : engine.objection();
      if (objection.isEmpty()) {
        return new Choice(engine, Optional.of("engine kvm: it works here"));
      }
      objections.add(objection.get());
    }
    return software(engines, translates, objections);
  }

  /**
   * @param objections to what would be better
   */
  private static Choice software(
      List<Engine> engines, boolean translates, List<String> objections) {
    Engine best =
        SOFTWARE.stream()
            .flatMap(name -> engines.stream().filter(engine -> engine.name().equals(name)))
            .filter(engine -> !translates || engine.traced(_ -> {}).isPresent())
            .findFirst()
            .orElse(engines.getFirst());
    Optional<String> reason =
        objections.isEmpty()
            ? Optional.empty()
            : Optional.of("engine %s: %s".formatted(best.name(), String.join("; ", objections)));
    return new Choice(best, reason);
  }

  private static MachineException unknown(String name, List<Engine> engines) {
    String known =
        Stream.concat(Stream.of(AUTO), engines.stream().map(Engine::name))
            .collect(Collectors.joining(", "));
    return new MachineException(
        MachineException.Kind.NO_ENGINE, "engine '" + name + "' is unknown; there are " + known);
  }
}
