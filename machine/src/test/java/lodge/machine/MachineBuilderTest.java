package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lodge.core.Exit;
import lodge.machine.MachineException.Kind;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineBuilderTest {
  private static final long MIB = 1 << 20;

  @TempDir Path folder;
  private Path kernel;

  @BeforeEach
  void writeKernel() throws Exception {
    kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
  }

  private MachineBuilder good() {
    return new MachineBuilder(List.of(new FakeEngine(vcpu -> Exit.FAILED)))
        .kernel(kernel)
        .memory(16 * MIB);
  }

  private static void refused(MachineBuilder builder, Kind kind, String message) {
    assertThatThrownBy(builder::build)
        .isInstanceOfSatisfying(MachineException.class, e -> assertThat(e.kind()).isEqualTo(kind))
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void aGoodSpecificationBuilds() {
    try (Machine machine =
        good().initrd(new byte[10]).append("quiet").engine("auto").cpus(1).build()) {
      assertThat(machine.engine()).isEqualTo("fake");
    }
  }

  @Test
  void memoryOutOfRangeIsRefused() {
    refused(good().memory(8 * MIB), Kind.INVALID, "memory 8M: too little; at least 16M is needed");
    refused(good().memory(0), Kind.INVALID, "memory 0 bytes");
    refused(good().memory(-1), Kind.INVALID, "memory -1 bytes");
    refused(good().memory(16 * MIB + 1), Kind.INVALID, "must be a multiple of 1M");
    refused(good().memory(1L << 62), Kind.NO_MEMORY, "more than this host has");
    refused(good().memory(1L << 50), Kind.NO_MEMORY, "more than this host has; at most ");
  }

  @Test
  void cpusOutOfRangeAreRefused() {
    refused(good().cpus(0), Kind.INVALID, "cpus 0: must be from 1 to");
    refused(good().cpus(Machine.MAX_CPUS + 1), Kind.INVALID, "must be from 1 to");
  }

  @Test
  void anUnknownEngineIsRefusedWithTheKnownOnes() {
    refused(
        good().engine("kqemu"), Kind.NO_ENGINE, "engine 'kqemu' is unknown; there are auto, fake");
    refused(new MachineBuilder(List.of()).kernel(kernel), Kind.NO_ENGINE, "no engine is installed");
  }

  @Test
  void aTraceOfAnEngineThatDoesNotTranslateIsRefused() {
    refused(good().traceTranslation(_ -> {}), Kind.INVALID, "engine 'fake' does not translate");
  }

  @Test
  void filesThatCannotBeReadAreRefused() {
    refused(good().kernel(folder.resolve("none")), Kind.UNREADABLE, "none: there is no such file");
    refused(good().kernel(folder), Kind.UNREADABLE, "is a directory");
    refused(good().initrd(folder.resolve("none")), Kind.UNREADABLE, "initrd ");
    refused(good().initrd(folder), Kind.UNREADABLE, "is a directory");
    refused(
        new MachineBuilder(List.of(new FakeEngine(vcpu -> Exit.FAILED))),
        Kind.INVALID,
        "no kernel");
  }

  @Test
  void anEmptyFileIsNoKernel() throws Exception {
    refused(
        good().kernel(Files.createFile(folder.resolve("empty"))),
        Kind.NOT_A_KERNEL,
        "empty: is empty");
  }

  @Test
  void whatDoesNotFitIsRefused() throws Exception {
    refused(good().initrd(new byte[15 << 20]), Kind.DOES_NOT_FIT, "initrd of 15M does not fit");
    refused(good().initrd(new byte[17 << 20]), Kind.DOES_NOT_FIT, "initrd in memory: does not fit");
    Path large = folder.resolve("large");
    try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
      file.setLength(1L << 33);
    }
    refused(good().initrd(large), Kind.DOES_NOT_FIT, "large: does not fit");
    refused(good().append("x".repeat(256)), Kind.DOES_NOT_FIT, "command line of 256 bytes");
    refused(good().append("a\0b"), Kind.INVALID, "zero byte");
  }

  @Test
  void severalRamDisksAreLaidEndToEndAtMultiplesOfFour() throws Exception {
    Path second = Files.write(folder.resolve("second"), new byte[] {6, 7});
    assertThat(Initrd.concatenate(List.of(new byte[] {1, 2, 3, 4, 5}, second, new byte[] {8}), 100))
        .containsExactly(1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 0, 0, 8);
    assertThat(Initrd.concatenate(List.of(), 100)).isEmpty();
  }
}
