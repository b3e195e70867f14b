package lodge.cli.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The JVM that Lodge runs in.
 *
 * @param version such as 25.0.1+8
 * @param name such as OpenJDK 64-Bit Server VM
 * @param info how it executes, such as mixed mode
 * @param missing options that the {@code lodge} script gives and this JVM was started without
 */
public record Jvm(String version, String name, String info, List<String> missing) {
  private static final String INTERNAL = "jdk.internal.misc";
  private static final List<String> WITH_INTERNALS = List.of("lodge.core", "lodge.cpu");
  private static final List<String> NATIVE = List.of("lodge.core", "lodge.disk", "lodge.kvm");

  public Jvm {
    missing = List.copyOf(missing);
  }

  static Jvm current() {
    return new Jvm(
        Runtime.version().toString(),
        System.getProperty("java.vm.name"),
        System.getProperty("java.vm.info"),
        missingOptions());
  }

  private static List<String> missingOptions() {
    Module base = Object.class.getModule();
    List<String> options = new ArrayList<>();
    for (String name : WITH_INTERNALS) {
      if (!module(name).map(to -> base.isExported(INTERNAL, to)).orElse(false)) {
        options.add("--add-exports java.base/" + INTERNAL + "=" + name);
      }
    }
    for (String name : NATIVE) {
      if (!module(name).map(Module::isNativeAccessEnabled).orElse(false)) {
        options.add("--enable-native-access=" + name);
      }
    }
    return options;
  }

  private static Optional<Module> module(String name) {
    return ModuleLayer.boot().findModule(name);
  }
}
