package lodge.machine;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import lodge.core.Counters;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Engine;
import lodge.devices.virtio.VirtioBalloon;

/**
 * One virtual machine: build it, start it, wait for its {@link Outcome}, close it.
 *
 * <pre>{@code
 * try (Machine machine = Machine.builder().kernel(vmlinuz).initrd(initrd).append("console=ttyS0")
 *     .serial(SerialConsole.of(System.in, System.out)).build()) {
 *   machine.start();
 *   Outcome outcome = machine.await();
 * }
 * }</pre>
 */
public final class Machine implements AutoCloseable {
  /** Least guest RAM in bytes. */
  public static final long MIN_MEMORY = 16L << 20;

  /** Most vCPUs. */
  public static final int MAX_CPUS = 16;

  /** First slot of the PCI bus for devices that are plugged in. */
  public static final int FIRST_SLOT = PciSlots.FIRST;

  /** The last one. */
  public static final int LAST_SLOT = PciSlots.END - 1;

  private enum State {
    NEW,
    STARTED,
    CLOSED
  }

  /** How long {@link #close} waits for the threads, in milliseconds; they take far less. */
  private static final long CLOSE_TIMEOUT = 5_000;

  /** How long {@link #await} lets the output of a stopped machine go on, in milliseconds. */
  private static final long STOPPED_OUTPUT_TIMEOUT = 1_000;

  /** Page numbers in a balloon have 32 bits, and no guest follows nearly as far. */
  private static final long MOST_PAGES = Integer.MAX_VALUE;

  private final MachineSpec spec;
  private final ReentrantLock lock = new ReentrantLock();
  private final CountDownLatch started = new CountDownLatch(1);
  private State state = State.NEW;
  private Run run;

  Machine(MachineSpec spec) {
    this.spec = spec;
  }

  public static MachineBuilder builder() {
    return new MachineBuilder(Engines.installed());
  }

  /** Names that {@link MachineBuilder#engine} takes, {@code auto} first. */
  public static List<String> engines() {
    return Stream.concat(Stream.of(Engines.AUTO), Engines.installed().stream().map(Engine::name))
        .toList();
  }

  /**
   * Powers the machine on and returns at once. A machine runs once.
   *
   * @throws MachineException when the host cannot give the memory or the debugger's address
   * @throws IllegalStateException when it was started or closed before
   */
  public void start() {
    lock.lock();
    try {
      if (state != State.NEW) {
        throw new IllegalStateException(
            state == State.CLOSED ? "the machine is closed" : "the machine was started before");
      }
      run = Run.powerOn(spec);
      state = State.STARTED;
    } finally {
      lock.unlock();
    }
    started.countDown();
  }

  /**
   * Waits until the run has ended and the guest's serial output is delivered. Of a machine that was
   * stopped, output that the console does not take within a second is dropped. Waits for the start,
   * too.
   */
  public Outcome await() throws InterruptedException {
    started.await();
    Run current = current();
    if (current == null) {
      return new Outcome.Stopped();
    }
    Outcome outcome = current.awaitEnd();
    if (!(outcome instanceof Outcome.Stopped)) {
      current.serial().awaitDelivered();
    } else if (!current.serial().awaitDelivered(STOPPED_OUTPUT_TIMEOUT)) {
      current.serial().abandon();
    }
    return outcome;
  }

  /**
   * Ends the run, as pulling the plug would, and returns without waiting; {@link #await} then gives
   * {@link Outcome.Stopped}, or what came before. Does nothing before the start and after the end.
   * From any thread.
   */
  public void stop() {
    Run current = current();
    if (current != null) {
      current.request(new Outcome.Stopped());
    }
  }

  /**
   * Totals so far, in the order in which a reader wants them: guest_instructions, exits by kind,
   * page_walks, tlb_misses and what else the engine counts, then resets, wall_nanoseconds since the
   * start and host_resident_bytes of this process where the host tells. From any thread, also after
   * the end. Empty before the start.
   */
  public Counters counters() {
    Run current = current();
    return current == null ? new Counters() : current.counters();
  }

