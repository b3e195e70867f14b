package lodge.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import lodge.core.BlockBackend;
import lodge.core.Exit;
import lodge.machine.Drive.Kind;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class DriveTest {
  @TempDir Path folder;

  /** A disk of zeroes that lists what is asked of it. */
  private static final class ListingBackend implements BlockBackend {
    final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    boolean failing;
    boolean readOnly;

    @Override
    public long size() {
      return 1 << 20;
    }

    @Override
    public boolean readOnly() {
      return readOnly;
    }

    @Override
    public void read(long offset, ByteBuffer into) {}

    @Override
    public void write(long offset, ByteBuffer from) {}

    @Override
    public void flush() throws IOException {
      calls.add("flush");
      if (failing) {
        throw new IOException("the host's disk is full");
      }
    }

    @Override
    public void discard(long offset, long length) {}

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {}

    @Override
    public void abandon() {
      calls.add("abandon");
    }

    @Override
    public void close() {
      calls.add("close");
    }
  }

  private final ListingBackend backend = new ListingBackend();
  private final Drive drive = new Drive(backend, Kind.VIRTIO_DISK, "one");

  private MachineBuilder machine(FakeEngine.Guest guest) throws Exception {
    Path kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
    return new MachineBuilder(List.of(new FakeEngine(guest))).kernel(kernel).memory(16 << 20);
  }

  private static Exit powerOff(FakeEngine.FakeVcpu vcpu) {
    vcpu.cpu.ports.write(0x604, 2, 1 << 13 | 5 << 10);
    return Exit.KICKED;
  }

  private static int config(FakeEngine.FakeVcpu vcpu, int slot, int register) {
    vcpu.cpu.ports.write(0xCF8, 4, 1 << 31 | slot << 11 | register);
    return vcpu.cpu.ports.read(0xCFC, 4);
  }

  @Test
  void disksAreOnThePciBusFromSlot4On() throws Exception {
    Drive second = new Drive(new ListingBackend(), Kind.VIRTIO_DISK, "two");
    List<Integer> ids = new ArrayList<>();
    List<Integer> interrupts = new ArrayList<>();
    MachineBuilder builder =
        machine(
            vcpu -> {
              for (int slot = 3; slot < 7; slot++) {
                ids.add(config(vcpu, slot, 0));
                interrupts.add(config(vcpu, slot, 0x3C));
              }
              return powerOff(vcpu);
            });
    try (Machine machine = builder.drive(drive).drive(second).build()) {
      machine.start();
      machine.await();
    }
    assertThat(ids).containsExactly(-1, 0x1001_1AF4, 0x1001_1AF4, -1);
    assertThat(interrupts.subList(1, 3))
        .as("INTA# and where it goes")
        .containsExactly(0x10B, 0x10A);
  }

  @Test
  void ideDrivesAreAtThePiix3() throws Exception {
    ListingBackend disc = new ListingBackend();
    disc.readOnly = true;
    List<Integer> seen = new ArrayList<>();
    MachineBuilder builder =
        machine(
            vcpu -> {
              seen.add(config(vcpu, 1, 0x100));
              seen.add(config(vcpu, 1, 0x120));
              seen.add(vcpu.cpu.ports.read(0x1F7, 1));
              vcpu.cpu.ports.write(0x1F6, 1, 0xB0);
              seen.add(vcpu.cpu.ports.read(0x1F5, 1));
              seen.add(vcpu.cpu.ports.read(0xC042, 1));
              return powerOff(vcpu);
            });
    builder.drive(new Drive(backend, Kind.IDE_DISK, "hd"));
    builder.drive(new Drive(disc, Kind.IDE_CDROM, "cd"));
    try (Machine machine = builder.build()) {
      machine.start();
      machine.await();
    }
    assertThat(seen).containsExactly(0x7010_8086, 0xC041, 0x50, 0xEB, 0);
    assertThat(backend.calls).containsExactly("abandon", "flush", "close");
    assertThat(disc.calls).containsExactly("abandon", "close");
  }

  @Test
  void backendsAreFlushedAndClosedAtTheEnd() throws Exception {
    try (Machine machine = machine(DriveTest::powerOff).drive(drive).build()) {
      machine.start();
      assertThat(machine.await()).isEqualTo(new Outcome.PowerOff());
      assertThat(backend.calls).containsExactly("abandon", "flush", "close");
    }
    assertThat(backend.calls).hasSize(3);
  }

  @Test
  void backendsOfAMachineThatNeverRanAreClosed() throws Exception {
    Machine machine = machine(DriveTest::powerOff).drive(drive).build();
    machine.close();
    machine.close();
    assertThat(backend.calls).containsExactly("flush", "close");
  }

  @Test
  void whatCannotBeKeptIsAFailure() throws Exception {
    backend.failing = true;
    try (Machine machine = machine(DriveTest::powerOff).drive(drive).build()) {
      machine.start();
      assertThat(machine.await())
          .isEqualTo(new Outcome.Failed("drive 'one' cannot be closed: the host's disk is full"));
    }
    assertThat(backend.calls).containsExactly("abandon", "flush", "close");
  }

  @Test
  void drivesThatNoMachineHasAreRefused() throws Exception {
    ListingBackend locked = new ListingBackend();
    locked.readOnly = true;
    MachineBuilder ide =
        machine(DriveTest::powerOff).drive(new Drive(locked, Kind.IDE_DISK, "two"));
    assertThatThrownBy(ide::build)
        .isInstanceOf(MachineException.class)
        .hasMessage("drive 'two': an IDE disk cannot be read-only; use a virtio disk");
    MachineBuilder five = machine(DriveTest::powerOff);
    for (int i = 0; i < 5; i++) {
      five.drive(new Drive(backend, Kind.IDE_CDROM, "cd"));
    }
    assertThatThrownBy(five::build).hasMessage("5 IDE drives: there is room for 4");
    MachineBuilder many = machine(DriveTest::powerOff);
    for (int i = 0; i < 29; i++) {
      many.drive(drive);
    }
    assertThatThrownBy(many::build).hasMessage("29 virtio disks: there is room for 28");
    assertThatThrownBy(() -> new Drive(backend, Kind.VIRTIO_DISK, "123456789012345678901"))
        .hasMessageContaining("at most 20");
  }
}
