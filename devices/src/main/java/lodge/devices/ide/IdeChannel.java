package lodge.devices.ide;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import lodge.core.BlockBackend;
import lodge.core.BusDevice;
import lodge.core.GuestMemory;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * A cable with up to two drives, and what of the host's interface belongs to it (ATA/ATAPI-6, 7 and
 * 9). Both drives see what is written to the parameter registers; the selected one answers. Where
 * there is no drive, all registers read as zero.
 */
public final class IdeChannel implements Stateful<IdeChannel.State> {
  /** Of the command block, ports 0x1F0 or 0x170. */
  public static final int COMMAND_LENGTH = 8;

  private static final int MASTER = 0;
  private static final int SLAVE = 1;

  private static final int DATA = 0;
  private static final int COMMAND_STATUS = 7;

  // Device control register
  private static final int INTERRUPT_DISABLE = 1 << 1;
  private static final int SOFT_RESET = 1 << 2;
  private static final int HIGH_ORDER_BYTE = 1 << 7;
  private static final int CONTROL_WRITABLE = INTERRUPT_DISABLE | SOFT_RESET | HIGH_ORDER_BYTE;

  private final InterruptLine line;
  private final Executor executor;
  private final BusMaster busMaster;
  private final IdeDrive[] drives = new IdeDrive[2];
  private int selected;
  private int control;
  private boolean lineHigh;

  /**
   * With nothing under way.
   *
   * @param drives of those that there are
   */
  public record State(
      int selected, int control, BusMaster.State busMaster, List<IdeDrive.State> drives) {
    /** Copies the list. */
    public State {
      if (selected != MASTER && selected != SLAVE || (control & ~CONTROL_WRITABLE) != 0) {
        throw new IllegalArgumentException("not the state of an IDE channel");
      }
      drives = List.copyOf(drives);
    }
  }

  /**
   * @param line IRQ 14 or 15
   * @param executor runs what waits for a medium, one task for each drive at a time
   */
  public IdeChannel(InterruptLine line, GuestMemory memory, Executor executor) {
    this.line = line;
    this.executor = executor;
    this.busMaster = new BusMaster(memory);
  }

  /**
   * Plugs a hard disk in, before the machine starts.
   *
   * @param unit 0 (master) or 1 (slave)
   * @param serial up to 20 ASCII characters
   * @throws IllegalArgumentException when there is a drive already, or the backend is no disk that
   *     can be written
   */
  public synchronized void disk(int unit, BlockBackend backend, String serial) {
    plug(unit, new AtaDisk(this, busMaster, executor, backend, serial));
  }

  private void plug(int unit, IdeDrive drive) {
    if (drives[unit] != null) {
      throw new IllegalArgumentException("there is an IDE drive already");
    }
    drives[unit] = drive;
    drive.reset();
  }

