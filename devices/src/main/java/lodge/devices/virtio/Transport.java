package lodge.devices.virtio;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import lodge.core.GuestMemory;
import lodge.core.Stateful;

/**
 * What the driver does with a device through any transport (virtio 1.3, 2 and 3): device status,
 * features, queues. A reset lasts until no request is under way; until then the status reads as
 * before, and the driver waits.
 *
 * <p>Lock order: this, then a queue. The device is called with neither.
 */
public final class Transport<S extends Record> implements Stateful<Transport.State<S>> {
  // Device status
  private static final int DRIVER_OK = 1 << 2;
  private static final int FEATURES_OK = 1 << 3;
  private static final int NEEDS_RESET = 1 << 6;

  /** Those that a legacy driver sees. */
  private static final long LEGACY_FEATURES = 0xFFFF_FFFFL;

  /** How the driver is interrupted. */
  interface Interrupts {
    void queueUsed(int vector);

    void configurationChanged(int vector);
  }

  private final GuestMemory memory;
  private final VirtioDevice<S> type;
  private final Interrupts interrupts;
  private final long offered;
  private final QueueSlot[] slots;
  private final Map<QueueError, Long> errors = new EnumMap<>(QueueError.class);

  private long accepted;
  private int status;
  private int generation;
  private boolean held;
  volatile int configurationVector;

  /** Queues that a reset of the device waits for. */
  private int closing;

  private boolean resetting;

  /** Registers, queues, and what the device type remembers. */
  public record State<S extends Record>(
      long accepted,
      int status,
      int generation,
      int configurationVector,
      List<QueueSlot.State> queues,
      S device) {
    /** Copies the list. */
    public State {
      queues = List.copyOf(queues);
    }
  }

  Transport(GuestMemory memory, VirtioDevice<S> type, Interrupts interrupts) {
    this.memory = memory;
    this.type = type;
    this.interrupts = interrupts;
    this.offered = type.features();
    this.slots = new QueueSlot[type.queues()];
    Arrays.setAll(slots, _ -> new QueueSlot(type.queueSize()));
    type.onConfigurationChange(this::configurationChanged);
    clear();
  }

  /** How often a driver has broken each rule, since the machine was built. */
  synchronized Map<QueueError, Long> errors() {
    return new EnumMap<>(errors);
  }

  /** One of two halves of the features offered. */
  int offered(int half) {
    return half(offered, half);
  }

  synchronized int accepted(int half) {
    return half(accepted, half);
  }

  private static int half(long features, int half) {
    return half == 0 ? (int) features : half == 1 ? (int) (features >>> 32) : 0;
  }

  synchronized void accept(int half, int bits) {
    if (!resetting
        && (status & FEATURES_OK) == 0
        && (half & ~1) == 0
        && queuesEnabled().isEmpty()) {
      int shift = 32 * half;
      accepted = accepted & ~(0xFFFF_FFFFL << shift) | (bits & 0xFFFF_FFFFL) << shift;
    }
  }

  synchronized int status() {
    return status;
  }

  synchronized int generation() {
    return generation;
  }

  int queues() {
    return slots.length;
  }

  /** A queue's registers, to be looked at by who holds the lock on this; or null. */
  QueueSlot slot(int number) {
    return number >= 0 && number < slots.length ? slots[number] : null;
  }

  /** The driver notifies of a queue. */
  void notified(int number) {
    Virtqueue queue;
    synchronized (this) {
      QueueSlot slot = slot(number);
      if (slot == null || slot.queue == null || !started() || resetting) {
        return;
      }
      queue = slot.queue;
    }
    type.available(number, queue);
  }

  /**
   * Whether queues are served. Legacy drivers, which enable theirs without FEATURES_OK, may use
   * them before DRIVER_OK (virtio 1.3, 3.1.2).
   */
  private boolean started() {
    return (status & DRIVER_OK) != 0 || (status & FEATURES_OK) == 0;
  }

  /** There may be requests that nobody notified of while nobody served them. */
  private void kick() {
    for (int i = 0; i < slots.length; i++) {
      notified(i);
    }
  }

