package lodge.devices.virtio;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * The conversation of a console with several ports and its driver (virtio 1.3, 5.3.6.2). What the
 * driver is to be told is kept as a set for each port, not as a list of messages, so that a driver
 * that only asks and never listens makes nothing grow.
 */
final class ConsoleControl {
  private static final int HEADER = 8;
  private static final ConsoleEvent[] EVENTS = ConsoleEvent.values();

  private final List<ConsolePort> ports;
  private final OrderedQueue listening;
  private final OneWorker telling;
  private volatile Virtqueue tellQueue;

  // Guarded by this
  private int columns;
  private int rows;

  ConsoleControl(List<ConsolePort> ports, Executor executor) {
    this.ports = ports;
    this.listening = new OrderedQueue(executor, this::listen);
    this.telling = new OneWorker(executor, this::tell);
  }

  void tellAvailable(Virtqueue queue) {
    tellQueue = queue;
    telling.wake();
  }

  void listenAvailable(Virtqueue queue) {
    listening.available(queue);
  }

  /** The console of port 0 has this size now. */
  void resize(int newColumns, int newRows) {
    synchronized (this) {
      columns = newColumns;
      rows = newRows;
      ConsolePort console = ports.getFirst();
      if (console.ready && console.isConsole) {
        console.pending.add(ConsoleEvent.RESIZE);
      }
    }
    telling.wake();
  }

  synchronized int columns() {
    return columns;
  }

  synchronized int rows() {
    return rows;
  }

  private void listen(DescriptorChain chain) {
    if (chain.readable().length() < HEADER) {
      chain.refuse();
      return;
    }
    ByteBuffer message = ByteBuffer.wrap(chain.readable().slice(0, HEADER).bytes());
    message.order(ByteOrder.LITTLE_ENDIAN);
    int id = message.getInt(0);
    int event = message.getShort(4) & 0xFFFF;
    boolean yes = message.getShort(6) != 0;
    chain.complete(0);
    if (event < EVENTS.length) {
      listen(EVENTS[event], id, yes);
    }
  }

  private void listen(ConsoleEvent event, int id, boolean yes) {
    if (event == ConsoleEvent.DEVICE_READY && yes) {
      synchronized (this) {
        ports.forEach(port -> port.pending.add(ConsoleEvent.DEVICE_ADD));
      }
      telling.wake();
    } else if (id >= 0 && id < ports.size()) {
      ConsolePort port = ports.get(id);
      switch (event) {
        case PORT_READY -> portReady(port, id, yes);
        case PORT_OPEN -> port.open(yes);
        default -> {}
      }
    }
  }

  private void portReady(ConsolePort port, int id, boolean yes) {
    synchronized (this) {
      port.ready = yes;
      if (yes) {
        port.pending.add(ConsoleEvent.PORT_OPEN);
        if (port.isConsole) {
          port.pending.add(ConsoleEvent.CONSOLE_PORT);
        }
        if (port.isConsole && id == 0 && columns > 0) {
          port.pending.add(ConsoleEvent.RESIZE);
        }
        if (!port.name.isEmpty()) {
          port.pending.add(ConsoleEvent.PORT_NAME);
        }
      }
    }
    telling.wake();
  }

  /** As much as the driver has buffers for. */
  private void tell() {
    Virtqueue queue = tellQueue;
    while (queue != null && !allTold()) {
      DescriptorChain chain = queue.take();
      if (chain != null) {
        byte[] message = next();
        if (message.length > chain.writable().length()) {
          chain.refuse();
        } else {
          chain.writable().put(message);
          chain.complete(message.length);
        }
      } else if (!queue.enableNotifications()) {
        return;
      }
    }
  }

  private synchronized boolean allTold() {
    return ports.stream().allMatch(port -> port.pending.isEmpty());
  }

  /** Takes it off what is to be told; empty when a reset has come meanwhile. */
  private synchronized byte[] next() {
    for (int id = 0; id < ports.size(); id++) {
      Iterator<ConsoleEvent> first = ports.get(id).pending.iterator();
      if (first.hasNext()) {
        ConsoleEvent event = first.next();
        first.remove();
        return message(id, event);
      }
    }
    return new byte[0];
  }

  private byte[] message(int id, ConsoleEvent event) {
    byte[] more =
        switch (event) {
          case RESIZE ->
              words(2 * Short.BYTES).putShort((short) columns).putShort((short) rows).array();
          case PORT_NAME -> ports.get(id).name.getBytes(StandardCharsets.UTF_8);
          default -> new byte[0];
        };
    return words(HEADER + more.length)
        .putInt(id)
        .putShort((short) event.ordinal())
        .putShort((short) 1)
        .put(more)
        .array();
  }

  private static ByteBuffer words(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  synchronized List<ConsolePort.State> state() {
    return ports.stream().map(ConsolePort::state).toList();
  }

  synchronized void restore(List<ConsolePort.State> states) {
    for (int i = 0; i < ports.size(); i++) {
      ports.get(i).restore(states.get(i));
    }
  }

  synchronized void reset() {
    tellQueue = null;
    ports.forEach(ConsolePort::reset);
  }
}