  /** The command block, {@link #COMMAND_LENGTH} ports, 4 bytes wide. */
  public BusDevice command() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return readCommandBlock(offset, size);
      }

      @Override
      public void write(long offset, int size, long value) {
        writeCommandBlock(offset, size, value);
      }
    };
  }

  /** The control block, one port, 0x3F6 or 0x376. */
  public BusDevice control() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        synchronized (IdeChannel.this) {
          return offset == 0 ? status() : -1;
        }
      }

      @Override
      public void write(long offset, int size, long value) {
        if (offset == 0) {
          writeControl((int) value & CONTROL_WRITABLE);
        }
      }
    };
  }

  /** Its half of the bus master's ports, 1 byte wide. */
  BusDevice busMaster() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        synchronized (IdeChannel.this) {
          return busMaster.read((int) offset);
        }
      }

      @Override
      public void write(long offset, int size, long value) {
        synchronized (IdeChannel.this) {
          boolean before = busMaster.active();
          busMaster.write((int) offset, (int) value);
          if (!before && busMaster.active()) {
            startTransfers();
          }
          updateInterrupt();
        }
      }
    };
  }

  private void startTransfers() {
    for (IdeDrive drive : drives) {
      if (drive != null) {
        drive.transfer.busMasterStarted();
      }
    }
  }

  private synchronized long readCommandBlock(long offset, int size) {
    if (offset == DATA && size > 1) {
      return drives[selected] == null ? 0 : readData(size);
    }
    long value = 0;
    for (int i = 0; i < size; i++) {
      value |= (long) readRegister((int) offset + i) << 8 * i;
    }
    return value;
  }

  private int readData(int size) {
    int value = drives[selected].transfer.readData(size);
    updateInterrupt();
    return value;
  }

  private int readRegister(int register) {
    IdeDrive drive = drives[selected];
    if (drive == null) {
      return 0;
    }
    return switch (register) {
      case 1 -> drive.error;
      case TaskFile.COUNT, TaskFile.LOW, TaskFile.MID, TaskFile.HIGH ->
          (control & HIGH_ORDER_BYTE) != 0
              ? drive.file.previous(register)
              : drive.file.get(register);
      case TaskFile.DEVICE -> drive.file.get(register);
      case COMMAND_STATUS -> {
        int status = status();
        drive.acknowledge();
        updateInterrupt();
        yield status;
      }
      default -> 0xFF;
    };
  }

  private int status() {
    IdeDrive drive = drives[selected];
    if (drive == null) {
      return 0;
    }
    return (control & SOFT_RESET) != 0 ? IdeDrive.BSY : drive.status();
  }

  private synchronized void writeCommandBlock(long offset, int size, long value) {
    if (offset == DATA && size > 1) {
      if (drives[selected] != null) {
        drives[selected].transfer.writeData(size, (int) value);
      }
    } else {
      for (int i = 0; i < size; i++) {
        writeRegister((int) offset + i, (int) (value >>> 8 * i) & 0xFF);
      }
    }
    updateInterrupt();
  }

  private void writeRegister(int register, int value) {
    if ((control & SOFT_RESET) != 0) {
      return;
    }
    if (register == COMMAND_STATUS) {
      control &= ~HIGH_ORDER_BYTE;
      command(value);
    } else if (register != DATA && register < COMMAND_STATUS && !occupied()) {
      control &= ~HIGH_ORDER_BYTE;
      for (IdeDrive drive : drives) {
        if (drive != null) {
          drive.file.write(register, value);
        }
      }
      if (register == TaskFile.DEVICE) {
        selected = (value & TaskFile.SLAVE) != 0 ? SLAVE : MASTER;
      }
    }
  }

  private boolean occupied() {
    return drives[selected] != null && drives[selected].occupied();
  }

  private void command(int command) {
    IdeDrive drive = drives[selected];
    if (drive == null || occupied()) {
      return;
    }
    if (IdeDrive.isDiagnostic(command)) {
      resetDrives();
      if (drives[MASTER] != null) {
        drives[MASTER].complete();
      }
    } else {
      drive.command(command);
    }
  }

  /** Both drives are as after a reset, and the first one is selected. */
  private void resetDrives() {
    for (IdeDrive drive : drives) {
      if (drive != null) {
        drive.softReset();
        drive.file.set(TaskFile.DEVICE, 0);
      }
    }
    selected = MASTER;
  }

  private synchronized void writeControl(int value) {
    if ((value & ~control & SOFT_RESET) != 0) {
      resetDrives();
    }
    control = value;
    updateInterrupt();
  }

  /** The line's level: the selected drive's, unless it is disabled. */
  void updateInterrupt() {
    IdeDrive drive = drives[selected];
    boolean level = drive != null && drive.interrupting() && (control & INTERRUPT_DISABLE) == 0;
    if (level && !lineHigh) {
      busMaster.interrupted();
    }
    lineHigh = level;
    line.set(level);
  }

  private List<IdeDrive> present() {
    List<IdeDrive> present = new ArrayList<>();
    for (IdeDrive drive : drives) {
      if (drive != null) {
        present.add(drive);
      }
    }
    return present;
  }

  /** Waits for the media. */
  @Override
  public State state() {
    while (true) {
      present().forEach(drive -> drive.transfer.awaitQuiet());
      synchronized (this) {
        if (present().stream().noneMatch(d -> d.transfer.phase() == DataTransfer.Phase.BUSY)) {
          List<IdeDrive.State> states = present().stream().map(IdeDrive::state).toList();
          return new State(selected, control, busMaster.state(), states);
        }
      }
    }
  }

  @Override
  public synchronized void restore(State state) {
    List<IdeDrive> present = present();
    if (state.drives.size() != present.size()) {
      throw new IllegalArgumentException("the state of another IDE channel");
    }
    busMaster.check(state.busMaster);
    for (int i = 0; i < present.size(); i++) {
      present.get(i).check(state.drives.get(i));
    }
    busMaster.restore(state.busMaster);
    for (int i = 0; i < present.size(); i++) {
      present.get(i).restore(state.drives.get(i));
    }
    selected = state.selected;
    control = state.control;
    IdeDrive drive = drives[selected];
    lineHigh = drive != null && drive.interrupting() && (control & INTERRUPT_DISABLE) == 0;
    updateInterrupt();
  }

  @Override
  public synchronized void reset() {
    busMaster.reset();
    present().forEach(IdeDrive::reset);
    selected = MASTER;
    control = 0;
    updateInterrupt();
  }
}
