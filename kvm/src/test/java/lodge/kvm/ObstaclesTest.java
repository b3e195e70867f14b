package lodge.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import lodge.core.GuestMemory;
import lodge.cpu.x86.EngineException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObstaclesTest {
  @TempDir Path folder;

  @Test
  void aHostWithoutTheDeviceIsTold() {
    assertThatThrownBy(() -> Kvm.open(folder.resolve("kvm").toString()))
        .isInstanceOf(EngineException.class)
        .hasMessageStartingWith("there is no " + folder.resolve("kvm"))
        .hasMessageNotContaining("\n");
  }

  @Test
  void whoMayNotOpenItIsToldWhichGroupToJoin() throws Exception {
    Path device = Files.createFile(folder.resolve("kvm"));
    String group = Files.getAttribute(device, "unix:group").toString();
    assertThat(Obstacles.opening(device.toString(), SystemCalls.EACCES))
        .hasMessage(
            "no permission to open " + device + ": join the group " + group + " and log in again");
  }

  @Test
  void otherErrorsAreNamedInTheHostsWords() {
    int emfile = 24;
    assertThat(Obstacles.opening("/dev/kvm", emfile)).hasMessage("/dev/kvm: Too many open files");
  }

  @Test
  void aFileThatIsNoKvmIsRefusedAndClosed() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    long before = openFiles(file);
    assertThatThrownBy(() -> Kvm.open(file.toString())).hasMessage(file + " is no KVM device");
    assertThat(openFiles(file)).isEqualTo(before);
  }

  private static long openFiles(Path file) throws Exception {
    try (var files = Files.list(Path.of("/proc/self/fd"))) {
      return files.filter(fd -> leadsTo(fd, file)).count();
    }
  }

  private static boolean leadsTo(Path fd, Path file) {
    try {
      return Files.readSymbolicLink(fd).equals(file.toRealPath());
    } catch (java.io.IOException e) {
      return false;
    }
  }

  @Test
  void memoryInMorePartsThanKvmTakesIsRefusedBeforeItIsAsked() {
    KvmAvailable.check();
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        Kvm kvm = Kvm.open();
        Fd vm = kvm.fd().create(Ioctl.CREATE_VM, 0)) {
      memory.setWritable(0xC_0000, 0x4000, false);
      assertThatCode(() -> new MemorySlots(vm, memory, 3).update()).doesNotThrowAnyException();
      assertThatThrownBy(() -> new MemorySlots(vm, memory, 2).update())
          .isInstanceOf(EngineException.class)
          .hasMessage("the machine's memory has 3 parts, of which the host's KVM takes 2");
    }
  }

  @Test
  void anOldVersionIsRefused() {
    assertThatCode(() -> Obstacles.checkVersion(12)).doesNotThrowAnyException();
    assertThatThrownBy(() -> Obstacles.checkVersion(11))
        .hasMessage("the host's KVM has API version 11, where 12 is needed: its kernel is too old");
  }

  @Test
  void missingCapabilitiesAreListedUnlessTheyAreOnlyNiceToHave() {
    Set<Integer> without =
        Set.of(Capability.IMMEDIATE_EXIT.number(), Capability.DEBUGREGS.number());
    assertThatThrownBy(() -> Capability.negotiate(number -> !without.contains(number)))
        .isInstanceOf(EngineException.class)
        .hasMessageStartingWith(
            "the host's KVM lacks KVM_CAP_DEBUGREGS, KVM_CAP_IMMEDIATE_EXIT: Linux ");
    var nice = EnumSet.of(Capability.TSC_CONTROL, Capability.XCRS);
    Set<Integer> numbers = nice.stream().map(Capability::number).collect(Collectors.toSet());
    assertThat(Capability.negotiate(number -> !numbers.contains(number)))
        .isEqualTo(EnumSet.complementOf(nice));
  }
}