  /** Whether requests are left in the queues, as the device may not reach memory. */
  void hold(boolean wanted) {
    synchronized (this) {
      if (held == wanted) {
        return;
      }
      held = wanted;
      queuesEnabled().forEach(queue -> queue.hold(wanted));
    }
    if (!wanted) {
      kick();
    }
  }

  private List<Virtqueue> queuesEnabled() {
    return Arrays.stream(slots).map(slot -> slot.queue).filter(Objects::nonNull).toList();
  }

  private void configurationChanged() {
    synchronized (this) {
      generation = generation + 1 & 0xFF;
      if ((status & DRIVER_OK) == 0) {
        return;
      }
    }
    interrupts.configurationChanged(configurationVector);
  }

  private void failed(QueueError error) {
    synchronized (this) {
      errors.merge(error, 1L, Long::sum);
      if (resetting) {
        return;
      }
      status |= NEEDS_RESET;
      if ((status & DRIVER_OK) == 0) {
        return;
      }
    }
    interrupts.configurationChanged(configurationVector);
  }

  /** The driver sets its bits, or resets with 0. */
  void writeStatus(int value) {
    boolean starting;
    synchronized (this) {
      if (resetting) {
        return;
      }
      int before = status;
      if (value != 0) {
        status |= value & 0xFF & ~(acceptable() ? NEEDS_RESET : NEEDS_RESET | FEATURES_OK);
        if ((status & FEATURES_OK) == 0) {
          status &= ~DRIVER_OK;
        }
      }
      starting = (~before & status & DRIVER_OK) != 0;
    }
    if (value == 0) {
      beginReset();
    } else if (starting) {
      kick();
    }
  }

  /** The same of a legacy driver, which does not wait for a reset: this does. */
  void writeLegacyStatus(int value) {
    if (value == 0) {
      beginReset();
    }
    boolean starting;
    synchronized (this) {
      awaitResets();
      int before = status;
      status |= value & 0xFF & ~(NEEDS_RESET | FEATURES_OK);
      starting = (~before & status & DRIVER_OK) != 0;
    }
    if (starting) {
      kick();
    }
  }

  /** Features of a legacy driver: not for queues that are there. */
  synchronized void acceptLegacy(int bits) {
    if (!resetting && (status & FEATURES_OK) == 0 && queuesEnabled().isEmpty()) {
      accepted = bits & offered & LEGACY_FEATURES;
    }
  }

  private boolean acceptable() {
    return (accepted & ~offered) == 0 && (accepted & Features.VERSION_1) != 0;
  }

  /** Where a queue is can be said until it is enabled. */
  synchronized void size(QueueSlot slot, int size) {
    if (slot.queue == null) {
      slot.size = size & 0xFFFF;
    }
  }

  /** One of the six halves of its addresses. */
  synchronized void place(QueueSlot slot, int half, int value) {
    if (slot.queue == null) {
      slot.half(half, value);
    }
  }

  /** The driver starts a queue whose registers it has written. */
  void enable(QueueSlot slot) {
    Optional<QueueError> error;
    synchronized (this) {
      if (resetting || slot.queue != null || (status & FEATURES_OK) == 0) {
        return;
      }
      error = start(slot);
    }
    error.ifPresent(this::failed);
  }

  /** A legacy driver says where a queue is, and with that starts it. */
  void enableLegacy(QueueSlot slot, long gpa) {
    Optional<QueueError> error;
    synchronized (this) {
      if (resetting || slot.queue != null || (status & FEATURES_OK) != 0) {
        return;
      }
      accepted &= offered & LEGACY_FEATURES;
      slot.layout(QueueLayout.legacy(type.queueSize(), gpa));
      error = start(slot);
    }
    error.ifPresent(this::failed);
  }

  private Optional<QueueError> start(QueueSlot slot) {
    QueueLayout layout = slot.layout();
    Optional<QueueError> error = error(layout, accepted);
    if (error.isEmpty()) {
      slot.queue = queue(slot, layout);
    }
    return error;
  }

  private Optional<QueueError> error(QueueLayout layout, long features) {
    return layout.size() > type.queueSize()
        ? Optional.of(QueueError.RING_SIZE)
        : layout.error(memory, (features & Features.RING_PACKED) != 0);
  }