  /**
   * Asks the guest to get along with this much of its RAM and to put the rest into its balloon,
   * from which the host has it back. The guest follows as far and as fast as it likes, also after a
   * reset.
   *
   * @param bytes at most the machine's memory; counted in pages of 4 KiB
   * @throws IllegalStateException when it has no {@link Device.VirtioBalloon} or was not started
   * @throws IllegalArgumentException when there is no such memory
   */
  public void balloon(long bytes) {
    if (bytes < 0 || bytes > spec.memory()) {
      throw new IllegalArgumentException(
          "balloon " + bytes + " bytes: the machine has " + spec.memory());
    }
    balloon().target((int) Math.min(spec.memory() - bytes >> GuestMemory.PAGE_SHIFT, MOST_PAGES));
  }

  /**
   * How much RAM in bytes the guest says that it has without what is in its balloon.
   *
   * @throws IllegalStateException when it has no {@link Device.VirtioBalloon} or was not started
   */
  public long memoryLeft() {
    long inside = Integer.toUnsignedLong(balloon().actual()) << GuestMemory.PAGE_SHIFT;
    return Math.max(0, spec.memory() - inside);
  }

  private VirtioBalloon balloon() {
    return started()
        .balloon()
        .orElseThrow(() -> new IllegalStateException("the machine has no balloon"));
  }

  private Run started() {
    Run current = current();
    if (current == null) {
      throw new IllegalStateException("the machine was not started");
    }
    return current;
  }

  /**
   * Plugs a virtio disk into the first free slot of the PCI bus while the machine runs, and tells
   * the guest. The machine closes its backend at the end or once it is unplugged, but not when this
   * throws. From any thread.
   *
   * @return the slot
   * @throws MachineException when it is no virtio disk, is plugged in already, or no slot is free
   * @throws IllegalStateException when the machine was not started or has ended
   */
  public int plug(Drive drive) {
    return started().plug(drive, OptionalInt.empty());
  }

  /**
   * The same with the slot chosen, {@link #FIRST_SLOT} to {@link #LAST_SLOT}.
   *
   * @throws MachineException also when something is in the slot, or there is no such slot
   */
  public void plug(Drive drive, int slot) {
    started().plug(drive, OptionalInt.of(slot));
  }

  /**
   * Asks the guest to let go of a virtio disk and returns at once; the guest may take its time, or
   * do nothing, and may be asked again. From any thread.
   *
   * @return done when the disk is out of the machine and its backend is flushed and closed;
   *     exceptionally when that failed, or the machine ended before
   * @throws MachineException when no such disk is plugged in
   * @throws IllegalStateException when the machine was not started or has ended
   */
  public CompletableFuture<Void> unplug(Drive drive) {
    return started().unplug(drive);
  }

  /**
   * The backend of a drive has another size now: the guest is told, if the drive is of a kind that
   * can tell. From any thread.
   */
  public void resized(Drive drive) {
    Run current = current();
    if (current != null) {
      current.resized(drive);
    }
  }

  /**
   * Where the debugger connects, if the machine was built with {@link MachineBuilder#gdb}; empty
   * before the start.
   */
  public Optional<InetSocketAddress> gdb() {
    Run current = current();
    return current == null ? Optional.empty() : current.gdb();
  }

  /** The name of the engine that runs it, or ran it in the end. */
  public String engine() {
    return inUse().engine().name();
  }

  /**
   * Which engine {@code auto} took and why, in one line; empty when the engine was named or there
   * was nothing to choose. What {@code auto} took may come upon something that it cannot do: then
   * another one goes on, and this is why.
   */
  public Optional<String> engineChoice() {
    return inUse().reason();
  }

  private Engines.Choice inUse() {
    Run current = current();
    return current == null ? spec.engines() : current.engines();
  }

  /**
   * Ends the run if it goes on, its threads and the guest's memory; serial output that is not
   * delivered yet is dropped ({@link #await} first to have it all). Returns promptly; may be called
   * again, from any thread.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      if (state == State.NEW) {
        Disks.close(spec.drives());
      }
      state = State.CLOSED;
    } finally {
      lock.unlock();
    }
    started.countDown();
    Run current = current();
    if (current != null) {
      current.close(CLOSE_TIMEOUT);
    }
  }

  private Run current() {
    lock.lock();
    try {
      return run;
    } finally {
      lock.unlock();
    }
  }
}
