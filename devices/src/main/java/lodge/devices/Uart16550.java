package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * Serial port (National Semiconductor PC16550D data sheet), clocked with 1.8432 MHz.
 *
 * <p>A transmitted character leaves at once, so the transmitter is always empty. What arrives is
 * paced by the guest: {@link #receive(int)} refuses a character while the FIFO is full, while the
 * guest holds the line off with RTS, and while nobody in it listens, so that input which was typed
 * or piped early waits for the driver instead of vanishing in a FIFO that the driver clears first.
 */
public final class Uart16550 implements BusDevice, CharacterPort, Stateful<Uart16550.State> {
  // Register offsets; DLL and DLM take the place of the first two while LCR.DLAB is set
  private static final int RBR_THR = 0;
  private static final int IER = 1;
  private static final int IIR_FCR = 2;
  private static final int LCR = 3;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int MSR = 6;
  private static final int SCR = 7;

  private static final int IER_RECEIVED = 1;
  private static final int IER_THR_EMPTY = 1 << 1;
  private static final int IER_LINE_STATUS = 1 << 2;
  private static final int IER_MODEM_STATUS = 1 << 3;

  private static final int IIR_NONE = 1;
  private static final int IIR_MODEM_STATUS = 0;
  private static final int IIR_THR_EMPTY = 2;
  private static final int IIR_RECEIVED = 4;
  private static final int IIR_LINE_STATUS = 6;
  private static final int IIR_TIMEOUT = 0xC;
  private static final int IIR_FIFOS = 0xC0;

  private static final int FCR_ENABLE = 1;
  private static final int FCR_CLEAR_RECEIVER = 1 << 1;
  private static final int FCR_KEPT = 0xC9;

  private static final int LCR_STOP = 1 << 2;
  private static final int LCR_PARITY = 1 << 3;
  private static final int LCR_DLAB = 1 << 7;

  private static final int MCR_DTR = 1;
  private static final int MCR_RTS = 1 << 1;
  private static final int MCR_OUT1 = 1 << 2;
  private static final int MCR_OUT2 = 1 << 3;
  private static final int MCR_LOOP = 1 << 4;
  private static final int MCR_WRITABLE = 0x1F;

  private static final int LSR_DATA_READY = 1;
  private static final int LSR_OVERRUN = 1 << 1;
  private static final int LSR_THR_EMPTY = 1 << 5;
  private static final int LSR_TRANSMITTER_EMPTY = 1 << 6;

  private static final int MSR_CTS = 1 << 4;
  private static final int MSR_DSR = 1 << 5;
  private static final int MSR_RI = 1 << 6;
  private static final int MSR_DCD = 1 << 7;
  private static final int MSR_LINES = 0xF0;
  private static final int MSR_TERI = 1 << 2;

  /** A terminal that is switched on and ready. */
  private static final int MSR_CONNECTED = MSR_CTS | MSR_DSR | MSR_DCD;

  private static final long CLOCK_HZ = 1_843_200;
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  /** So many looks at an empty LSR with no write between them: a guest that polls for input. */
  private static final int POLLS_TO_LISTEN = 32;

  private final InterruptLine irq;
  private final Clock clock;
  private final CharacterSink out;
  private final Clock.Timer timer;

  private int ier;
  private int fcr;
  private int lcr;
  private int mcr;
  private int msr;
  private int scr;
  private int divisor;
  private boolean overrun;
  private final ReceiveFifo received = new ReceiveFifo();
  private boolean thrEmptyPending;
  private boolean timedOut;

  /** When the characters in the FIFO will have waited for four character times. */
  private long timeoutAt;

  private boolean timerArmed;
  private int emptyPolls;

  /**
   * The guest took RTS back: its buffers are full. One that never raised it does without handshake.
   */
  private boolean heldOff;

  /**
   * What {@link #irq} was last set to: a look at the line status per character need not disturb the
   * controllers.
   */
  private boolean lineActive;

  /**
   * {@link #receive(int)} or {@link #receiveSpace} has said no since the last call of {@link
   * #onSpace}.
   */
  private boolean refused;

  private Runnable onSpace = () -> {};

  /** Registers, the characters in the receive FIFO, oldest first, and those held back. */
  public record State(
      int ier,
      int fcr,
      int lcr,
      int mcr,
      int msr,
      int scr,
      int divisor,
      boolean overrun,
      byte[] fifo,
      byte[] held,
      boolean thrEmptyPending,
      boolean timedOut,
      long timeoutAt,
      int emptyPolls,
      boolean heldOff) {
    /** Copies the arrays. */
    public State {
      fifo = fifo.clone();
      held = held.clone();
    }
  }

  /**
   * @param irq active while an enabled interrupt waits and MCR.OUT2 lets it out
   * @param out called on the vCPU's thread with no lock held
   */
  public Uart16550(InterruptLine irq, Clock clock, CharacterSink out) {
    this.irq = irq;
    this.clock = clock;
    this.out = out;
    this.timer = clock.timer(this::onTimer);
    reset();
  }

  // The line's side

  /**
   * A character arrives.
   *
   * @return false when it was not taken: the action of {@link #onReceiveSpace} is called when it is
   *     worth another try
   */
  public synchronized boolean receive(int b) {
    if (space() == 0) {
      refused = true;
      return false;
    }
    push(b);
    updateInterrupt();
    return true;
  }

  @Override
  public int receive(byte[] characters, int from, int length) {
    int taken = 0;
    while (taken < length && receive(characters[from + taken] & 0xFF)) {
      taken++;
    }
    return taken;
  }

  /**
   * How many characters {@link #receive(int)} will take now, 0 to 16; after 0, as after a refusal,
   * the action is called.
   */
  public synchronized int receiveSpace() {
    int space = space();
    refused |= space == 0;
    return space;
  }

  /**
   * Called from any thread, with no lock held, when there is space again after a refusal; must not
   * block.
   */
  @Override
  public synchronized void onReceiveSpace(Runnable action) {
    onSpace = action;
  }

  private int space() {
    return loops() || !listens() || received.holds() ? 0 : capacity() - received.count();
  }

  private boolean listens() {
    return !heldOff && ((ier & IER_RECEIVED) != 0 || emptyPolls >= POLLS_TO_LISTEN);
  }

  private boolean loops() {
    return (mcr & MCR_LOOP) != 0;
  }

  private boolean fifosEnabled() {
    return (fcr & FCR_ENABLE) != 0;
  }

  private int capacity() {
    return fifosEnabled() ? ReceiveFifo.SIZE : 1;
  }

  // The guest's side

  @Override
  public long read(long offset, int size) {
    if ((offset & ~7L) != 0) {
      return -1;
    }
    int value;
    Runnable notice;
    synchronized (this) {
      value =
          switch ((int) offset) {
            case RBR_THR -> dlab() ? divisor & 0xFF : readReceiver();
            case IER -> dlab() ? divisor >> 8 : ier;
            case IIR_FCR -> readInterruptIdentification();
            case LCR -> lcr;
            case MCR -> mcr;
            case LSR -> readLineStatus();
            case MSR -> readModemStatus();
            default -> scr;
          };
      notice = takeNotice();
    }
    if (notice != null) {
      notice.run();
    }
    return value;
  }

  @Override
  public void write(long offset, int size, long value) {
    if ((offset & ~7L) != 0) {
      return;
    }
    int b = (int) value & 0xFF;
    boolean transmits = false;
    Runnable notice;
    synchronized (this) {
      switch ((int) offset) {
        case RBR_THR -> {
          if (dlab()) {
            divisor = divisor & 0xFF00 | b;
          } else {
            transmits = writeTransmitter(b);
          }
        }
        case IER -> {
          if (dlab()) {
            divisor = divisor & 0xFF | b << 8;
          } else {
            writeInterruptEnable(b & 0xF);
          }
        }
        case IIR_FCR -> writeFifoControl(b);
        case LCR -> {
          lcr = b;
          emptyPolls = 0;
        }
        case MCR -> writeModemControl(b & MCR_WRITABLE);
        case SCR -> scr = b;
        // LSR and MSR are read-only.
        default -> {}
      }
      notice = takeNotice();
    }
    if (transmits) {
      out.write(b);
    }
    if (notice != null) {
      notice.run();
    }
  }

  private boolean dlab() {
    return (lcr & LCR_DLAB) != 0;
  }

  private int readReceiver() {
    timedOut = false;
    if (received.count() == 0) {
      return 0;
    }
    int b = received.take();
    restartTimeout();
    refill();
    updateInterrupt();
    return b;
  }

  /** Reading it takes back the transmitter's interrupt if that is what it shows. */
  private int readInterruptIdentification() {
    int source = pendingInterrupt();
    if (source == IIR_THR_EMPTY) {
      thrEmptyPending = false;
      updateInterrupt();
    }
    return source | (fifosEnabled() ? IIR_FIFOS : 0);
  }

  private int readLineStatus() {
    int value = LSR_THR_EMPTY | LSR_TRANSMITTER_EMPTY;
    if (received.count() > 0) {
      value |= LSR_DATA_READY;
    } else if (emptyPolls < POLLS_TO_LISTEN && ++emptyPolls == POLLS_TO_LISTEN) {
      refill();
    }
    if (overrun) {
      value |= LSR_OVERRUN;
      overrun = false;
      updateInterrupt();
    }
    return value;
  }

  private int readModemStatus() {
    int value = msr;
    msr &= MSR_LINES;
    updateInterrupt();
    return value;
  }

  /** True when the character is to leave for the sink. */
  private boolean writeTransmitter(int b) {
    if (!listens()) {
      emptyPolls = 0;
    }
    // Full and empty again: who waits for the interrupt gets a new edge.
    thrEmptyPending = false;
    if ((ier & IER_THR_EMPTY) != 0) {
      updateInterrupt();
    }
    thrEmptyPending = true;
    if (!loops()) {
      updateInterrupt();
      return true;
    }
    if (received.count() < capacity()) {
      push(b);
    } else {
      overrun = true;
      if (!fifosEnabled()) {
        received.replace(b);
      }
    }
    updateInterrupt();
    return false;
  }

  private void writeInterruptEnable(int value) {
    if ((value & ~ier & IER_THR_EMPTY) != 0) {
      thrEmptyPending = true;
    }
    ier = value;
    emptyPolls = 0;
    refill();
    updateInterrupt();
  }

  private void writeFifoControl(int value) {
    boolean switched = ((value ^ fcr) & FCR_ENABLE) != 0;
    boolean clears = (value & FCR_ENABLE) != 0 && (value & FCR_CLEAR_RECEIVER) != 0;
    if (switched || clears) {
      // Drivers switch the FIFOs on with the interrupt already enabled: that is set-up, and what
      // came in between is not meant to be thrown away.
      clearReceiver(!clears || !listens());
    }
    // The other bits are programmed only together with the enable bit.
    fcr = (value & FCR_ENABLE) != 0 ? value & FCR_KEPT : 0;
    emptyPolls = 0;
    refill();
    updateInterrupt();
  }

  private void writeModemControl(int value) {
    boolean looped = loops();
    heldOff = (value & MCR_RTS) == 0 && (heldOff || (mcr & MCR_RTS) != 0);
    mcr = value;
    if (looped != loops()) {
      // What looped back is none of the line's characters.
      if (looped) {
        received.clear();
      }
      timedOut = false;
    }
    int lines = MSR_CONNECTED;
    if (loops()) {
      lines =
          ((mcr & MCR_RTS) != 0 ? MSR_CTS : 0)
              | ((mcr & MCR_DTR) != 0 ? MSR_DSR : 0)
              | ((mcr & MCR_OUT1) != 0 ? MSR_RI : 0)
              | ((mcr & MCR_OUT2) != 0 ? MSR_DCD : 0);
    }
    int changed = (lines ^ msr) & MSR_LINES;
    // The ring indicator tells only of its trailing edge.
    int deltas = changed >> 4 & ~((changed & lines & MSR_RI) != 0 ? MSR_TERI : 0);
    msr = lines | msr & 0xF | deltas;
    refill();
    updateInterrupt();
  }

  private void push(int b) {
    received.push(b);
    restartTimeout();
  }

  /** The guest throws away what it has not read: its right, but sometimes not what it wants. */
  private void clearReceiver(boolean hold) {
    if (!loops() && hold) {
      received.hold();
    }
    received.clear();
    timedOut = false;
  }

  private void refill() {
    if (listens() && !loops() && received.release(capacity())) {
      restartTimeout();
    }
  }

  private Runnable takeNotice() {
    if (!refused || space() == 0) {
      return null;
    }
    refused = false;
    return onSpace;
  }

  // Interrupts

  private int trigger() {
    return switch (fcr >> 6 & 3) {
      case 0 -> 1;
      case 1 -> 4;
      case 2 -> 8;
      default -> 14;
    };
  }

  /** IIR: the source of the highest priority. */
  private int pendingInterrupt() {
    if ((ier & IER_LINE_STATUS) != 0 && overrun) {
      return IIR_LINE_STATUS;
    }
    if ((ier & IER_RECEIVED) != 0 && received.count() >= trigger()) {
      return IIR_RECEIVED;
    }
    if ((ier & IER_RECEIVED) != 0 && timedOut) {
      return IIR_TIMEOUT;
    }
    if ((ier & IER_THR_EMPTY) != 0 && thrEmptyPending) {
      return IIR_THR_EMPTY;
    }
    if ((ier & IER_MODEM_STATUS) != 0 && (msr & ~MSR_LINES) != 0) {
      return IIR_MODEM_STATUS;
    }
    return IIR_NONE;
  }

  /** On a PC, OUT2 opens the gate to the interrupt line; in loopback its pin is inactive. */
  private void updateInterrupt() {
    boolean gate = (mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
    boolean active = gate && pendingInterrupt() != IIR_NONE;
    if (active != lineActive) {
      lineActive = active;
      irq.set(active);
    }
  }

  /** Each character that comes or goes starts the four character times anew. */
  private void restartTimeout() {
    if (!fifosEnabled() || timedOut || received.count() == 0) {
      return;
    }
    timeoutAt = clock.nanos() + 4 * characterNanos();
    if (!timerArmed) {
      timerArmed = true;
      timer.arm(timeoutAt);
    }
  }

  private long characterNanos() {
    int bits =
        1 + 5 + (lcr & 3) + ((lcr & LCR_PARITY) != 0 ? 1 : 0) + ((lcr & LCR_STOP) != 0 ? 2 : 1);
    return bits * 16L * Math.max(divisor, 1) * NANOS_PER_SECOND / CLOCK_HZ;
  }

  private synchronized void onTimer() {
    timerArmed = false;
    if (!fifosEnabled() || received.count() == 0 || timedOut) {
      return;
    }
    if (clock.nanos() < timeoutAt) {
      timerArmed = true;
      timer.arm(timeoutAt);
      return;
    }
    timedOut = true;
    updateInterrupt();
  }

  // State

  @Override
  public synchronized State state() {
    return new State(
        ier,
        fcr,
        lcr,
        mcr,
        msr,
        scr,
        divisor,
        overrun,
        received.characters(),
        received.heldCharacters(),
        thrEmptyPending,
        timedOut,
        timeoutAt,
        emptyPolls,
        heldOff);
  }

  @Override
  public synchronized void restore(State state) {
    int registers = state.ier | state.fcr | state.lcr | state.mcr | state.msr | state.scr;
    if ((registers & ~0xFF) != 0
        || (state.divisor & ~0xFFFF) != 0
        || state.fifo.length > ReceiveFifo.SIZE
        || state.held.length > ReceiveFifo.SIZE
        || state.emptyPolls < 0) {
      throw new IllegalArgumentException("not the state of a 16550: " + state);
    }
    ier = state.ier & 0xF;
    fcr = state.fcr & FCR_KEPT;
    lcr = state.lcr;
    mcr = state.mcr & MCR_WRITABLE;
    msr = state.msr;
    scr = state.scr;
    divisor = state.divisor;
    overrun = state.overrun;
    received.restore(state.fifo, state.held);
    thrEmptyPending = state.thrEmptyPending;
    timedOut = state.timedOut;
    timeoutAt = state.timeoutAt;
    emptyPolls = state.emptyPolls;
    heldOff = state.heldOff;
    timerArmed = received.count() > 0 && fifosEnabled() && !timedOut;
    if (timerArmed) {
      timer.arm(timeoutAt);
    } else {
      timer.cancel();
    }
    updateInterrupt();
  }

  /**
   * Also holds back what the guest has not read: the line's characters outlive a reset of the chip.
   */
  @Override
  public synchronized void reset() {
    ier = 0;
    emptyPolls = 0;
    heldOff = false;
    clearReceiver(true);
    fcr = 0;
    lcr = 0;
    mcr = 0;
    msr = MSR_CONNECTED;
    scr = 0;
    divisor = 12;
    overrun = false;
    thrEmptyPending = false;
    timerArmed = false;
    timer.cancel();
    updateInterrupt();
  }
}
