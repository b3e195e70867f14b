package lodge.kvm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import lodge.cpu.x86.EngineException;

/** Why there is no guest on KVM, and what would help, in one line each. */
final class Obstacles {
  private static final int API_VERSION = 12;

  private Obstacles() {}

  static EngineException opening(String device, int errno) {
    return switch (errno) {
      case SystemCalls.ENOENT, SystemCalls.ENXIO, SystemCalls.ENODEV ->
          new EngineException(
              "there is no "
                  + device
                  + ": the host's kernel has no KVM, its processor or BIOS no virtualization, or"
                  + " the hypervisor around this host or container does not pass it on");
      case SystemCalls.EACCES, SystemCalls.EPERM ->
          new EngineException(
              "no permission to open "
                  + device
                  + group(Path.of(device))
                      .map(name -> ": join the group " + name + " and log in again")
                      .orElse(""));
      case SystemCalls.EBUSY ->
          new EngineException(device + " is in use by another hypervisor of this host");
      default -> new EngineException(device + ": " + SystemCalls.message(errno));
    };
  }

  private static Optional<String> group(Path device) {
    try {
      Object group = Files.getAttribute(device, "unix:group", LinkOption.NOFOLLOW_LINKS);
      return Optional.of(group.toString());
    } catch (IOException | UnsupportedOperationException e) {
      return Optional.empty();
    }
  }

  static EngineException notKvm(String device) {
    return new EngineException(device + " is no KVM device");
  }

  /** Of all Linuxes since 2.6.22 the version is 12. */
  static void checkVersion(int version) {
    if (version != API_VERSION) {
      throw new EngineException(
          "the host's KVM has API version %d, where %d is needed: its kernel is too old"
              .formatted(version, API_VERSION));
    }
  }

  static EngineException missing(Set<Capability> missing) {
    return new EngineException(
        "the host's KVM lacks "
            + missing.stream().map(c -> "KVM_CAP_" + c).collect(Collectors.joining(", "))
            + ": Linux 5.10 or newer has what is needed");
  }

  static EngineException tooManyVcpus(int limit) {
    return new EngineException(
        "the host's KVM numbers vCPUs from 0 to %d: the machine has too many".formatted(limit - 1));
  }

  static EngineException tooManySlots(int wanted, int limit) {
    return new EngineException(
        "the machine's memory has %d parts, of which the host's KVM takes %d"
            .formatted(wanted, limit));
  }

  static EngineException refused(Ioctl request, String part, int errno) {
    return new EngineException(
        "the host's KVM refuses KVM_%s with %s: %s"
            .formatted(request, part, SystemCalls.message(errno)));
  }

  static EngineException refused(Ioctl request, int errno) {
    return new EngineException(
        "the host's KVM refuses KVM_" + request + ": " + SystemCalls.message(errno));
  }
}
