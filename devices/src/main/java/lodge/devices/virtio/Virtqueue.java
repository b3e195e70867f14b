package lodge.devices.virtio;

import java.util.ArrayDeque;
import lodge.core.GuestMemory;

/**
 * The device's side of a virtqueue (virtio 1.3, 2.6): requests are taken and completed by any
 * thread. A driver that breaks the rules ends it: {@link Listener#failed} is told once, and nothing
 * is taken or given back any more.
 */
public abstract sealed class Virtqueue permits SplitVirtqueue, PackedVirtqueue {
  static final int DESCRIPTOR_BYTES = 16;

  // Descriptor flags
  static final int NEXT = 1;
  static final int WRITE = 1 << 1;
  static final int INDIRECT = 1 << 2;

  /** Who a queue reports to; called by any thread, without the queue's lock. */
  public interface Listener {
    /** The driver wants to know that buffers were used. */
    void used();

    /** The driver has broken the rules. */
    void failed(QueueError error);
  }

  /**
   * How far it has come, with nothing under way.
   *
   * @param available the next descriptor to look at: index in 16 bits, or position and, in bit 15,
   *     wrap counter
   * @param used likewise the next to be used
   */
  public record State(QueueLayout layout, int available, int used) {}

  final GuestMemory memory;
  final QueueLayout layout;
  final int size;
  final boolean eventIndex;
  private final long features;
  private final boolean indirect;
  private final Listener listener;

  /** What was taken and not yet given back, oldest first, when it has to be given back in order. */
  private final ArrayDeque<DescriptorChain> order;

  private boolean open = true;
  private boolean paused;
  private boolean held;
  private int underWay;
  private Runnable whenQuiet = () -> {};

  Virtqueue(GuestMemory memory, QueueLayout layout, long features, Listener listener) {
    this.memory = memory;
    this.layout = layout;
    this.size = layout.size();
    this.features = features;
    this.eventIndex = (features & Features.EVENT_IDX) != 0;
    this.indirect = (features & Features.INDIRECT_DESC) != 0;
    this.order = (features & Features.IN_ORDER) != 0 ? new ArrayDeque<>() : null;
    this.listener = listener;
  }

  /**
   * @param layout one without an {@link QueueLayout#error error}
   * @param features those negotiated
   */
  public static Virtqueue of(
      GuestMemory memory, QueueLayout layout, long features, Listener listener) {
    return (features & Features.RING_PACKED) != 0
        ? new PackedVirtqueue(memory, layout, features, listener)
        : new SplitVirtqueue(memory, layout, features, listener);
  }

  /** Whether a feature was negotiated. */
  public final boolean has(long feature) {
    return (features & feature) != 0;
  }

  /** The next request, or null when there is none, or none may be taken. */
  public final DescriptorChain take() {
    QueueError error;
    synchronized (this) {
      if (!open || paused || held) {
        return null;
      }
      try {
        DescriptorChain chain = next();
        if (chain != null) {
          underWay++;
          if (order != null) {
            order.add(chain);
          }
        }
        return chain;
      } catch (BrokenRing broken) {
        open = false;
        error = broken.error;
      }
    }
    listener.failed(error);
    return null;
  }

  /** The device finds a request without what every request has: as with a broken ring. */
  public final void fail(QueueError error) {
    synchronized (this) {
      if (!open) {
        return;
      }
      open = false;
    }
    listener.failed(error);
  }

  final void complete(DescriptorChain chain, long written) {
    boolean interrupt = false;
    Runnable quiet = null;
    synchronized (this) {
      if (chain.completed) {
        throw new IllegalStateException("completed twice");
      }
      chain.completed = true;
      chain.written = written;
      if (open) {
        interrupt = order == null ? use(chain) : useInOrder();
      }
      if (--underWay == 0) {
        notifyAll();
        quiet = whenQuiet;
        whenQuiet = () -> {};
      }
    }
    if (interrupt) {
      listener.used();
    }
    if (quiet != null) {
      quiet.run();
    }
  }

  private boolean useInOrder() {
    boolean interrupt = false;
    while (!order.isEmpty() && order.peek().completed) {
      interrupt |= use(order.poll());
    }
    return interrupt;
  }

  /**
   * The driver is to notify of the next request.
   *
   * @return there is one already
   */
  public final synchronized boolean enableNotifications() {
    return open && !paused && !held && enable();
  }

  /**
   * Takes and gives back nothing any more: a reset.
   *
   * @param quiet called once no request is under way; by the last one's thread, or at once
   */
  public final void close(Runnable quiet) {
    synchronized (this) {
      open = false;
      if (underWay > 0) {
        Runnable before = whenQuiet;
        whenQuiet =
            () -> {
              before.run();
              quiet.run();
            };
        return;
      }
    }
    quiet.run();
  }

  /** Takes nothing until {@link #resume}, and returns when no request is under way. */
  public final synchronized void pause() {
    paused = true;
    boolean interrupted = false;
    while (underWay > 0) {
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

  /** Ends a {@link #pause}; requests may have come meanwhile. */
  public final synchronized void resume() {
    paused = false;
  }

  /** Takes nothing while it is held. */
  public final synchronized void hold(boolean wanted) {
    held = wanted;
  }

  /** To be asked while it is paused. */
  public final synchronized State state() {
    return new State(layout, available(), used());
  }

  /** Goes on where another has been, before anything is taken. */
  public final synchronized void restore(State state) {
    moveTo(state.available, state.used);
  }

  /** Looks at the ring. */
  abstract DescriptorChain next() throws BrokenRing;

  /** Gives a chain back. @return the driver wants an interrupt for it */
  abstract boolean use(DescriptorChain chain);

  abstract boolean enable();

  abstract int available();

  abstract int used();

  abstract void moveTo(int available, int used);

  /** Checks an indirect descriptor. @return how many descriptors its table has */
  final int indirectEntries(long table, long bytes, int flags) throws BrokenRing {
    if (!indirect) {
      throw new BrokenRing(QueueError.INDIRECT_NOT_NEGOTIATED);
    }
    if ((flags & NEXT) != 0) {
      throw new BrokenRing(QueueError.INDIRECT_NESTED);
    }
    if (bytes == 0 || bytes % DESCRIPTOR_BYTES != 0 || !memory.isRam(table, bytes)) {
      throw new BrokenRing(QueueError.INDIRECT_TABLE);
    }
    return (int) (bytes / DESCRIPTOR_BYTES);
  }

  /** Whether going from {@code before} to {@code now} passes an event index, all in 16 bits. */
  static boolean passes(int event, int now, int before) {
    return (now - event - 1 & 0xFFFF) < (now - before & 0xFFFF);
  }
}
