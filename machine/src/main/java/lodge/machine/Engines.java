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

  /** What {@code auto} takes, best first. */
  private static final List<String> PREFERENCE = List.of("kvm", "translator", "interpreter");

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
   * @param translates only one that translates will do
   * @throws MachineException of kind NO_ENGINE
   */
  static Choice choose(String name, List<Engine> engines, boolean translates) {
    if (engines.isEmpty()) {
      throw new MachineException(
          MachineException.Kind.NO_ENGINE,
          "no engine is installed; lodge-cpu belongs on the module path");
    }
    if (name.equals(AUTO)) {
      return best(engines, translates);
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

  private static Choice best(List<Engine> engines, boolean translates) {
    List<String> objections = new ArrayList<>();
    for (String name : PREFERENCE) {
      for (Engine engine : engines) {
        if (!engine.name().equals(name) || translates && engine.traced(_ -> {}).isEmpty()) {
          continue;
        }
        Optional<String> objection = engine.objection();
        if (objection.isEmpty()) {
          String hardware = engine.name().equals(PREFERENCE.getFirst()) ? "it works here" : null;
          Optional<String> reason =
              objections.isEmpty()
                  ? Optional.ofNullable(hardware)
                  : Optional.of(String.join("; ", objections));
          return new Choice(
              engine, reason.map(why -> "engine %s: %s".formatted(engine.name(), why)));
        }
        objections.add(objection.get());
      }
    }
    return new Choice(engines.getFirst(), Optional.empty());
  }

  private static MachineException unknown(String name, List<Engine> engines) {
    String known =
        Stream.concat(Stream.of(AUTO), engines.stream().map(Engine::name))
            .collect(Collectors.joining(", "));
    return new MachineException(
        MachineException.Kind.NO_ENGINE, "engine '" + name + "' is unknown; there are " + known);
  }
}
