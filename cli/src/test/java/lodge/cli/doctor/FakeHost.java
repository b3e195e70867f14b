package lodge.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A host of files in a folder; with nothing said a Linux on x86-64 without any. */
public final class FakeHost {
  private static final EngineState SOFTWARE =
      new EngineState("translator", Optional.empty(), Optional.empty());

  private final Path root;
  private final List<EngineState> engines = new ArrayList<>(List.of(SOFTWARE));
  private final Map<String, String> environment = new HashMap<>();
  private final Set<Path> forbidden = new HashSet<>();
  private String system = "Linux";
  private String architecture = "amd64";
  private long space = 100L << 30;
  private Jvm jvm = new Jvm("25.0.1+8", "OpenJDK 64-Bit Server VM", "mixed mode", List.of());

  public FakeHost(Path root) {
    this.root = root;
  }

  /** One on bare metal on which nothing is missing. */
  public static FakeHost complete(Path root) throws IOException {
    FakeHost host = new FakeHost(root);
    host.flags("fpu vmx lm").file("/sys/module/kvm_intel/parameters/nested", "Y");
    host.append("/proc/cpuinfo", "vmx flags\t: vnmi ept vpid\n").file("/dev/kvm", "").kvm("", "");
    host.file("/dev/net/tun", "").file("/proc/self/status", "CapEff:\t0000000000001000\n");
    host.file("/sys/class/net/br0/bridge/bridge_id", "8000").file("/sys/class/net/lo/mtu", "1");
    host.file("/proc/meminfo", "MemAvailable:  8388608 kB\nHugePages_Free:   0\n");
    host.file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    host.file("/usr/share/seabios/bios-256k.bin", "").variable("PATH", "/bin:/usr/bin");
    for (String program :
        List.of(
            "bin/apt-get",
            "usr/bin/apt-cache",
            "usr/bin/apt-config",
            "usr/bin/dpkg-deb",
            "usr/bin/mmdebstrap",
            "usr/sbin/mke2fs",
            "usr/bin/grub-mkimage",
            "usr/lib/grub/i386-pc/boot.img",
            "usr/bin/setsid",
            "usr/bin/tar",
            "usr/bin/fakeroot",
            "usr/bin/fakechroot")) {
      host.file("/" + program, "");
    }
    return host;
  }

  FakeHost file(String path, String text) throws IOException {
    Path file = root.resolve(path.substring(1));
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    return this;
  }

  private FakeHost append(String path, String text) throws IOException {
    return file(path, Files.readString(root.resolve(path.substring(1))) + text);
  }

  FakeHost without(String path) throws IOException {
    Files.delete(root.resolve(path.substring(1)));
    return this;
  }

  FakeHost flags(String flags) throws IOException {
    return file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: " + flags + "\nbugs\t\t: vmx\n");
  }

  /** What the engine on KVM says; nothing is an empty text. */
  public FakeHost kvm(String obstacle, String objection) {
    engines.removeIf(engine -> !engine.software());
    engines.add(
        new EngineState(
            "kvm",
            Optional.of(obstacle).filter(text -> !text.isEmpty()),
            Optional.of(obstacle + objection).filter(text -> !text.isEmpty())));
    return this;
  }

  FakeHost noEngines() {
    engines.clear();
    return this;
  }

  FakeHost variable(String name, String value) {
    environment.put(name, value);
    return this;
  }

  FakeHost forbid(String path) {
    forbidden.add(root.resolve(path.substring(1)));
    return this;
  }

  FakeHost on(String otherSystem, String otherArchitecture) {
    system = otherSystem;
    architecture = otherArchitecture;
    return this;
  }

  FakeHost space(long bytes) {
    space = bytes;
    return this;
  }

  FakeHost jvm(Jvm other) {
    jvm = other;
    return this;
  }

  public Host host() {
    return new Host(
        system,
        architecture,
        root,
        file -> !forbidden.contains(file),
        root.resolve("home/lodge"),
        _ -> space,
        environment,
        jvm,
        engines);
  }

  /** What the check of a name comes to. */
  Finding finds(String check) {
    return Doctor.CHECKS.stream()
        .filter(each -> each.name().equals(check))
        .findFirst()
        .orElseThrow()
        .on(host());
  }
}
