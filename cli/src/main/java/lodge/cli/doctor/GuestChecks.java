package lodge.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import lodge.cli.guest.BuildTools;
import lodge.cli.guest.Firmware;

/** What fetching and making guests takes. */
final class GuestChecks {
  /** What making a Debian on a disk takes, with the packages. */
  private static final long ENOUGH = 2L << 30;

  private GuestChecks() {}

  static Finding space(Host host) {
    Path folder =
        Stream.iterate(host.home(), path -> path != null, Path::getParent)
            .filter(Files::isDirectory)
            .findFirst()
            .orElse(host.root());
    String elsewhere = "set LODGE_HOME to a folder elsewhere";
    try {
      long free = host.space().bytes(folder);
      String found = MemoryChecks.gibibytes(free) + " in " + host.home();
      if (free == 0) {
        return Finding.warn("cannot write to " + host.home(), elsewhere);
      }
      return free < ENOUGH
          ? Finding.warn(found, "free some, or " + elsewhere)
          : Finding.pass(found);
    } catch (IOException e) {
      return Finding.warn("cannot write to " + host.home(), elsewhere);
    }
  }

  static Finding apt(Host host) {
    List<String> missing =
        Stream.of("apt-get", "apt-cache", "apt-config", "dpkg-deb")
            .filter(program -> !host.hasProgram(program))
            .toList();
    return missing.isEmpty()
        ? Finding.pass("")
        : Finding.warn(
            "no " + String.join(", ", missing),
            "guests are made of Debian's packages; elsewhere boot your own with --kernel FILE"
                + " --initrd FILE or from a disk");
  }

  static Finding firmware(Host host) {
    return Firmware.present(host.root(), host.home())
        .map(file -> Finding.pass(file.toString()))
        .orElseGet(
            () ->
                Finding.warn(
                    "it is fetched at its first use", "or as root: apt-get install seabios"));
  }

  static Finding diskTools(Host host) {
    List<String> missing = BuildTools.missing(host.root());
    return missing.isEmpty()
        ? Finding.pass("")
        : Finding.warn(
            "no " + String.join(", ", missing),
            "as root: apt-get install " + String.join(" ", missing));
  }
}
