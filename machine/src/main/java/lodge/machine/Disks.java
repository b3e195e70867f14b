package lodge.machine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import lodge.core.GuestMemory;
import lodge.core.InterruptLine;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.devices.InterruptMessageSink;
import lodge.devices.ide.IdeController;
import lodge.devices.virtio.VirtioBlk;
import lodge.devices.virtio.VirtioPci;

/** The devices of a machine's drives, with the threads that serve their requests. */
final class Disks {
  /**
   * Platform threads: reading a file holds on to a virtual thread's carrier, of which there are
   * only as many as processors.
   */
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("lodge-disk-", 0).factory());

  private final int cpus;
  private final GuestMemory memory;
  private final MmioBus mmio;
  private final PortBus ports;
  private final InterruptMessageSink messages;
  private final Map<Drive, Plugged> virtio = new ConcurrentHashMap<>();
  private final List<String> failures = Collections.synchronizedList(new ArrayList<>());
  private List<Drive> ideDrives = List.of();
  private IdeController ide;

  /**
   * A virtio disk on the PCI bus.
   *
   * @param out done when it was taken out and its backend is closed
   */
  record Plugged(VirtioBlk device, int slot, CompletableFuture<Void> out) {}

  /**
   * @param cpus how many the machine has
   */
  Disks(int cpus, GuestMemory memory, MmioBus mmio, PortBus ports, InterruptMessageSink messages) {
    this.cpus = cpus;
    this.memory = memory;
    this.mmio = mmio;
    this.ports = ports;
    this.messages = messages;
  }

  /** Threads that may wait for a disk. */
  Executor threads() {
    return threads;
  }

  /** A virtio disk for a slot of the PCI bus; its backend is closed when it is taken out. */
  PciSlots.Card virtio(Drive drive, int slot, InterruptLine line) {
    VirtioBlk disk = new VirtioBlk(drive.backend(), drive.serial(), cpus, threads);
    virtio.put(drive, new Plugged(disk, slot, new CompletableFuture<>()));
    VirtioPci<?> function = new VirtioPci<>(memory, mmio, ports, line, messages, disk);
    return new PciSlots.Card(function, () -> leave(drive, function));
  }

  private void leave(Drive drive, VirtioPci<?> function) {
    drive.backend().abandon();
    function.reset();
    Optional<String> failure = close(List.of(drive));
    Plugged plugged = virtio.remove(drive);
    failure.ifPresent(failures::add);
    failure.ifPresentOrElse(
        what -> plugged.out.completeExceptionally(new IOException(what)),
        () -> plugged.out.complete(null));
  }

  /** The IDE controller with these drives: primary master and slave, secondary master and slave. */
  IdeController ide(List<Drive> drives, InterruptLine primary, InterruptLine secondary) {
    ideDrives = drives;
    ide = new IdeController(memory, ports, primary, secondary, threads);
    for (int position = 0; position < drives.size(); position++) {
      Drive drive = drives.get(position);
      if (drive.kind() == Drive.Kind.IDE_DISK) {
        ide.disk(position, drive.backend(), drive.serial());
      } else {
        ide.cdRom(position, drive.serial()).insert(drive.backend());
      }
    }
    return ide;
  }

  Optional<IdeController> ide() {
    return Optional.ofNullable(ide);
  }

  /** A virtio disk, until it was taken out. */
  Optional<Plugged> plugged(Drive drive) {
    return Optional.ofNullable(virtio.get(drive));
  }

  /** A drive's backend has another size. */
  void resized(Drive drive) {
    plugged(drive).ifPresent(plugged -> plugged.device.resized());
  }

  private List<Drive> drives() {
    return Stream.concat(virtio.keySet().stream(), ideDrives.stream()).toList();
  }

  /** The machine ends: no request waits for more than the medium. */
  void abandon() {
    drives().forEach(drive -> drive.backend().abandon());
  }

  /** Waits for the requests of IDE drives, those of others are done. @return what went wrong */
  Optional<String> close() {
    ide().ifPresent(IdeController::close);
    threads.shutdown();
    close(drives()).ifPresent(failures::add);
    virtio
        .values()
        .forEach(
            plugged ->
                plugged.out.completeExceptionally(
                    new IllegalStateException("the machine has ended")));
    return failures.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", failures));
  }

  /**
   * Makes everything durable and closes the backends.
   *
   * @return what went wrong
   */
  static Optional<String> close(List<Drive> drives) {
    List<String> failures = new ArrayList<>();
    for (Drive drive : drives) {
      try (var backend = drive.backend()) {
        if (!backend.readOnly()) {
          backend.flush();
        }
      } catch (IOException | RuntimeException e) {
        failures.add("drive '" + drive.serial() + "' cannot be closed: " + e.getMessage());
      }
    }
    return failures.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", failures));
  }
}
