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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Exchanger;
import java.util.concurrent.ExecutionException;
import java.util.function.IntSupplier;
import lodge.core.BlockBackend;
import lodge.core.Exit;
import lodge.machine.Drive.Kind;
import lodge.machine.boot.TestKernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Disks that come and go while the machine runs, as its guest's ACPI code sees them. */
@Timeout(120)
class HotplugTest {
  private static final int UP = 0xAE00;
  private static final int DOWN = 0xAE04;
  private static final int EJECT = 0xAE08;
  private static final int GPE_STATUS = 0xAFE0;
  private static final int VIRTIO_BLK = 0x1001_1AF4;

  @TempDir Path folder;

  private static final class Backend implements BlockBackend {
    final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    boolean failing;

    @Override
    public long size() {
      return 1 << 20;
    }

    @Override
    public boolean readOnly() {
      return false;
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

  private final Backend backend = new Backend();
  private final Drive drive = new Drive(backend, Kind.VIRTIO_DISK, "new");

  /** What the guest is to do next, and what came of it. */
  private final Exchanger<IntSupplier> orders = new Exchanger<>();

  private final Exchanger<Integer> answers = new Exchanger<>();
  private FakeEngine engine;
  private Machine machine;

  private Machine start(Drive... drives) throws Exception {
    Path kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
    engine =
        new FakeEngine(
            vcpu -> {
              answers.exchange(orders.exchange(null).getAsInt());
              return Exit.KICKED;
            });
    MachineBuilder builder =
        new MachineBuilder(List.of(engine)).kernel(kernel).memory(16 << 20).rebootOnReset(true);
    List.of(drives).forEach(builder::drive);
    machine = builder.build();
    machine.start();
    return machine;
  }

  /** The guest does something between two instructions of its own. */
  private int guest(IntSupplier action) throws InterruptedException {
    orders.exchange(action);
    return answers.exchange(null);
  }

  private int in(int port, int size) throws InterruptedException {
    return guest(() -> engine.vcpu.cpu.ports.read(port, size));
  }

  private void out(int port, int size, int value) throws InterruptedException {
    guest(
        () -> {
          engine.vcpu.cpu.ports.write(port, size, value);
          return 0;
        });
  }

  private int id(int slot) throws InterruptedException {
    out(0xCF8, 4, 1 << 31 | slot << 11);
    return in(0xCFC, 4);
  }

  private Outcome powerOff() throws InterruptedException {
    out(0x604, 2, 1 << 13 | 5 << 10);
    return machine.await();
  }

  @AfterEach
  void close() throws InterruptedException {
    if (machine != null) {
      machine.stop();
      if (engine.vcpu.runs > 0) {
        Thread guest = Thread.ofVirtual().start(this::releaseGuest);
        machine.await();
        guest.interrupt();
      }
      machine.close();
    }
  }

  private void releaseGuest() {
    try {
      guest(() -> 0);
    } catch (InterruptedException _) {
      // There was no guest any more.
    }
  }

  @Test
  void aDiskIsPluggedInAndTheGuestIsTold() throws Exception {
    start();
    assertThat(in(GPE_STATUS, 1)).isZero();
    assertThat(machine.plug(drive)).isEqualTo(4);
    assertThat(in(GPE_STATUS, 1)).isEqualTo(2);
    assertThat(in(UP, 4)).isEqualTo(1 << 4);
    assertThat(id(4)).isEqualTo(VIRTIO_BLK);
    assertThat(powerOff()).isEqualTo(new Outcome.PowerOff());
    assertThat(backend.calls).containsExactly("abandon", "flush", "close");
  }

  @Test
  void aDiskIsUnpluggedWhenTheGuestEjectsIt() throws Exception {
    start(drive);
    CompletableFuture<Void> unplugged = machine.unplug(drive);
    assertThat(machine.unplug(drive)).as("asked again").isSameAs(unplugged);
    assertThat(in(DOWN, 4)).isEqualTo(1 << 4);
    assertThat(id(4)).isEqualTo(VIRTIO_BLK);
    assertThat(unplugged).isNotDone();
    out(EJECT, 4, 1 << 4);
    unplugged.get();
    assertThat(id(4)).isEqualTo(-1);
    assertThat(in(DOWN, 4)).isZero();
    assertThat(backend.calls).containsExactly("abandon", "flush", "close");
    Drive next = new Drive(new Backend(), Kind.VIRTIO_DISK, "next");
    machine.plug(next, 4);
    assertThat(id(4)).isEqualTo(VIRTIO_BLK);
    assertThat(powerOff()).isEqualTo(new Outcome.PowerOff());
    assertThat(backend.calls).as("closed once").hasSize(3);
  }

  @Test
  void anEjectedDiskLeavesItsPlaceInMemory() throws Exception {
    start(drive);
    int bar4 = 1 << 31 | 4 << 11 | 0x20;
    out(0xCF8, 4, bar4);
    out(0xCFC, 4, 0xD000_0000);
    out(0xCF8, 4, 1 << 31 | 4 << 11 | 4);
    out(0xCFC, 2, 6);
    IntSupplier queues = () -> (int) engine.vcpu.cpu.mmio.read(0xD000_0012L, 2);
    assertThat(guest(queues)).isEqualTo(1);
    out(EJECT, 4, 1 << 4);
    assertThat(guest(queues)).isEqualTo(0xFFFF);
  }

  @Test
  void aResetTakesOutWhatTheGuestWasAskedForAndKeepsTheRest() throws Exception {
    start(drive);
    Drive stays = new Drive(new Backend(), Kind.VIRTIO_DISK, "stays");
    machine.plug(stays);
    CompletableFuture<Void> unplugged = machine.unplug(drive);
    out(0xCF9, 1, 6);
    unplugged.get();
    assertThat(id(4)).isEqualTo(-1);
    assertThat(id(5)).isEqualTo(VIRTIO_BLK);
    assertThat(in(UP, 4)).as("the new guest finds it by itself").isZero();
  }

  @Test
  void whatTheGuestDoesNotLetGoStaysUntilTheEnd() throws Exception {
    start(drive);
    CompletableFuture<Void> unplugged = machine.unplug(drive);
    assertThat(powerOff()).isEqualTo(new Outcome.PowerOff());
    assertThatThrownBy(unplugged::get)
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseMessage("the machine has ended");
    assertThatThrownBy(() -> machine.plug(drive)).hasMessage("the machine has ended");
    assertThatThrownBy(() -> machine.unplug(drive)).hasMessage("the machine has ended");
  }

  @Test
  void whatCannotBeKeptOfAnUnpluggedDiskIsTold() throws Exception {
    backend.failing = true;
    start(drive);
    CompletableFuture<Void> unplugged = machine.unplug(drive);
    out(EJECT, 4, 1 << 4);
    String what = "drive 'new' cannot be closed: the host's disk is full";
    assertThatThrownBy(unplugged::get).hasRootCauseMessage(what);
    assertThat(powerOff()).isEqualTo(new Outcome.Failed(what));
  }

  @Test
  void devicesThatAreNoDisksCanBeEjectedToo() throws Exception {
    Path kernel = Files.write(folder.resolve("kernel"), TestKernels.bzImage());
    List<Integer> ids = new ArrayList<>();
    engine =
        new FakeEngine(
            vcpu -> {
              vcpu.cpu.ports.write(0xCF8, 4, 1 << 31 | 4 << 11);
              ids.add(vcpu.cpu.ports.read(0xCFC, 4));
              vcpu.cpu.ports.write(EJECT, 4, -1);
              ids.add(vcpu.cpu.ports.read(0xCFC, 4));
              return Exit.FAILED;
            });
    try (Machine small =
        new MachineBuilder(List.of(engine))
            .kernel(kernel)
            .memory(16 << 20)
            .device(new Device.VirtioRng())
            .build()) {
      small.start();
      small.await();
    }
    assertThat(ids).containsExactly(0x1005_1AF4, -1);
  }

  @Test
  void whatDoesNotGoIsRefusedAndChangesNothing() throws Exception {
    try (Machine off = machineThatIsOff()) {
      assertThatThrownBy(() -> off.plug(drive)).hasMessage("the machine was not started");
    }
    Drive first = new Drive(new Backend(), Kind.VIRTIO_DISK, "first");
    start(first);
    assertThatThrownBy(() -> machine.plug(drive, 4))
        .isInstanceOf(MachineException.class)
        .hasMessage("slot 4 of the PCI bus is taken");
    for (int slot : new int[] {-1, 3, 32}) {
      assertThatThrownBy(() -> machine.plug(drive, slot))
          .hasMessage("slot " + slot + " of the PCI bus: devices go into slots 4 to 31");
    }
    assertThatThrownBy(() -> machine.plug(first))
        .hasMessage("drive 'first': it is plugged in already");
    assertThatThrownBy(() -> machine.plug(new Drive(backend, Kind.IDE_DISK, "ide")))
        .hasMessage("drive 'ide': only virtio disks can be plugged into a running machine");
    assertThatThrownBy(() -> machine.unplug(drive))
        .isInstanceOf(MachineException.class)
        .hasMessage("drive 'new': no such virtio disk is plugged in");
    assertThat(in(GPE_STATUS, 1)).isZero();
    for (int slot = 5; slot < 32; slot++) {
      machine.plug(new Drive(new Backend(), Kind.VIRTIO_DISK, "disk " + slot));
    }
    assertThatThrownBy(() -> machine.plug(drive)).hasMessage("the PCI bus has no free slot");
    assertThat(backend.calls).isEmpty();
  }

  private Machine machineThatIsOff() throws IOException {
    Path kernel = Files.write(folder.resolve("off"), TestKernels.bzImage());
    return new MachineBuilder(List.of(new FakeEngine(_ -> Exit.FAILED)))
        .kernel(kernel)
        .memory(16 << 20)
        .build();
  }
}
