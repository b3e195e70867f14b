package lodge.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DoctorTest {
  @TempDir private Path root;

  private static void assertFinding(Finding finding, Verdict verdict, String found, String advice) {
    assertThat(finding.verdict()).as(finding.toString()).isEqualTo(verdict);
    assertThat(finding.found()).contains(found);
    assertThat(finding.advice()).contains(advice);
  }

  @Test
  void onBareMetalWithEverythingAllChecksPass() throws IOException {
    Host host = FakeHost.complete(root).host();

    for (Check check : Doctor.CHECKS) {
      Finding finding = check.on(host);
      assertThat(finding.verdict()).as(check.name() + finding).isEqualTo(Verdict.PASS);
      assertThat(finding.advice()).isEmpty();
    }
    assertThat(Doctor.canRun(host)).isTrue();
  }

  @Test
  void withoutPermissionTheEngineSaysWhatWouldHelpAndKvmIsNotTried() throws IOException {
    FakeHost host =
        FakeHost.complete(root)
            .kvm("no permission to open /dev/kvm: join the group kvm and log in again", "");

    assertFinding(
        host.finds("kvm-device"), Verdict.WARN, "/dev/kvm cannot be used", "join the group kvm");
    assertFinding(host.finds("kvm-linux"), Verdict.NOTE, "cannot be tried", "");
    assertThat(Doctor.canRun(host.host())).isTrue();
  }

  @Test
  void whereTheModuleIsNotLoadedItIsNamed() throws IOException {
    FakeHost host =
        new FakeHost(root).flags("fpu svm npt").kvm("there is no /dev/kvm: the kernel", "");

    assertFinding(host.finds("vmx-svm"), Verdict.PASS, "AMD-V", "");
    assertFinding(host.finds("ept-npt"), Verdict.PASS, "npt", "");
    assertFinding(host.finds("kvm-module"), Verdict.WARN, "not loaded", "modprobe kvm_amd");
    assertFinding(host.finds("kvm-device"), Verdict.WARN, "no /dev/kvm", "there is no /dev/kvm");
  }

  @Test
  void whereTheFirmwareHidesVirtualizationItsSetupHelps() throws IOException {
    FakeHost host = new FakeHost(root).flags("fpu lm");

    assertFinding(host.finds("vmx-svm"), Verdict.WARN, "neither", "firmware's setup");
    assertFinding(host.finds("ept-npt"), Verdict.NOTE, "nothing without", "");
    assertFinding(host.finds("bare-metal"), Verdict.PASS, "", "");
  }

  @Test
  void inAVirtualMachineTheHypervisorHasToPassItOn() throws IOException {
    FakeHost host =
        new FakeHost(root)
            .flags("fpu hypervisor lm")
            .file("/sys/class/dmi/id/sys_vendor", "QEMU\n")
            .file("/sys/class/dmi/id/product_name", "Standard PC (Q35 + ICH9, 2009)\n");

    assertFinding(
        host.finds("bare-metal"), Verdict.NOTE, "a virtual machine: QEMU Standard PC (Q35", "");
    assertFinding(host.finds("vmx-svm"), Verdict.WARN, "neither", "see nested virtualization");
    assertFinding(host.finds("nested"), Verdict.WARN, "does not pass it on", "nested=1");
  }

  @Test
  void inAVirtualMachineWithVmxNestedVirtualizationIsOn() throws IOException {
    FakeHost host = FakeHost.complete(root).flags("fpu vmx hypervisor");

    assertFinding(host.finds("nested"), Verdict.PASS, "passes it on to this machine", "");
    assertFinding(host.finds("ept-npt"), Verdict.WARN, "in software", "-cpu host");
  }

  @Test
  void whatFilesSayCannotSteerTheTerminal() throws IOException {
    FakeHost host =
        new FakeHost(root).flags("hypervisor").file("/sys/class/dmi/id/sys_vendor", "Q\033[2J\n");

    assertFinding(host.finds("bare-metal"), Verdict.NOTE, "a virtual machine: Q [2J", "");
  }

  @Test
  void underXenTheHypervisorIsNamed() throws IOException {
    FakeHost host = new FakeHost(root).flags("fpu").file("/sys/hypervisor/type", "xen\n");

    assertFinding(host.finds("bare-metal"), Verdict.NOTE, "a virtual machine: xen", "");
  }

  @ParameterizedTest
  @CsvSource({
    "kvm_intel, Y, PASS, ''",
    "kvm_intel, N, NOTE, modprobe kvm_intel nested=1",
    "kvm_amd,   1, PASS, ''",
    "kvm_amd,   0, NOTE, modprobe kvm_amd nested=1"
  })
  void onBareMetalTheModuleTellsWhetherGuestsHaveVirtualization(
      String module, String value, Verdict verdict, String advice) throws IOException {
    FakeHost host =
        new FakeHost(root)
            .flags("fpu vmx")
            .file("/sys/module/" + module + "/parameters/nested", value + "\n");

    assertFinding(host.finds("nested"), verdict, "virtual machines of this host", advice);
  }

  @ParameterizedTest
  @CsvSource({
    "/.dockerenv,            '',              docker",
    "/run/.containerenv,     '',              podman",
    "/run/systemd/container, 'systemd-nspawn', systemd-nspawn"
  })
  void aContainerWithoutDevicesIsToldHowToGetThem(String sign, String text, String kind)
      throws IOException {
    FakeHost host =
        new FakeHost(root).flags("fpu vmx ept").file(sign, text).kvm("there is no /dev/kvm", "");

    assertFinding(host.finds("bare-metal"), Verdict.PASS, "in a container of " + kind, "");
    assertFinding(host.finds("kvm-device"), Verdict.WARN, "no /dev/kvm", "--device /dev/kvm");
    assertFinding(host.finds("tap"), Verdict.WARN, "no /dev/net/tun", "--device /dev/net/tun");
  }

  @Test
  void aKvmThatCannotRunLinuxIsToldInTheEnginesWords() throws IOException {
    FakeHost host = FakeHost.complete(root).kvm("", "XRSTOR is not emulated");

    assertFinding(host.finds("kvm-device"), Verdict.PASS, "/dev/kvm", "");
    assertFinding(
        host.finds("kvm-linux"), Verdict.WARN, "XRSTOR is not emulated", "takes the translator");
  }

  @Test
  void withoutEnginesNothingRuns() {
    FakeHost host = new FakeHost(root).noEngines();

    assertFinding(host.finds("engines"), Verdict.FAIL, "none", "module path");
    assertFinding(host.finds("kvm-linux"), Verdict.NOTE, "not installed", "");
    assertThat(Doctor.canRun(host.host())).isFalse();
  }

  @Test
  void elsewhereThanOnLinuxItsChecksSayThatTheyDoNotApply() throws IOException {
    FakeHost host = FakeHost.complete(root).on("Mac OS X", "aarch64");

    for (Check check : Doctor.CHECKS) {
      boolean anywhere = check.where() == Check.Where.ANYWHERE;
      assertFinding(
          check.on(host.host()),
          anywhere ? Verdict.PASS : Verdict.NOTE,
          anywhere ? "" : "only on Linux; this is Mac OS X",
          "");
    }
  }

  @Test
  void onOtherProcessorsThanX86KvmDoesNotApply() throws IOException {
    FakeHost host = FakeHost.complete(root).on("Linux", "aarch64");

    assertFinding(host.finds("kvm-device"), Verdict.NOTE, "only on x86-64; this is aarch64", "");
    assertFinding(host.finds("tap"), Verdict.PASS, "", "");
  }

  @Test
  void rightsToTapDevicesAndBridgesAreTwoFold() throws IOException {
    FakeHost host = FakeHost.complete(root).file("/proc/self/status", "CapEff:\tffffffffffffefff");

    assertFinding(host.finds("tap"), Verdict.WARN, "no CAP_NET_ADMIN", "ip tuntap add");
    assertFinding(host.finds("bridge"), Verdict.WARN, "br0, and no", "tap0 master br0");
    host.forbid("/dev/net/tun");
    assertFinding(host.finds("tap"), Verdict.WARN, "no permission", "chmod 666 /dev/net/tun");
    host.without("/dev/net/tun");
    assertFinding(host.finds("tap"), Verdict.WARN, "no /dev/net/tun", "modprobe tun");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0::/a/b     | /sys/fs/cgroup/a/memory.max                           | 536870912  | WARN |"
            + " 0.5",
        "0::/a/b     | /sys/fs/cgroup/a/b/memory.max                         | 2147483648 | PASS |"
            + " 2.0",
        "0::/        | /sys/fs/cgroup/memory.max                             | max        | PASS |"
            + " no",
        "0::/../../x | /sys/fs/cgroup/memory.max                             | 1048576    | WARN |"
            + " 0.0",
        "4:memory:/d | /sys/fs/cgroup/memory/memory.limit_in_bytes           | 536870912  | WARN |"
            + " 0.5",
        "4:memory:/d | /sys/fs/cgroup/memory/d/memory.limit_in_bytes         | 4294967296 | PASS |"
            + " 4.0",
        "4:memory:/d | /sys/fs/cgroup/memory/memory.limit_in_bytes  | 9223372036854771712 | PASS |"
            + " no",
        "0::/        | /sys/fs/cgroup/memory.max                             | nonsense   | PASS |"
            + " no",
      })
  void theCgroupLimitsMemory(String group, String file, String value, Verdict verdict, String limit)
      throws IOException {
    FakeHost host = new FakeHost(root).file("/proc/self/cgroup", group).file(file, value);

    assertFinding(host.finds("memory-limit"), verdict, limit, "");
  }

  @Test
  void groupsOutsideOfTheNamespaceAreNotLookedFor() throws IOException {
    FakeHost host =
        new FakeHost(root)
            .file("/proc/self/cgroup", "0::/../../x\n")
            .file("/sys/fs/cgroup/memory.max", "4294967296\n")
            .file("/sys/x/memory.max", "1048576\n");

    assertFinding(host.finds("memory-limit"), Verdict.PASS, "4.0 GiB", "");
  }

  @ParameterizedTest
  @CsvSource({
    "150000 100000, PASS, at most 1.5",
    "50000 100000,  WARN, at most 0.5",
    "max 100000,    PASS, no limit",
    "50000 0,       PASS, no limit",
    "50000,         PASS, no limit"
  })
  void theCgroupLimitsProcessors(String value, Verdict verdict, String found) throws IOException {
    FakeHost host =
        new FakeHost(root)
            .file("/proc/self/cgroup", "0::/a\n")
            .file("/sys/fs/cgroup/a/cpu.max", value);

    assertFinding(host.finds("cpu-limit"), verdict, found, "");
  }

  @Test
  void theCgroupOfVersion1LimitsProcessors() throws IOException {
    FakeHost host =
        new FakeHost(root)
            .file("/proc/self/cgroup", "3:cpu,cpuacct:/a\n")
            .file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
            .file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
            .file("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "25000\n")
            .file("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");

    assertFinding(host.finds("cpu-limit"), Verdict.WARN, "at most 0.3", "docker run --cpus");
  }

  @Test
  void littleMemoryIsToldAndPagesThatAreReservedForOthers() throws IOException {
    FakeHost host =
        new FakeHost(root)
            .file(
                "/proc/meminfo",
                "MemAvailable: 786432 kB\nHugePages_Free: 512\nHugepagesize: 2048 kB\n");

    assertFinding(host.finds("memory"), Verdict.WARN, "0.8 GiB available", "--memory");
    assertFinding(
        host.finds("hugepages"), Verdict.NOTE, "512 of 2048 kB", "sysctl vm.nr_hugepages=0");
  }

  @ParameterizedTest
  @CsvSource({
    "[always] madvise never, PASS, always, ''",
    "always [madvise] never, PASS, madvise, ''",
    "always madvise [never], WARN, switched off, echo madvise >",
    "'',                     NOTE, this kernel has none, ''"
  })
  void transparentHugePagesCanBeSwitchedOff(
      String modes, Verdict verdict, String found, String advice) throws IOException {
    FakeHost host = new FakeHost(root).file("/sys/kernel/mm/transparent_hugepage/enabled", modes);

    assertFinding(host.finds("thp"), verdict, found, advice);
  }

  @Test
  void theFolderOfGuestsNeedsSpace() throws IOException {
    FakeHost host = FakeHost.complete(root);

    assertFinding(host.finds("home"), Verdict.PASS, "100.0 GiB in " + root, "");
    assertFinding(host.space(1L << 30).finds("home"), Verdict.WARN, "1.0 GiB", "LODGE_HOME");
    assertFinding(host.space(0).finds("home"), Verdict.WARN, "cannot write to", "LODGE_HOME");
  }

  @Test
  void packagesThatAreMissingAreNamed() throws IOException {
    FakeHost host =
        FakeHost.complete(root)
            .without("/usr/bin/mmdebstrap")
            .without("/usr/lib/grub/i386-pc/boot.img")
            .without("/usr/share/seabios/bios-256k.bin")
            .without("/usr/bin/dpkg-deb");

    assertFinding(
        host.finds("disk-tools"),
        Verdict.WARN,
        "no mmdebstrap, grub-pc-bin",
        "apt-get install mmdebstrap grub-pc-bin");
    assertFinding(host.finds("seabios"), Verdict.WARN, "fetched", "apt-get install seabios");
    assertFinding(host.finds("apt"), Verdict.WARN, "no dpkg-deb", "--kernel FILE");
    host.file("/home/lodge/firmware/bios-256k.bin", "");
    assertFinding(host.finds("seabios"), Verdict.PASS, "firmware/bios-256k.bin", "");
  }

  @ParameterizedTest
  @CsvSource({
    "Eclipse OpenJ9 VM,         mixed mode,        WARN, install an OpenJDK",
    "OpenJDK 64-Bit Server VM,  interpreted mode,  WARN, without -Xint",
    "Java HotSpot(TM) 64-Bit Server VM, mixed mode, PASS, ''"
  })
  void theJvmHasToCompile(String name, String info, Verdict verdict, String advice) {
    FakeHost host = new FakeHost(root).jvm(new Jvm("25", name, info, List.of()));

    assertFinding(host.finds("jdk"), verdict, name, advice);
  }

  @Test
  void optionsThatTheJvmLacksAreNamed() {
    String option = "--enable-native-access=lodge.kvm";
    FakeHost host = new FakeHost(root).jvm(new Jvm("25", "Server VM", "", List.of(option)));

    assertFinding(host.finds("jvm-options"), Verdict.WARN, "slower", option);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "::::", "\0\0\n\n", "CapEff:\tzz", "flags", "9999999999999999999999"})
  void filesOfNonsenseAreNoObstacle(String nonsense) throws IOException {
    FakeHost host = FakeHost.complete(root);
    for (String path :
        List.of(
            "/proc/cpuinfo",
            "/proc/meminfo",
            "/proc/self/status",
            "/proc/self/cgroup",
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/cpu.max",
            "/sys/module/kvm_intel/parameters/nested",
            "/sys/kernel/mm/transparent_hugepage/enabled")) {
      host.file(path, nonsense);
    }

    assertEveryWarningHasAdvice(host.host());
  }

  @Test
  void aHostWithoutAnyFileIsNoObstacle() {
    assertEveryWarningHasAdvice(new FakeHost(root).host());
  }

  private static void assertEveryWarningHasAdvice(Host host) {
    for (Check check : Doctor.CHECKS) {
      Finding finding = check.on(host);
      assertThat(finding.verdict()).isNotEqualTo(Verdict.FAIL);
      assertThat(finding.advice().isEmpty() && finding.verdict() == Verdict.WARN)
          .as(check.name() + finding)
          .isFalse();
    }
  }

  @Test
  void eachCheckHasANameOfItsOwn() {
    assertThat(Doctor.CHECKS.stream().map(Check::name)).doesNotHaveDuplicates();
  }
}
