package lodge.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import lodge.core.Counters;
import lodge.core.GuestMemory;
import lodge.core.HostClock;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.EngineException;
import lodge.devices.virtio.VirtioBalloon;
import lodge.machine.boot.AcpiTables;
import lodge.machine.boot.KernelImage;
import lodge.machine.boot.MemoryMap;
import lodge.machine.gdb.GdbServer;

/**
 * A machine between power-on and its end: memory, clock, board and threads. The first outcome that
 * anybody asks for ends it; a reset that is to boot again does not, but gathers all vCPU threads,
 * and the last to come starts everything anew.
 */
final class Run {
  private static final VarHandle OUTCOME;

  static {
    try {
      OUTCOME = MethodHandles.lookup().findVarHandle(Run.class, "outcome", Outcome.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * How long a question for counters waits for a vCPU that is held up by its console, in
   * milliseconds.
   */
  private static final long COUNT_TIMEOUT = 500;

  private final MachineSpec spec;
  private final MemoryMap map;
  private final GuestMemory memory;
  private final HostClock clock = new HostClock();
  private final SerialLinks serial;
  private final Board board;
  private final Gathering gathering = new Gathering();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicInteger alive;
  private final ReentrantLock lock = new ReentrantLock();

  /** Empty while the board is wired: there is nobody to wake yet. */
  private volatile List<VcpuThread> vcpus = List.of();

  private volatile Outcome outcome;

  /** There once the vCPUs are; empty when nobody debugs. */
  private volatile Optional<Debugging> debugging = Optional.empty();

  private Optional<GdbServer> gdb = Optional.empty();
  private volatile boolean resetWanted;
  private volatile long resets;

  /** Whose the vCPUs are; changes while nobody executes. */
  private volatile Engines.Choice engines;

  /** Whose they are to be. */
  private final AtomicReference<Engines.Choice> nextEngines = new AtomicReference<>();

  /** What those who meet are to do beside changing engines; set while nobody executes. */
  private boolean resetting;

  // Guarded by lock: what the vCPUs that have left counted, then the totals at the end.
  private Counters leftovers = new Counters();
  private Counters totals;
  private boolean memoryClosed;
  private boolean drivesClosed;

  private Run(MachineSpec spec, Engines.Choice engines, GuestMemory memory) {
    this.spec = spec;
    this.engines = engines;
    this.memory = memory;
    this.map = MemoryMap.of(spec.memory());
    SerialLink com1 =
        new SerialLink(spec.serial(), e -> request(new Outcome.Failed("serial output: " + e)));
    this.board = new Board(spec, map, memory, clock, com1, this::request, this::kick);
    com1.connect(board.com1());
    List<SerialLink> links = new ArrayList<>(board.virtio().links());
    links.addFirst(com1);
    this.serial = new SerialLinks(links);
    this.alive = new AtomicInteger(board.cpus().size());
  }

  /** Makes the vCPUs. */
  private void populate() {
    List<VcpuThread> threads = new ArrayList<>();
    try {
      for (Cpu cpu : board.cpus()) {
        threads.add(new VcpuThread(this, cpu, engines.engine(), board.localApic(cpu.apicId)));
        gathering.register();
      }
    } finally {
      vcpus = List.copyOf(threads);
    }
  }

  /**
   * Takes the memory, puts firmware or kernel into it and starts the threads.
   *
   * @throws MachineException of kind NO_MEMORY or NO_ENGINE
   */
  static Run powerOn(MachineSpec spec) {
    return powerOn(spec, spec.engines());
  }

  private static Run powerOn(MachineSpec spec, Engines.Choice engines) {
    try {
      return assemble(spec, engines);
    } catch (EngineException e) {
      Engines.Choice next =
          engines.without(e.getMessage()).orElseThrow(() -> Engines.refused(engines.engine(), e));
      next.reason().ifPresent(spec.engineChange());
      return powerOn(spec, next);
    }
  }

  private static Run assemble(MachineSpec spec, Engines.Choice engines) {
    GuestMemory memory = reserve(spec);
    Run run = null;
    boolean complete = false;
    try {
      run = new Run(spec, engines, memory);
      run.populate();
      run.load();
      run.prepareDebugging();
      complete = true;
    } finally {
      if (!complete) {
        abandon(run, memory);
      }
    }
    run.serial.start();
    run.gdb.ifPresent(GdbServer::start);
    run.vcpus.forEach(VcpuThread::start);
    return run;
  }

  private static void abandon(Run run, GuestMemory memory) {
    if (run != null) {
      run.vcpus.forEach(VcpuThread::closeUnstarted);
      run.clock.close();
    }
    memory.close();
  }

  private static GuestMemory reserve(MachineSpec spec) {
    long size = spec.memory();
    try {
      return switch (spec.boot()) {
        case Boot.Kernel _ -> GuestMemory.allocate(size);
        case Boot.Firmware firmware -> GuestMemory.allocate(size, firmware.image().content());
      };
    } catch (OutOfMemoryError | UncheckedIOException e) {
      throw new MachineException(
          MachineException.Kind.NO_MEMORY,
          "memory " + (size >> 20) + "M: the host does not give it",
          e);
    }
  }

  private void prepareDebugging() {
    if (spec.gdb().isEmpty()) {
      return;
    }
    InetSocketAddress address = spec.gdb().get();
    Debugging known = new Debugging(this, vcpus, clock);
    try {
      gdb = Optional.of(GdbServer.bind(address, known));
    } catch (IOException e) {
      throw new MachineException(
          MachineException.Kind.NO_ADDRESS,
          "gdb %s:%d: %s".formatted(address.getHostString(), address.getPort(), e.getMessage()),
          e);
    }
    debugging = Optional.of(known);
    if (spec.freeze()) {
      known.freeze();
    }
  }

  Optional<Debugging> debugging() {
    return debugging;
  }

  /** Where a debugger connects. */
  Optional<InetSocketAddress> gdb() {
    return gdb.map(GdbServer::address);
  }

  /**
   * Has firmware start, or fills zeroed memory with what firmware and boot loader would leave and
   * sets the boot processor to the kernel's entry.
   */
  private void load() {
    board.startTimeStampCounters();
    switch (spec.boot()) {
      case Boot.Firmware _ -> board.showRom();
      case Boot.Kernel(KernelImage image, byte[] initrd, String commandLine) -> {
        board.writeFirmware(memory);
        image.boot(memory, map, initrd, commandLine, AcpiTables.RSDP, board.cpus().getFirst());
      }
    }
  }

  /** Asks for an end or a reset; the first end stands. From any thread. */
  void request(Outcome wanted) {
    if (wanted instanceof Outcome.Reset && spec.rebootOnReset()) {
      resetWanted = true;
    } else if (OUTCOME.compareAndSet(this, null, wanted)) {
      serial.finish();
      board.disks().abandon();
    }
    vcpus.forEach(VcpuThread::kick);
    if (!goesOn()) {
      debugging.ifPresent(Debugging::tellEnd);
    }
  }

  private void kick(int vcpu) {
    List<VcpuThread> known = vcpus;
    if (vcpu < known.size()) {
      known.get(vcpu).kick();
    }
  }

  boolean goesOn() {
    return outcome == null;
  }

  Engines.Choice engines() {
    return engines;
  }

  /**
   * An engine gave up: the machine goes on in another one if there is one that can, or ends. By the
   * vCPU's thread.
   */
  void failed(Vcpu vcpu) {
    Optional<Engines.Choice> next = vcpu.limit().flatMap(engines::without);
    if (next.isEmpty()) {
      request(new Outcome.Failed(vcpu.failure()));
    } else if (nextEngines.compareAndSet(null, next.get())) {
      vcpus.forEach(VcpuThread::kick);
      next.get().reason().ifPresent(spec.engineChange());
    }
  }

  /** Whether the vCPU threads are to meet. */
  boolean meetingWanted() {
    return resetWanted || nextEngines.get() != null;
  }

  /**
   * Two meetings of all vCPU threads: at the first one nobody executes any more, so each may do
   * something to its own vCPU. Resets it, and then the last to come to the second one resets the
   * board and loads the kernel; or changes its engine, since those that execute in the kernel do
   * not see what others write to code, nor the other way round.
   */
  void meet(VcpuThread vcpu) {
    gathering.arriveAndAwaitAdvance();
    if (goesOn()) {
      vcpu.change(engines.engine(), resetting);
    }
    gathering.arriveAndAwaitAdvance();
  }

  private final class Gathering extends Phaser {
    @Override
    protected boolean onAdvance(int phase, int registered) {
      if (phase % 2 == 0) {
        resetting = resetWanted;
        Engines.Choice next = nextEngines.getAndSet(null);
        engines = next == null ? engines : next;
      } else if (goesOn() && resetting) {
        try {
          reboot();
        } catch (RuntimeException e) {
          request(new Outcome.Failed("reset: " + e));
        }
      }
      return registered == 0;
    }
  }

  private void reboot() {
    // Cleared first: a reset that is asked for from here on is a new one.
    resetWanted = false;
    resets++;
    board.reset();
    memory.clear();
    load();
    serial.spaceFreed();
  }

  /** A vCPU thread's last word. The last one to leave ends the run. */
  void left(Counters counters) {
    lock.lock();
    try {
      counters.totals().forEach(leftovers::add);
    } finally {
      lock.unlock();
    }
    gathering.arriveAndDeregister();
    if (alive.decrementAndGet() == 0) {
      closeDrives();
      gdb.ifPresent(GdbServer::close);
      clock.close();
      lock.lock();
      try {
        totals = withHost(leftovers);
      } finally {
        lock.unlock();
      }
      ended.countDown();
    }
  }

  /** That what was written cannot be kept is worth knowing more than how the run ended. */
  private void closeDrives() {
    lock.lock();
    try {
      drivesClosed = true;
    } finally {
      lock.unlock();
    }
    board.close().ifPresent(failure -> outcome = new Outcome.Failed(failure));
  }

  /**
   * @param slot none for the first free one
   */
  int plug(Drive drive, OptionalInt slot) {
    lock.lock();
    try {
      checkDrivesOpen();
      return board.plug(drive, slot);
    } finally {
      lock.unlock();
    }
  }

  CompletableFuture<Void> unplug(Drive drive) {
    lock.lock();
    try {
      checkDrivesOpen();
      return board.unplug(drive);
    } finally {
      lock.unlock();
    }
  }

  private void checkDrivesOpen() {
    if (drivesClosed || !goesOn()) {
      throw new IllegalStateException("the machine has ended");
    }
  }

  /** The balloon, if the machine has one. */
  Optional<VirtioBalloon> balloon() {
    return board.virtio().balloon();
  }

  void resized(Drive drive) {
    board.disks().resized(drive);
  }

  Outcome awaitEnd() throws InterruptedException {
    ended.await();
    return outcome;
  }

  SerialLinks serial() {
    return serial;
  }

  Counters counters() {
    Counters sum = new Counters();
    for (VcpuThread vcpu : vcpus) {
      Counters known = finalTotals();
      if (known != null) {
        return known;
      }
      if (vcpu.isCurrent()) {
        continue;
      }
      try {
        vcpu.ask().get(COUNT_TIMEOUT, TimeUnit.MILLISECONDS).totals().forEach(sum::add);
      } catch (TimeoutException e) {
        // Its console holds it up; the others' numbers are better than none.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return withHost(sum);
      } catch (ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
    Counters known = finalTotals();
    return known != null ? known : withHost(sum);
  }

  private Counters finalTotals() {
    lock.lock();
    try {
      return totals;
    } finally {
      lock.unlock();
    }
  }

  private Counters withHost(Counters guest) {
    Counters all = new Counters();
    guest.totals().forEach(all::add);
    all.add("resets", resets);
    all.add("wall_nanoseconds", clock.nanos());
    HostMemory.resident().ifPresent(bytes -> all.add("host_resident_bytes", bytes));
    return all;
  }

  /** Ends everything. @param timeout most milliseconds to wait for threads */
  void close(long timeout) {
    request(new Outcome.Stopped());
    serial.abandon();
    gdb.ifPresent(GdbServer::close);
    gdb.ifPresent(GdbServer::disconnect);
    if (joinVcpus(timeout)) {
      closeMemory();
    } else {
      // Never take the memory away from under a vCPU: whoever is late, this waits for it.
      Thread.ofVirtual()
          .name("lodge-close")
          .start(
              () -> {
                if (joinVcpus(Long.MAX_VALUE)) {
                  closeMemory();
                }
              });
    }
  }

  /** False when they did not end in time or the caller is one of them. */
  private boolean joinVcpus(long timeout) {
    boolean interrupted = false;
    long deadline =
        System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Math.min(timeout, Integer.MAX_VALUE));
    boolean all = true;
    for (VcpuThread vcpu : vcpus) {
      boolean gone = false;
      while (!gone && !vcpu.isCurrent() && System.nanoTime() < deadline) {
        try {
          gone =
              vcpu.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      all &= gone;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return all;
  }

  private void closeMemory() {
    lock.lock();
    try {
      if (!memoryClosed) {
        memoryClosed = true;
        memory.close();
      }
    } finally {
      lock.unlock();
    }
  }
}
