package lodge.machine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import lodge.core.InterruptLine;
import lodge.devices.PciHost;
import lodge.devices.PciHotplug;
import lodge.devices.virtio.VirtioPci;

/**
 * The slots of the PCI bus that virtio devices are plugged into, before and while the machine runs.
 * A device that the guest lets go is off the bus at once; what it still has under way is waited for
 * in another thread, and its slot is taken as long.
 */
final class PciSlots {
  /** Those below have the board's own devices. */
  static final int FIRST = 4;

  static final int END = 32;

  /** The slots as bits. */
  static final int MASK = -1 << FIRST;

  /**
   * What is in a slot.
   *
   * @param leave called when it was taken out; returns when it has no request under way any more
   */
  record Card(VirtioPci<?> function, Runnable leave) {}

  private final PciHost host;
  private final List<InterruptLine> lines;
  private final PciHotplug hotplug;
  private final Executor executor;

  // Guarded by this
  private final Map<Integer, Card> cards = new TreeMap<>();
  private final Map<Integer, CompletableFuture<Void>> leaving = new HashMap<>();

  /**
   * @param interruptOf gives INTA# of a slot
   * @param event tells the guest that something has changed
   * @param executor has threads that may wait for requests
   */
  PciSlots(
      PciHost host, IntFunction<InterruptLine> interruptOf, Runnable event, Executor executor) {
    this.host = host;
    this.lines = IntStream.range(FIRST, END).mapToObj(interruptOf).toList();
    this.hotplug = new PciHotplug(MASK, event, this::eject);
    this.executor = executor;
  }

  /** By which the guest sees what comes and goes. */
  PciHotplug hotplug() {
    return hotplug;
  }

  /** INTA# of a slot. */
  InterruptLine line(int slot) {
    return lines.get(slot - FIRST);
  }

  synchronized boolean isFree(int slot) {
    return !cards.containsKey(slot) && !leaving.containsKey(slot);
  }

  /** The first slot that nothing is in. */
  OptionalInt free() {
    return IntStream.range(FIRST, END).filter(this::isFree).findFirst();
  }

  /** Puts a device into a free slot, where the guest finds it when it starts. */
  synchronized void put(int slot, Card card) {
    host.add(slot, 0, card.function);
    cards.put(slot, card);
  }

  /** Likewise, and tells the guest. */
  void plug(int slot, Card card) {
    put(slot, card);
    hotplug.plugged(slot);
  }

  /** Asks the guest to let go of what is in a slot, if anything is. */
  void askToEject(int slot) {
    boolean present;
    synchronized (this) {
      present = cards.containsKey(slot);
    }
    if (present) {
      hotplug.askToEject(slot);
    }
  }

  /** The guest, or a reset, takes out what is in a slot. */
  private synchronized void eject(int slot) {
    Card card = cards.remove(slot);
    if (card != null) {
      host.remove(slot, 0);
      card.function.disconnect();
      leaving.put(slot, CompletableFuture.runAsync(() -> leave(slot, card), executor));
    }
  }

  private void leave(int slot, Card card) {
    try {
      card.leave.run();
    } finally {
      synchronized (this) {
        leaving.remove(slot);
      }
    }
  }

  /** RESET# of all, and what was to be taken out is. Waits for what is under way. */
  void reset() {
    awaitRequests();
    hotplug.reset();
  }

  /** Returns when no device has a request under way, and takes no more of them. */
  void awaitRequests() {
    List<Card> present;
    List<CompletableFuture<Void>> going;
    synchronized (this) {
      present = List.copyOf(cards.values());
      going = List.copyOf(leaving.values());
    }
    present.forEach(card -> card.function.reset());
    going.forEach(CompletableFuture::join);
  }
}
