package lodge.cli.doctor;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What is around the operating system and around this program.
 *
 * @param hypervisor where this is a virtual machine: the machine's name, which may be empty
 * @param container by its kind, where this is one
 */
record Surroundings(Optional<String> hypervisor, Optional<String> container) {
  private static final String DMI = "/sys/class/dmi/id/";

  /** Files that container engines leave in theirs. */
  private static final Map<String, String> SIGNS =
      Map.of("/.dockerenv", "docker", "/run/.containerenv", "podman");

  static Surroundings of(Host host) {
    Optional<String> xen = host.text("/sys/hypervisor/type");
    boolean virtual = xen.isPresent() || Processor.of(host).has("hypervisor");
    return new Surroundings(
        virtual ? Optional.of(machine(host).or(() -> xen).orElse("")) : Optional.empty(),
        container(host));
  }

  private static Optional<String> machine(Host host) {
    String names =
        Stream.of("sys_vendor", "product_name")
            .flatMap(name -> host.text(DMI + name).stream())
            .distinct()
            .collect(Collectors.joining(" "));
    return Optional.of(names).filter(text -> !text.isEmpty());
  }

  private static Optional<String> container(Host host) {
    List<String> found =
        Stream.of(
                host.text("/run/systemd/container").stream(),
                Stream.ofNullable(host.environment().get("container")),
                SIGNS.keySet().stream().filter(host::has).map(SIGNS::get))
            .flatMap(names -> names)
            .toList();
    return found.stream().findFirst();
  }
}
