package lodge.machine;

import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lodge.cpu.x86.Engine;

/** The engines that this JVM offers. */
final class Engines {
  static final String AUTO = "auto";

  /** What {@code auto} takes, best first. */
  private static final List<String> PREFERENCE = List.of("translator", "interpreter");

  private Engines() {}

  static List<Engine> installed() {
    return ServiceLoader.load(Engine.class, Engines.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  static Engine named(String name, List<Engine> engines) {
    if (engines.isEmpty()) {
      throw new MachineException(
          MachineException.Kind.NO_ENGINE,
          "no engine is installed; lodge-cpu belongs on the module path");
    }
    if (name.equals(AUTO)) {
      return PREFERENCE.stream()
          .flatMap(best -> engines.stream().filter(engine -> engine.name().equals(best)))
          .findFirst()
          .orElse(engines.getFirst());
    }
    return engines.stream()
        .filter(engine -> engine.name().equals(name))
        .findFirst()
        .orElseThrow(() -> unknown(name, engines));
  }

  private static MachineException unknown(String name, List<Engine> engines) {
    String known =
        Stream.concat(Stream.of(AUTO), engines.stream().map(Engine::name))
            .collect(Collectors.joining(", "));
    return new MachineException(
        MachineException.Kind.NO_ENGINE, "engine '" + name + "' is unknown; there are " + known);
  }
}
