package lodge.devices.virtio;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * Console device (virtio 1.3, 5.3): ports that carry characters. A driver that does not know of
 * several has the first one. Who waits for the requests under way waits for a slow output, too.
 */
public final class VirtioConsole implements VirtioDevice<VirtioConsole.State> {
  /** The most ports. */
  public static final int MOST_PORTS = 31;

  static final long SIZE = 1;
  static final long MULTIPORT = 1L << 1;
  static final long EMERG_WRITE = 1L << 2;

  private static final int TYPE = 3;
  private static final int COMMUNICATION = 0x07_8000;
  private static final int QUEUE_SIZE = 128;

  // Each pair of queues is one that the driver receives by and one that it transmits by.
  private static final int CONTROL_PAIR = 1;

  // Configuration
  private static final int CONFIGURATION_LENGTH = 12;
  private static final int COLUMNS = 0;
  private static final int ROWS = 2;
  private static final int MAX_PORTS = 4;
  private static final int EMERGENCY = 8;

  private final List<ConsolePort> ports;
  private final ConsoleControl control;
  private Runnable changed = () -> {};

  /** What the driver knows of the ports. */
  public record State(List<ConsolePort.State> ports) {
    /** Copies the list. */
    public State {
      ports = List.copyOf(ports);
    }
  }

  /**
   * @param ports one at least
   * @param executor has threads for the conversation about ports
   * @throws IllegalArgumentException when there are too many
   */
  public VirtioConsole(List<ConsolePort> ports, Executor executor) {
    if (ports.isEmpty() || ports.size() > MOST_PORTS) {
      throw new IllegalArgumentException("a console has from 1 to " + MOST_PORTS + " ports");
    }
    this.ports = List.copyOf(ports);
    this.control = new ConsoleControl(this.ports, executor);
  }

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public int pciClass() {
    return COMMUNICATION;
  }

  @Override
  public long features() {
    return Features.RINGS | SIZE | MULTIPORT | EMERG_WRITE;
  }

  @Override
  public int queues() {
    return 2 * (ports.size() + 1);
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public byte[] configuration() {
    return ByteBuffer.allocate(CONFIGURATION_LENGTH)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort(COLUMNS, (short) control.columns())
        .putShort(ROWS, (short) control.rows())
        .putInt(MAX_PORTS, ports.size())
        .array();
  }

  /**
   * An emergency write does not go through the queues, which may not work any more, but at once.
   */
  @Override
  public void configure(int offset, int size, int value) {
    if (offset == EMERGENCY) {
      ports.getFirst().emergency(value & 0xFF);
    }
  }

  @Override
  public void onConfigurationChange(Runnable action) {
    changed = action;
  }

  /** The terminal at the first port has this size now. */
  public void resize(int columns, int rows) {
    control.resize(columns, rows);
    changed.run();
  }

  @Override
  public void available(int number, Virtqueue queue) {
    int pair = number / 2;
    boolean receiving = number % 2 == 0;
    if (pair == CONTROL_PAIR) {
      if (receiving) {
        control.tellAvailable(queue);
      } else {
        control.listenAvailable(queue);
      }
      return;
    }
    ConsolePort port = ports.get(pair == 0 ? 0 : pair - 1);
    if (receiving) {
      port.receiveAvailable(queue);
    } else {
      port.transmitAvailable(queue);
    }
  }

  @Override
  public State state() {
    return new State(control.state());
  }

  @Override
  public void restore(State state) {
    control.restore(state.ports);
  }

  @Override
  public void reset() {
    control.reset();
  }
}
