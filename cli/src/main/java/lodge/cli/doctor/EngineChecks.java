package lodge.cli.doctor;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Which engines can execute guests; about KVM they say themselves what is in the way. */
final class EngineChecks {
  private static final String DEVICE = "/dev/kvm";
  private static final String VENDOR_MODULE = "kvm_";

  private EngineChecks() {}

  static Finding software(Host host) {
    String usable =
        host.engines().stream()
            .filter(engine -> engine.software() && engine.obstacle().isEmpty())
            .map(EngineState::name)
            .collect(Collectors.joining(", "));
    return usable.isEmpty()
        ? Finding.fail("none", "lodge-cpu belongs on the module path: start Lodge by its script")
        : Finding.pass(usable);
  }

  static Finding module(Host host) {
    List<String> modules =
        host.names("/sys/module").stream().filter(name -> name.startsWith(VENDOR_MODULE)).toList();
    if (!modules.isEmpty()) {
      return Finding.pass(String.join(", ", modules));
    }
    if (host.has(DEVICE)) {
      return Finding.pass("");
    }
    Processor processor = Processor.of(host);
    return processor.virtualizes()
        ? Finding.warn(
            "it is not loaded",
            "as root: modprobe " + (processor.has("vmx") ? "kvm_intel" : "kvm_amd"))
        : Finding.note("nothing without vmx or svm");
  }

  static Finding device(Host host) {
    Optional<EngineState> kvm = kvm(host);
    if (kvm.isEmpty()) {
      return notInstalled();
    }
    Optional<String> obstacle = kvm.get().obstacle();
    if (obstacle.isEmpty()) {
      return Finding.pass(DEVICE);
    }
    boolean contained = Surroundings.of(host).container().isPresent();
    return Finding.warn(
        host.has(DEVICE) ? DEVICE + " cannot be used" : "no " + DEVICE,
        obstacle.get()
            + (contained && !host.has(DEVICE)
                ? "; a container gets it with docker run --device " + DEVICE
                : ""));
  }

  static Finding runsLinux(Host host) {
    Optional<EngineState> kvm = kvm(host);
    if (kvm.isEmpty()) {
      return notInstalled();
    }
    if (kvm.get().obstacle().isPresent()) {
      return Finding.note("it cannot be tried");
    }
    return kvm.get()
        .objection()
        .map(
            objection ->
                Finding.warn(
                    objection,
                    "nothing needs to be done: --engine auto takes the translator; a host or an"
                        + " outer hypervisor with vmx or svm runs guests on KVM"))
        .orElseGet(() -> Finding.pass("--engine auto takes kvm"));
  }

  private static Optional<EngineState> kvm(Host host) {
    return host.engines().stream().filter(engine -> !engine.software()).findFirst();
  }

  private static Finding notInstalled() {
    return Finding.note("the engine kvm is not installed");
  }
}
