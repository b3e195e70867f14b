package lodge.devices.ide;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import lodge.core.BlockBackend;
import lodge.core.BusDevice;
import lodge.core.GuestMemory;
import lodge.core.InterruptLine;
import lodge.core.MmioBus;
import lodge.core.PortBus;
import lodge.core.Stateful;
import lodge.devices.PciConfigSpace;
import lodge.devices.PciEndpoint;
import lodge.devices.PciFunction;

/**
 * The IDE function of the PIIX3 (82371SB data sheet, 2.3 and 2.6), function 1 of its device: two
 * channels at the ports and interrupts that PCs have always had, and a bus master whose ports the
 * guest places. As with QEMU, a channel's ports answer whether or not its decoding is enabled.
 */
public final class IdeController implements PciFunction, Stateful<IdeController.State> {
  /** How many drives can be plugged in. */
  public static final int POSITIONS = 4;

  /** First of the registers with each channel's timing, 2 bytes a channel. */
  public static final int TIMING = 0x40;

  /** Bit of a timing register: the channel is there. Drivers look at it. */
  public static final int DECODE_ENABLE = 1 << 15;

  /** The register with the bus master's ports, which are {@link #BUS_MASTER_LENGTH} many. */
  public static final int BUS_MASTER_BASE = 0x20;

  public static final int BUS_MASTER_LENGTH = 16;

  private static final int BUS_MASTER_BAR = 4;

  private static final int PRIMARY = 0x1F0;
  private static final int PRIMARY_CONTROL = 0x3F6;
  private static final int SECONDARY = 0x170;
  private static final int SECONDARY_CONTROL = 0x376;

  private static final int ID = 0x7010_8086;

  /** IDE, with a bus master. */
  private static final int CLASS_REVISION = 0x0101_8000;

  private static final int SUBSYSTEM = 0x1100_1AF4;
  private static final int COMMAND = 0x04;
  private static final int COMMAND_WRITABLE = 5;
  private static final int STATUS = 0x06;
  private static final int MEDIUM_TIMING = 0x0280;
  private static final int INTERRUPT = 0x3C;
  private static final int SLAVE_TIMING = 0x44;

  private final PciEndpoint endpoint;
  private final List<IdeChannel> channels;

  /** Configuration space and both channels. */
  public record State(PciConfigSpace.State config, List<IdeChannel.State> channels) {
    /** Copies the list. */
    public State {
      channels = List.copyOf(channels);
    }
  }

  /**
   * @param primary IRQ 14
   * @param secondary IRQ 15
   * @param executor runs what waits for a medium, one task for each drive at a time
   */
  public IdeController(
      GuestMemory memory,
      PortBus ports,
      InterruptLine primary,
      InterruptLine secondary,
      Executor executor) {
    endpoint = new PciEndpoint(new MmioBus(), _ -> {}, ID, CLASS_REVISION, SUBSYSTEM);
    channels =
        List.of(
            new IdeChannel(primary, memory, endpoint::busMaster, executor),
            new IdeChannel(secondary, memory, endpoint::busMaster, executor));
    endpoint.ioBar(ports, BUS_MASTER_BAR, BUS_MASTER_LENGTH, 1, busMaster());
    endpoint
        .config()
        .define(COMMAND, 2, 0, COMMAND_WRITABLE)
        .define(STATUS, 2, MEDIUM_TIMING, 0)
        // No pin: the interrupts are those of the ISA bus.
        .define(INTERRUPT, 2, 0, 0)
        .define(TIMING, 4, 0, -1)
        .define(SLAVE_TIMING, 1, 0, 0xFF);
    map(ports, PRIMARY, PRIMARY_CONTROL, channels.getFirst());
    map(ports, SECONDARY, SECONDARY_CONTROL, channels.getLast());
  }

  private static void map(PortBus ports, int command, int control, IdeChannel channel) {
    ports.map(command, IdeChannel.COMMAND_LENGTH, 4, channel.command());
    ports.map(control, 1, 1, channel.control());
  }

  private BusDevice busMaster() {
    List<BusDevice> halves = channels.stream().map(IdeChannel::busMaster).toList();
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return half(offset).read(offset % BusMaster.LENGTH, size);
      }

      @Override
      public void write(long offset, int size, long value) {
        half(offset).write(offset % BusMaster.LENGTH, size, value);
      }

      private BusDevice half(long offset) {
        return halves.get((int) offset / BusMaster.LENGTH);
      }
    };
  }

  /**
   * Plugs a hard disk in, before the machine starts.
   *
   * @param position 0 primary master, 1 primary slave, 2 secondary master, 3 secondary slave
   * @param serial up to 20 ASCII characters
   * @throws IllegalArgumentException when there is a drive already, or the backend is no disk that
   *     can be written
   */
  public void disk(int position, BlockBackend backend, String serial) {
    channels.get(position / 2).disk(position % 2, backend, serial);
  }

  /** Plugs a CD-ROM drive in, with no disc, likewise. */
  public CdRom cdRom(int position, String serial) {
    return channels.get(position / 2).cdRom(position % 2, serial);
  }

  /**
   * What firmware does before it starts a system: both channels are there, and the bus master has
   * ports.
   *
   * @param busMasterBase a multiple of {@link #BUS_MASTER_LENGTH}
   */
  public void enable(int busMasterBase) {
    endpoint.write(TIMING, 4, DECODE_ENABLE | DECODE_ENABLE << 16);
    endpoint.write(BUS_MASTER_BASE, 4, busMasterBase);
    endpoint.write(COMMAND, 2, COMMAND_WRITABLE);
  }

  /** Abandons what is under way, and waits until nobody accesses a medium any more. */
  public void close() {
    reset();
    channels.forEach(IdeChannel::awaitQuiet);
  }

  @Override
  public int read(int register, int size) {
    return endpoint.read(register, size);
  }

  @Override
  public void write(int register, int size, int value) {
    endpoint.write(register, size, value);
  }

  /** Waits for the media. */
  @Override
  public State state() {
    List<IdeChannel.State> states = new ArrayList<>();
    channels.forEach(channel -> states.add(channel.state()));
    return new State(endpoint.state(), states);
  }

  @Override
  public void restore(State state) {
    if (state.channels.size() != channels.size()) {
      throw new IllegalArgumentException("an IDE controller has two channels");
    }
    for (int i = 0; i < channels.size(); i++) {
      channels.get(i).check(state.channels.get(i));
    }
    endpoint.restore(state.config);
    for (int i = 0; i < channels.size(); i++) {
      channels.get(i).restore(state.channels.get(i));
    }
  }

  @Override
  public void reset() {
    endpoint.reset();
    channels.forEach(IdeChannel::reset);
  }
}
