package lodge.cli.doctor;

import java.util.List;
import lodge.cli.doctor.Check.Where;

/** All checks. */
public final class Doctor {
  /** In the order in which they are told: what is needed most, first. */
  public static final List<Check> CHECKS =
      List.of(
          new Check("engines", "software engines", Where.ANYWHERE, EngineChecks::software),
          new Check("bare-metal", "a host on bare metal", Where.LINUX, ProcessorChecks::bareMetal),
          new Check("vmx-svm", "vmx or svm", Where.LINUX_X86, ProcessorChecks::virtualization),
          new Check("ept-npt", "ept or npt", Where.LINUX_X86, ProcessorChecks::nestedPaging),
          new Check("nested", "nested virtualization", Where.LINUX_X86, ProcessorChecks::nested),
          new Check("kvm-module", "KVM in the kernel", Where.LINUX_X86, EngineChecks::module),
          new Check("kvm-device", "the right to use KVM", Where.LINUX_X86, EngineChecks::device),
          new Check("kvm-linux", "a KVM that runs Linux", Where.LINUX_X86, EngineChecks::runsLinux),
          new Check("jdk", "a JDK that compiles", Where.ANYWHERE, JvmChecks::compiler),
          new Check("jvm-options", "the JVM's options", Where.ANYWHERE, JvmChecks::options),
          new Check("memory", "memory", Where.LINUX, MemoryChecks::available),
          new Check("memory-limit", "memory of the cgroup", Where.LINUX, MemoryChecks::limit),
          new Check("cpu-limit", "processors of the cgroup", Where.LINUX, MemoryChecks::processors),
          new Check("thp", "transparent huge pages", Where.LINUX, MemoryChecks::transparent),
          new Check("hugepages", "reserved huge pages", Where.LINUX, MemoryChecks::reserved),
          new Check("tap", "TAP devices", Where.LINUX, NetworkChecks::tap),
          new Check("bridge", "bridges", Where.LINUX, NetworkChecks::bridge),
          new Check("home", "space for guests", Where.ANYWHERE, GuestChecks::space),
          new Check("apt", "apt, for guests by name", Where.LINUX, GuestChecks::apt),
          new Check("seabios", "SeaBIOS, for disks", Where.LINUX, GuestChecks::firmware),
          new Check("disk-tools", "packages for 'debian'", Where.LINUX, GuestChecks::diskTools));

  private Doctor() {}

  /** Whether machines can run. */
  public static boolean canRun(Host host) {
    return host.engines().stream().anyMatch(engine -> engine.obstacle().isEmpty());
  }
}
