package lodge.devices.ide;

import java.util.concurrent.Executor;

/**
 * What hard disks and packet drives have in common: registers, status, interrupt and reset. The
 * channel's lock guards it.
 */
public abstract sealed class IdeDrive implements DataTransfer.Owner permits AtaDisk {
  // Status register
  static final int ERR = 1;
  static final int DRQ = 1 << 3;
  static final int DSC = 1 << 4;
  static final int DRDY = 1 << 6;
  static final int BSY = 1 << 7;

  // Error register
  static final int ABRT = 1 << 2;
  static final int IDNF = 1 << 4;
  static final int UNC = 1 << 6;

  /** Error register after a diagnostic: nothing was found. */
  private static final int PASSED = 1;

  private static final int EXECUTE_DEVICE_DIAGNOSTIC = 0x90;

  final TaskFile file = new TaskFile();
  final DataTransfer transfer;
  private final IdeChannel channel;

  /** DRDY, DSC and ERR; the other bits follow from the transfer. */
  int status;

  int error;
  private boolean interrupting;

  /** Of one kind of drive. */
  public sealed interface State permits AtaDisk.State {
    /** What all kinds have. */
    Common common();
  }

  /** What every drive has. */
  public record Common(
      TaskFile.State file,
      DataTransfer.State transfer,
      int status,
      int error,
      boolean interrupting) {
    /** Checks what can be checked without the drive. */
    public Common {
      if ((status & ~(DRDY | DSC | ERR)) != 0 || (error & ~0xFF) != 0) {
        throw new IllegalArgumentException("not the state of a drive");
      }
    }
  }

  IdeDrive(IdeChannel channel, BusMaster busMaster, Executor executor) {
    this.channel = channel;
    this.transfer = new DataTransfer(channel, busMaster, executor, this);
  }

  /** What the cylinder registers tell after a reset. */
  abstract int signature();

  /** Executes a command; the status is that of one that went well. */
  abstract void execute(int command);

  /** To what it is after power-on. */
  abstract void powerOn();

  abstract State state();

  /**
   * @throws IllegalArgumentException when it is not one of such a drive; nothing changed then
   */
  abstract void check(State state);

  /** Takes over a state that was checked. */
  abstract void restore(State state);

  final int status() {
    return switch (transfer.phase()) {
      case BUSY -> BSY | DRDY;
      case IN, OUT, DMA -> status | DRQ;
      case IDLE -> status;
    };
  }

  final boolean interrupting() {
    return interrupting;
  }

  final void raise() {
    interrupting = true;
  }

  /** The host has seen it. */
  final void acknowledge() {
    interrupting = false;
  }

  /** Whether it takes no command but a reset. */
  final boolean occupied() {
    return transfer.phase() != DataTransfer.Phase.IDLE;
  }

  final void command(int command) {
    acknowledge();
    status = DRDY | DSC;
    error = 0;
    execute(command);
  }

  /** The command has ended well. */
  final void complete() {
    raise();
  }

  /** The command has ended with an error. */
  final void fail(int errors) {
    status |= ERR;
    error = errors;
    raise();
  }

  /** Power-on. */
  final void reset() {
    transfer.abandon();
    acknowledge();
    file.clear();
    powerOn();
    diagnose();
  }

  /** A reset that keeps the settings: SRST, DEVICE RESET. */
  void softReset() {
    transfer.abandon();
    acknowledge();
    diagnose();
  }

  /** Tells that it is well, and what it is. */
  final void diagnose() {
    sign();
    error = PASSED;
  }

  /** Leaves the signature. */
  final void sign() {
    file.sign(signature());
    status = signature() == 0 ? DRDY | DSC : 0;
  }

  static boolean isDiagnostic(int command) {
    return command == EXECUTE_DEVICE_DIAGNOSTIC;
  }

  @Override
  public final void changed() {
    channel.updateInterrupt();
  }

  final Common common() {
    return new Common(file.state(), transfer.state(), status, error, interrupting);
  }

  final void restore(Common state) {
    file.restore(state.file);
    transfer.restore(state.transfer);
    status = state.status;
    error = state.error;
    interrupting = state.interrupting;
  }
}
