package lodge.cli.doctor;

import java.util.List;

/** Rights to join guests to networks of the host's. */
final class NetworkChecks {
  private static final String TUN = "/dev/net/tun";

  /** The capability's number in {@code linux/capability.h}. */
  private static final int CAP_NET_ADMIN = 12;

  private static final String NO_RIGHT = "no CAP_NET_ADMIN";

  private NetworkChecks() {}

  static Finding tap(Host host) {
    if (!host.has(TUN)) {
      return Finding.warn(
          "no " + TUN,
          Surroundings.of(host).container().isPresent()
              ? "a container gets it with docker run --device " + TUN + " --cap-add NET_ADMIN"
              : "as root: modprobe tun");
    }
    if (!host.mayUse(TUN)) {
      return Finding.warn("no permission to open " + TUN, "as root: chmod 666 " + TUN);
    }
    return administers(host)
        ? Finding.pass(TUN + " and CAP_NET_ADMIN")
        : Finding.warn(
            NO_RIGHT, "have a device of your own: sudo ip tuntap add dev tap0 mode tap user $USER");
  }

  static Finding bridge(Host host) {
    List<String> bridges =
        host.names("/sys/class/net").stream()
            .filter(name -> host.has("/sys/class/net/" + name + "/bridge"))
            .toList();
    String found = bridges.isEmpty() ? "none yet" : String.join(", ", bridges);
    if (administers(host)) {
      return Finding.pass(found + ", and CAP_NET_ADMIN");
    }
    String join = "ip link set tap0 master ";
    return Finding.warn(
        found + ", and " + NO_RIGHT,
        bridges.isEmpty()
            ? "as root: ip link add br0 type bridge; ip link set br0 up; " + join + "br0"
            : "as root: " + join + bridges.getFirst());
  }

  private static boolean administers(Host host) {
    return host.field("/proc/self/status", "CapEff")
        .filter(digits -> digits.matches("[0-9a-fA-F]{1,16}"))
        .map(digits -> Long.parseUnsignedLong(digits, 16))
        .filter(set -> (set >> CAP_NET_ADMIN & 1) != 0)
        .isPresent();
  }
}
