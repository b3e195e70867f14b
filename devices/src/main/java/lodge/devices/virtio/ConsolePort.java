package lodge.devices.virtio;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Executor;
import lodge.devices.CharacterPort;
import lodge.devices.CharacterSink;

/**
 * A port of a {@link VirtioConsole}. It keeps no characters: what the guest transmits goes to the
 * output, which makes it wait as a slow line would, and input goes into the buffers of a guest that
 * has opened the port, or is not taken.
 */
public final class ConsolePort implements CharacterPort {
  private static final int CHUNK = 4096;

  final String name;
  final boolean isConsole;
  private final CharacterSink output;
  private final OrderedQueue transmitting;

  /** What the driver is still to be told. Guarded by {@link ConsoleControl}. */
  final EnumSet<ConsoleEvent> pending = EnumSet.noneOf(ConsoleEvent.class);

  /** The driver knows it. Guarded by {@link ConsoleControl}. */
  boolean ready;

  private volatile boolean open;
  private volatile Virtqueue receiveQueue;
  private Runnable space = () -> {};

  /** What the driver knows, does and is still to be told. */
  public record State(boolean ready, boolean open, Set<ConsoleEvent> pending) {
    /** Copies the set. */
    public State {
      pending = Set.copyOf(pending);
    }
  }

  /**
   * @param name what the guest finds it by, or empty
   * @param isConsole the guest is to have a terminal there
   * @param executor has threads for output
   */
  public ConsolePort(String name, boolean isConsole, CharacterSink output, Executor executor) {
    this.name = name;
    this.isConsole = isConsole;
    this.output = output;
    this.transmitting = new OrderedQueue(executor, this::transmit);
  }

  /** To be called before the guest runs. */
  @Override
  public void onReceiveSpace(Runnable action) {
    space = action;
  }

  @Override
  public int receive(byte[] characters, int from, int length) {
    int taken = 0;
    while (taken < length) {
      Virtqueue queue = receiveQueue;
      if (queue == null || queue.has(VirtioConsole.MULTIPORT) && !open) {
        break;
      }
      DescriptorChain chain = queue.take();
      if (chain != null) {
        int part = (int) Math.min(chain.writable().length(), length - taken);
        chain.writable().put(Arrays.copyOfRange(characters, from + taken, from + taken + part));
        chain.complete(part);
        taken += part;
      } else if (!queue.enableNotifications()) {
        break;
      }
    }
    return taken;
  }

  void receiveAvailable(Virtqueue queue) {
    receiveQueue = queue;
    space.run();
  }

  void transmitAvailable(Virtqueue queue) {
    transmitting.available(queue);
  }

  private void transmit(DescriptorChain chain) {
    byte[] chunk = new byte[(int) Math.min(CHUNK, chain.readable().length())];
    for (ByteBuffer piece : chain.readable().pieces()) {
      while (piece.hasRemaining()) {
        int part = Math.min(chunk.length, piece.remaining());
        piece.get(chunk, 0, part);
        output.write(chunk, 0, part);
      }
    }
    chain.complete(0);
  }

  /** Past all queues. */
  void emergency(int character) {
    output.write(character);
  }

  /** The guest opens or closes it. */
  void open(boolean wanted) {
    open = wanted;
    if (wanted) {
      space.run();
    }
  }

  State state() {
    return new State(ready, open, pending);
  }

  void restore(State state) {
    ready = state.ready;
    open = state.open;
    pending.clear();
    pending.addAll(state.pending);
  }

  void reset() {
    ready = false;
    open = false;
    pending.clear();
    receiveQueue = null;
  }
}
