package lodge.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.EngineException;

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
   * @param fallback takes over when the engine cannot do what the machine needs
   */
  record Choice(Engine engine, Optional<String> reason, Optional<Engine> fallback) {
    /** This engine and no other. */
    static Choice of(Engine engine) {
      return new Choice(engine, Optional.empty(), Optional.empty());
    }

    /**
     * What is left when the engine cannot do it.
     *
     * @param why one line
     */
    Optional<Choice> without(String why) {
      return fallback.map(engine -> taken(engine, why));
    }

    /** An engine, because of what is in the way of better ones. */
    static Choice taken(Engine engine, String why) {
      String reason = "engine %s: %s".formatted(engine.name(), why);
      return new Choice(engine, Optional.of(reason), Optional.empty());
    }
  }

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
   * @throws MachineException of kind NO_ENGINE
   */
  static Choice choose(String name, List<Engine> engines, boolean translates) {
    if (engines.isEmpty()) {
      throw new MachineException(
          MachineException.Kind.NO_ENGINE,
          "no engine is installed; lodge-cpu belongs on the module path");
    }
    if (name == null) {
      return software(engines, translates, List.of());
    }
    if (name.equals(AUTO)) {
      return best(engines, translates);
    }
    Engine named =
        engines.stream()
            .filter(engine -> engine.name().equals(name))
            .findFirst()
            .orElseThrow(() -> unknown(name, engines));
    named
        .obstacle()
        .ifPresent(
            obstacle -> {
              throw refused(named, new EngineException(obstacle));
            });
    return Choice.of(named);
  }

  /** The host does not give an engine what it needs. */
  static MachineException refused(Engine engine, EngineException why) {
    return new MachineException(
        MachineException.Kind.NO_ENGINE,
        "engine '" + engine.name() + "': " + why.getMessage(),
        why);
  }

  private static Choice best(List<Engine> engines, boolean translates) {
    List<String> objections = new ArrayList<>();
    for (Engine engine : engines) {
      if (!engine.name().equals(KVM) || translates) {
        continue;
      }
      Optional<String> objection = engine.objection();
      if (objection.isEmpty()) {
        Optional<Engine> fallback =
            Optional.of(software(engines, false, List.of()).engine())
                .filter(other -> other != engine);
        return new Choice(engine, Optional.of("engine kvm: it works here"), fallback);
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
    return objections.isEmpty()
        ? Choice.of(best)
        : Choice.taken(best, String.join("; ", objections));
  }

  private static MachineException unknown(String name, List<Engine> engines) {
    String known =
        Stream.concat(Stream.of(AUTO), engines.stream().map(Engine::name))
            .collect(Collectors.joining(", "));
    return new MachineException(
        MachineException.Kind.NO_ENGINE, "engine '" + name + "' is unknown; there are " + known);
  }
}
