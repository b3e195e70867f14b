package lodge.machine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import lodge.core.GuestMemory;
import lodge.core.InterruptLine;
import lodge.core.MmioBus;
import lodge.devices.InterruptMessageSink;
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

  private final Map<Drive, VirtioBlk> virtio = new ConcurrentHashMap<>();
  private final List<VirtioPci<?>> functions = new ArrayList<>();

  VirtioPci<?> virtio(
      Drive drive,
      int cpus,
      GuestMemory memory,
      MmioBus mmio,
      InterruptLine line,
      InterruptMessageSink messages) {
    VirtioBlk disk = new VirtioBlk(drive.backend(), drive.serial(), cpus, threads);
    virtio.put(drive, disk);
    VirtioPci<?> function = new VirtioPci<>(memory, mmio, line, messages, disk);
    functions.add(function);
    return function;
  }

  /** A drive's backend has another size. */
  void resized(Drive drive) {
    VirtioBlk disk = virtio.get(drive);
    if (disk != null) {
      disk.resized();
    }
  }

  /** Waits for the requests under way. */
  void close() {
    functions.forEach(VirtioPci::reset);
    threads.shutdown();
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
