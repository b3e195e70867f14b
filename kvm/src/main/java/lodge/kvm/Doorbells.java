package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lodge.core.MmioBus;

/**
 * Has KVM count the writes to doorbells in files (ioeventfd), so that the vCPU goes on at once, and
 * rings at the devices from a thread of its own. The thread is there once there is a doorbell.
 */
final class Doorbells implements AutoCloseable {
  private static final int DEASSIGN = 1 << 2;
  private static final short POLLIN = 1;

  // struct pollfd
  private static final int POLLFD = 8;
  private static final int POLLFD_EVENTS = 4;
  private static final int POLLFD_REVENTS = 6;

  private final Fd vm;
  private final MmioBus bus;
  private final MemorySegment request = Arena.ofAuto().allocate(Structs.IOEVENTFD.size(), 8);

  /** By their doorbells the files that KVM has. */
  private final Map<MmioBus.Doorbell, EventFd> assigned = new LinkedHashMap<>();

  /** Files that KVM does not have any more; the thread may be waiting for them. */
  private final List<Bell> retired = new ArrayList<>();

  private EventFd wakeUp;
  private Thread thread;
  private boolean closed;

  private record Bell(MmioBus.Doorbell doorbell, EventFd file) {
    void ringIfWritten() {
      if (file.take()) {
        doorbell.ring();
      }
    }
  }

  Doorbells(Fd vm, MmioBus bus) {
    this.vm = vm.forAnotherThread();
    this.bus = bus;
    bus.onDoorbells(this::update);
    update();
  }

  /** Doorbells have come or gone. */
  private synchronized void update() {
    if (closed) {
      return;
    }
    List<MmioBus.Doorbell> there = bus.doorbells();
    for (MmioBus.Doorbell old : List.copyOf(assigned.keySet())) {
      if (!there.contains(old)) {
        retire(old);
      }
    }
    for (MmioBus.Doorbell doorbell : there) {
      if (!assigned.containsKey(doorbell)) {
        assign(doorbell);
      }
    }
    if (thread != null) {
      wakeUp.add();
    } else if (!assigned.isEmpty()) {
      thread = Thread.ofPlatform().name("lodge-doorbells").daemon().unstarted(this::listen);
      thread.start();
    }
  }

  /** Where the host does not give what it takes, writes come out of KVM as others do. */
  private void assign(MmioBus.Doorbell doorbell) {
    if (wakeUp == null) {
      wakeUp = EventFd.open().orElse(null);
    }
    EventFd file = wakeUp == null ? null : EventFd.open().orElse(null);
    if (file != null && tell(doorbell, file, 0)) {
      assigned.put(doorbell, file);
    } else if (file != null) {
      file.close();
    }
  }

  private void retire(MmioBus.Doorbell doorbell) {
    EventFd file = assigned.remove(doorbell);
    tell(doorbell, file, DEASSIGN);
    retired.add(new Bell(doorbell, file));
  }

  private boolean tell(MmioBus.Doorbell doorbell, EventFd file, int flags) {
    request.set(JAVA_LONG, Structs.IOEVENTFD.offset("addr"), doorbell.gpa());
    request.set(JAVA_INT, Structs.IOEVENTFD.offset("len"), MmioBus.Doorbell.SIZE);
    request.set(JAVA_INT, Structs.IOEVENTFD.offset("fd"), file.number());
    request.set(JAVA_INT, Structs.IOEVENTFD.offset("flags"), flags);
    return vm.attempt(Ioctl.IOEVENTFD, request.address()) >= 0;
  }

  private void listen() {
    try {
      Optional<List<Bell>> bells;
      while ((bells = current()).isPresent()) {
        await(bells.get());
        bells.get().forEach(Bell::ringIfWritten);
        hearRetired();
      }
    } finally {
      // Whatever went wrong, it goes wrong again where the vCPU's thread tells of it.
      retireAll();
      hearRetired();
    }
  }

  /** What to listen to; empty at the end, which nobody sleeps through: it comes with a wake-up. */
  private synchronized Optional<List<Bell>> current() {
    if (closed) {
      return Optional.empty();
    }
    wakeUp.take();
    List<Bell> bells = new ArrayList<>();
    assigned.forEach((doorbell, file) -> bells.add(new Bell(doorbell, file)));
    return Optional.of(bells);
  }

  /** Rings a last time where doorbells have gone, and closes their files. */
  private void hearRetired() {
    List<Bell> gone;
    synchronized (this) {
      gone = List.copyOf(retired);
      retired.clear();
    }
    for (Bell bell : gone) {
      bell.ringIfWritten();
      bell.file.close();
    }
  }

  private void await(List<Bell> bells) {
    try (Arena arena = Arena.ofConfined()) {
      int count = bells.size() + 1;
      MemorySegment files = arena.allocate((long) POLLFD * count, 8);
      for (int i = 0; i < count; i++) {
        EventFd file = i == 0 ? wakeUp : bells.get(i - 1).file;
        files.set(JAVA_INT, (long) POLLFD * i, file.number());
        files.set(JAVA_SHORT, (long) POLLFD * i + POLLFD_EVENTS, POLLIN);
      }
      SystemCalls.poll(files, count);
    }
  }

  private synchronized void retireAll() {
    closed = true;
    List.copyOf(assigned.keySet()).forEach(this::retire);
  }

  /** What was rung before is heard. Not to be called by a device. */
  @Override
  public void close() {
    bus.onDoorbells(() -> {});
    retireAll();
    if (wakeUp != null) {
      wakeUp.add();
      awaitThread();
      wakeUp.close();
    }
  }

  private void awaitThread() {
    Thread listening;
    synchronized (this) {
      listening = thread;
    }
    boolean interrupted = false;
    while (listening != null && listening.isAlive()) {
      try {
        listening.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
