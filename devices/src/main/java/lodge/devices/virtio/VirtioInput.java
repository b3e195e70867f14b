package lodge.devices.virtio;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * Input device (virtio 1.3, 5.8). What the user does is injected with {@link #report}, and goes
 * into the driver's buffers when there are any.
 */
public final class VirtioInput implements VirtioDevice<VirtioInput.State> {
  /** The most events that wait for the driver. */
  static final int MOST_PENDING = 256;

  private static final int TYPE = 18;
  private static final int QUEUE_SIZE = 64;
  private static final int EVENT_QUEUE = 0;
  private static final int QUEUES = 2;
  private static final int EVENT_BYTES = 8;

  // Configuration
  private static final int CONFIGURATION_LENGTH = 136;
  private static final int SELECT = 0;
  private static final int SUBSELECT = 1;
  private static final int SIZE = 2;
  private static final int PAYLOAD = 8;

  // What can be selected
  private static final int NAME = 1;
  private static final int SERIAL = 2;
  private static final int DEVIDS = 3;
  private static final int PROP_BITS = 0x10;
  private static final int EV_BITS = 0x11;
  private static final int ABS_INFO = 0x12;

  private static final int BUS_VIRTUAL = 6;
  private static final int VENDOR = 0x0627;
  private static final int VERSION = 1;

  private static final int LAMPS = 32;
  private static final InputEvent END_OF_REPORT = new InputEvent(InputKind.EV_SYN, 0, 0);

  private final InputKind kind;
  private final String serial;
  private final OneWorker telling;
  private final OrderedQueue listening;
  private volatile Virtqueue eventQueue;

  // Guarded by this
  private final ArrayDeque<InputEvent> pending = new ArrayDeque<>();
  private int select;
  private int subselect;
  private int lamps;

  /**
   * What the driver has selected, and what it is still to be told.
   *
   * @param lamps bit n: the lamp of number n is on
   */
  public record State(int select, int subselect, int lamps, List<InputEvent> pending) {
    /** Copies the list. */
    public State {
      pending = List.copyOf(pending);
    }
  }

  /**
   * @param serial what tells it from others of its kind, or empty
   * @param executor has threads that serve the queues
   */
  public VirtioInput(InputKind kind, String serial, Executor executor) {
    this.kind = kind;
    this.serial = serial;
    this.telling = new OneWorker(executor, this::tell);
    this.listening = new OrderedQueue(executor, this::listen);
  }

  // ---------------------------------------------------------------- what the host does

  /**
   * Tells the guest what has happened at one time.
   *
   * @return false when it was not taken: no driver is there, or it has far too much to read already
   * @throws IllegalArgumentException when the device has no such events
   */
  public boolean report(InputEvent... events) {
    for (InputEvent event : events) {
      if (!kind.has(event)) {
        throw new IllegalArgumentException("no event of a " + kind.name() + ": " + event);
      }
    }
    synchronized (this) {
      if (eventQueue == null || pending.size() + events.length >= MOST_PENDING) {
        return false;
      }
      pending.addAll(Arrays.asList(events));
      pending.add(END_OF_REPORT);
    }
    telling.wake();
    return true;
  }

  /** Whether the guest has switched a lamp such as {@link InputKind#LED_CAPSL} on. */
  public synchronized boolean isLit(int lamp) {
    return (lamps >> lamp & 1) != 0;
  }

  // ---------------------------------------------------------------- what the guest sees

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public int pciClass() {
    return kind.pciClass();
  }

  @Override
  public long features() {
    return Features.RINGS;
  }

  @Override
  public int queues() {
    return QUEUES;
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public synchronized byte[] configuration() {
    byte[] told = selected();
    byte[] bytes = new byte[CONFIGURATION_LENGTH];
    bytes[SELECT] = (byte) select;
    bytes[SUBSELECT] = (byte) subselect;
    bytes[SIZE] = (byte) told.length;
    System.arraycopy(told, 0, bytes, PAYLOAD, told.length);
    return bytes;
  }

  /** Nothing where there is nothing to tell. */
  private byte[] selected() {
    if (select == EV_BITS) {
      return InputKind.bits(kind.events().getOrDefault(subselect, List.of()));
    }
    if (select == ABS_INFO) {
      return kind.axis(subselect).map(VirtioInput::range).orElse(new byte[0]);
    }
    if (subselect != 0) {
      return new byte[0];
    }
    return switch (select) {
      case NAME -> kind.name().getBytes(StandardCharsets.US_ASCII);
      case SERIAL -> serial.getBytes(StandardCharsets.US_ASCII);
      case DEVIDS ->
          words(8)
              .putShort((short) BUS_VIRTUAL)
              .putShort((short) VENDOR)
              .putShort((short) kind.product())
              .putShort((short) VERSION)
              .array();
      case PROP_BITS -> InputKind.bits(kind.properties());
      default -> new byte[0];
    };
  }

  /** Least and most; no noise, no dead zone, no resolution. */
  private static byte[] range(InputKind.Axis axis) {
    return words(20).putInt(axis.least()).putInt(axis.most()).array();
  }

  private static ByteBuffer words(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public synchronized void configure(int offset, int size, int value) {
    for (int i = 0; i < size; i++) {
      int part = value >> 8 * i & 0xFF;
      if (offset + i == SELECT) {
        select = part;
      } else if (offset + i == SUBSELECT) {
        subselect = part;
      }
    }
  }

  @Override
  public void onConfigurationChange(Runnable action) {}

  @Override
  public void available(int number, Virtqueue queue) {
    if (number == EVENT_QUEUE) {
      eventQueue = queue;
      telling.wake();
    } else {
      listening.available(queue);
    }
  }

  /** As much as the driver has buffers for, an event in each. */
  private void tell() {
    Virtqueue queue = eventQueue;
    while (queue != null && isPending()) {
      DescriptorChain chain = queue.take();
      if (chain != null) {
        tell(chain);
      } else if (!queue.enableNotifications()) {
        return;
      }
    }
  }

  private synchronized boolean isPending() {
    return !pending.isEmpty();
  }

  private void tell(DescriptorChain chain) {
    if (chain.writable().length() < EVENT_BYTES) {
      chain.refuse();
      return;
    }
    InputEvent event;
    synchronized (this) {
      event = pending.poll();
    }
    if (event == null) {
      // A reset has come meanwhile; nobody reads this any more.
      chain.complete(0);
      return;
    }
    chain
        .writable()
        .put(
            words(EVENT_BYTES)
                .putShort((short) event.type())
                .putShort((short) event.code())
                .putInt(event.value())
                .array());
    chain.complete(EVENT_BYTES);
  }

  private void listen(DescriptorChain chain) {
    if (chain.readable().length() < EVENT_BYTES) {
      chain.refuse();
      return;
    }
    ByteBuffer event = ByteBuffer.wrap(chain.readable().slice(0, EVENT_BYTES).bytes());
    event.order(ByteOrder.LITTLE_ENDIAN);
    int code = event.getShort(2) & 0xFFFF;
    if (event.getShort(0) == InputKind.EV_LED && code < LAMPS) {
      light(code, event.getInt(4) != 0);
    }
    chain.complete(0);
  }

  private synchronized void light(int lamp, boolean on) {
    lamps = on ? lamps | 1 << lamp : lamps & ~(1 << lamp);
  }

  // ---------------------------------------------------------------- state

  @Override
  public synchronized State state() {
    return new State(select, subselect, lamps, List.copyOf(pending));
  }

  @Override
  public synchronized void restore(State state) {
    select = state.select;
    subselect = state.subselect;
    lamps = state.lamps;
    pending.clear();
    pending.addAll(state.pending);
  }

  @Override
  public synchronized void reset() {
    select = 0;
    subselect = 0;
    lamps = 0;
    pending.clear();
    eventQueue = null;
  }
}