  private Virtqueue queue(QueueSlot slot, QueueLayout layout) {
    Virtqueue queue =
        Virtqueue.of(
            memory,
            layout,
            accepted,
            new Virtqueue.Listener() {
              @Override
              public void used() {
                interrupts.queueUsed(slot.vector);
              }

              @Override
              public void failed(QueueError error) {
                Transport.this.failed(error);
              }
            });
    queue.hold(held);
    return queue;
  }

  /** The driver resets one queue (virtio 1.3, 2.6.1), if it may. */
  synchronized void resetQueue(QueueSlot slot) {
    if ((accepted & Features.RING_RESET) != 0) {
      stop(slot);
    }
  }

  /** Closes one queue; it reads as enabled until nothing is under way. */
  synchronized void stop(QueueSlot slot) {
    Virtqueue old = slot.queue;
    if (old == null || slot.resetting || resetting) {
      return;
    }
    slot.resetting = true;
    old.close(
        () -> {
          synchronized (this) {
            if (slot.queue == old) {
              slot.clear();
            }
            notifyAll();
          }
        });
  }

  /** The same for a legacy driver, which does not wait for it: this does. */
  synchronized void stopLegacy(QueueSlot slot) {
    stop(slot);
    awaitResets();
  }

  private void beginReset() {
    List<Virtqueue> queues;
    synchronized (this) {
      if (resetting) {
        return;
      }
      resetting = true;
      queues = queuesEnabled();
      // One more, so that it cannot end before all are asked to close.
      closing = queues.size() + 1;
    }
    queues.forEach(queue -> queue.close(this::closed));
    closed();
  }

  private void closed() {
    synchronized (this) {
      if (--closing > 0) {
        return;
      }
    }
    type.reset();
    clear();
  }

  private synchronized void clear() {
    accepted = 0;
    status = 0;
    configurationVector = QueueSlot.NO_VECTOR;
    resetting = false;
    for (QueueSlot slot : slots) {
      slot.clear();
    }
    notifyAll();
  }

  /** Waits for what is under way; the processors stand still meanwhile. */
  @Override
  public State<S> state() {
    List<Virtqueue> queues;
    synchronized (this) {
      awaitResets();
      queues = queuesEnabled();
    }
    queues.forEach(Virtqueue::pause);
    S device = type.state();
    State<S> state;
    synchronized (this) {
      List<QueueSlot.State> registers = Arrays.stream(slots).map(QueueSlot::state).toList();
      state = new State<>(accepted, status, generation, configurationVector, registers, device);
    }
    queues.forEach(Virtqueue::resume);
    kick();
    return state;
  }

  /** Throws when no such device can have the state. */
  void check(State<S> state) {
    boolean good = state.queues.size() == slots.length;
    if ((state.status & FEATURES_OK) != 0) {
      good &= (state.accepted & ~offered) == 0 && (state.accepted & Features.VERSION_1) != 0;
    } else if (state.queues.stream().anyMatch(queue -> queue.running().isPresent())) {
      good &= (state.accepted & ~(offered & LEGACY_FEATURES)) == 0;
    }
    for (QueueSlot.State queue : state.queues) {
      good &=
          queue.running().isEmpty()
              || error(queue.running().get().layout(), state.accepted).isEmpty();
    }
    if (!good) {
      throw new IllegalArgumentException("not the state of such a virtio device: " + state);
    }
  }

  @Override
  public void restore(State<S> state) {
    check(state);
    reset();
    type.restore(state.device);
    synchronized (this) {
      accepted = state.accepted;
      status = state.status;
      generation = state.generation;
      configurationVector = state.configurationVector;
      for (int i = 0; i < slots.length; i++) {
        restore(slots[i], state.queues.get(i));
      }
    }
    kick();
  }

  private void restore(QueueSlot slot, QueueSlot.State state) {
    slot.layout(state.layout());
    slot.vector = state.vector();
    state
        .running()
        .ifPresent(
            running -> {
              slot.queue = queue(slot, running.layout());
              slot.queue.restore(running);
            });
  }

  /** Waits for what is under way. */
  @Override
  public void reset() {
    beginReset();
    synchronized (this) {
      awaitResets();
      generation = 0;
    }
  }

  private void awaitResets() {
    boolean interrupted = false;
    while (resetting || Arrays.stream(slots).anyMatch(slot -> slot.resetting)) {
      try {
        wait();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
