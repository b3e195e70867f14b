package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * Keyboard controller (Intel 8042 as IBM programmed it: PS/2 technical reference, keyboard and
 * auxiliary device controller) with a keyboard and a mouse.
 */
public final class I8042 implements Stateful<I8042.State> {
  // Status register
  private static final int STATUS_OUTPUT_FULL = 1;
  private static final int STATUS_SYSTEM = 1 << 2;
  private static final int STATUS_COMMAND = 1 << 3;
  private static final int STATUS_NOT_INHIBITED = 1 << 4;
  private static final int STATUS_AUXILIARY = 1 << 5;

  // Command byte
  private static final int KEYBOARD_INTERRUPT = 1;
  private static final int AUXILIARY_INTERRUPT = 1 << 1;
  private static final int SYSTEM = 1 << 2;
  private static final int KEYBOARD_DISABLED = 1 << 4;
  private static final int AUXILIARY_DISABLED = 1 << 5;
  private static final int TRANSLATE = 1 << 6;

  // Output port
  private static final int OUTPUT_NOT_RESET = 1;
  private static final int OUTPUT_A20 = 1 << 1;
  private static final int OUTPUT_KEYBOARD_FULL = 1 << 4;
  private static final int OUTPUT_AUXILIARY_FULL = 1 << 5;
  private static final int OUTPUT_AFTER_RESET = 0xCF;

  // Commands that port 0x64 takes
  private static final int READ_RAM = 0x20;
  private static final int WRITE_RAM = 0x60;
  private static final int RAM_SIZE = 0x20;
  private static final int TEST_PASSWORD = 0xA4;
  private static final int DISABLE_AUXILIARY = 0xA7;
  private static final int ENABLE_AUXILIARY = 0xA8;
  private static final int TEST_AUXILIARY = 0xA9;
  private static final int SELF_TEST = 0xAA;
  private static final int TEST_KEYBOARD = 0xAB;
  private static final int DISABLE_KEYBOARD = 0xAD;
  private static final int ENABLE_KEYBOARD = 0xAE;
  private static final int READ_INPUT_PORT = 0xC0;
  private static final int READ_OUTPUT_PORT = 0xD0;
  private static final int WRITE_OUTPUT_PORT = 0xD1;
  private static final int WRITE_KEYBOARD_OUTPUT = 0xD2;
  private static final int WRITE_AUXILIARY_OUTPUT = 0xD3;
  private static final int WRITE_AUXILIARY = 0xD4;
  private static final int DISABLE_A20 = 0xDD;
  private static final int ENABLE_A20 = 0xDF;
  private static final int READ_TEST_INPUTS = 0xE0;
  private static final int PULSE_OUTPUT = 0xF0;

  private static final int SELF_TEST_PASSED = 0x55;
  private static final int NO_PASSWORD = 0xF1;

  /** Keyboard not locked, nothing strapped. */
  private static final int INPUT_PORT = 0x80;

  private static final int BREAK_PREFIX = 0xF0;
  private static final int BREAK_BIT = 0x80;

  private final InterruptLine keyboardIrq;
  private final InterruptLine mouseIrq;
  private final InterruptLine a20;
  private final Runnable reset;
  private final Ps2Keyboard keyboard = new Ps2Keyboard();
  private final Ps2Mouse mouse = new Ps2Mouse();

  private int commandByte;
  private final byte[] ram = new byte[RAM_SIZE];
  private int outputPort;

  /** The command whose parameter port 0x60 takes next, or 0. */
  private int command;

  private boolean lastWasCommand;

  /**
   * The output buffer: a byte and the status bits it came with; valid while they hold
   * STATUS_OUTPUT_FULL.
   */
  private int output;

  private int outputStatus;

  /**
   * The controller's own answer, for when the output buffer is free: a byte, and its status bits
   * above it.
   */
  private int answer;

  /** The last scan code from the keyboard was the break prefix, which translation swallows. */
  private boolean breaking;

  private final BusDevice data =
      new BusDevice() {
        @Override
        public long read(long offset, int size) {
          return offset == 0 ? readData() : -1;
        }

        @Override
        public void write(long offset, int size, long value) {
          if (offset == 0) {
            writeData((int) value & 0xFF);
          }
        }
      };

  private final BusDevice control =
      new BusDevice() {
        @Override
        public long read(long offset, int size) {
          return offset == 0 ? readStatus() : -1;
        }

        @Override
        public void write(long offset, int size, long value) {
          if (offset == 0) {
            writeCommand((int) value & 0xFF);
          }
        }
      };

  /**
   * The controller and what is plugged into it; {@code ram}: 32 bytes, of which the first is not
   * used.
   */
  public record State(
      int commandByte,
      byte[] ram,
      int outputPort,
      int command,
      boolean lastWasCommand,
      int output,
      int outputStatus,
      int answer,
      boolean breaking,
      Ps2Keyboard.State keyboard,
      Ps2Mouse.State mouse) {
    /** Copies the RAM. */
    public State {
      ram = ram.clone();
    }
  }

  /**
   * @param keyboard IRQ 1
   * @param mouse IRQ 12
   * @param a20 the gate's part of the A20 line, on after reset
   * @param reset called with no lock held when the processor's reset line is pulled
   */
  public I8042(InterruptLine keyboard, InterruptLine mouse, InterruptLine a20, Runnable reset) {
    this.keyboardIrq = keyboard;
    this.mouseIrq = mouse;
    this.a20 = a20;
    this.reset = reset;
    reset();
  }

  /** Port 0x60. */
  public BusDevice data() {
    return data;
  }

  /** Port 0x64: status when read, command when written. */
  public BusDevice command() {
    return control;
  }

  /**
   * A key goes down or up.
   *
   * @param scanCode its bytes in scan code set 2
   * @return false when the keyboard's buffer has no room for all of them, or when it does not scan
   */
  public synchronized boolean key(int... scanCode) {
    boolean taken = keyboard.key(scanCode);
    updateInterrupt();
    return taken;
  }

  /**
   * The mouse is moved, its wheel turned, its buttons pressed.
   *
   * @param right in counts of the mouse, as {@code up} is
   * @param turn detents of the wheel, towards the user when positive
   * @param buttons bits 0 to 4: left, right, middle, fourth and fifth are down
   */
  public synchronized void mouse(int right, int up, int turn, int buttons) {
    mouse.move(right, up, turn, buttons);
    updateInterrupt();
  }

  private synchronized int readStatus() {
    return outputStatus
        | ((commandByte & SYSTEM) != 0 ? STATUS_SYSTEM : 0)
        | (lastWasCommand ? STATUS_COMMAND : 0)
        | STATUS_NOT_INHIBITED;
  }

  private synchronized int readData() {
    int value = output;
    outputStatus = 0;
    // The line falls before the next byte raises it again: each byte is an edge of its own.
    updateLines();
    updateInterrupt();
    return value;
  }

  private void writeCommand(int b) {
    boolean resets = false;
    synchronized (this) {
      lastWasCommand = true;
      command = 0;
      switch (b) {
        case TEST_PASSWORD -> answer(NO_PASSWORD, 0);
        case DISABLE_AUXILIARY -> commandByte |= AUXILIARY_DISABLED;
        case ENABLE_AUXILIARY -> commandByte &= ~AUXILIARY_DISABLED;
        case TEST_AUXILIARY, TEST_KEYBOARD, READ_TEST_INPUTS -> answer(0, 0);
        case SELF_TEST -> {
          commandByte |= SYSTEM;
          answer(SELF_TEST_PASSED, 0);
        }
        case DISABLE_KEYBOARD -> commandByte |= KEYBOARD_DISABLED;
        case ENABLE_KEYBOARD -> commandByte &= ~KEYBOARD_DISABLED;
        case READ_INPUT_PORT -> answer(INPUT_PORT, 0);
        case READ_OUTPUT_PORT -> answer(readOutputPort(), 0);
        case WRITE_OUTPUT_PORT, WRITE_KEYBOARD_OUTPUT, WRITE_AUXILIARY_OUTPUT, WRITE_AUXILIARY ->
            command = b;
        case DISABLE_A20 -> setOutputPort(outputPort & ~OUTPUT_A20);
        case ENABLE_A20 -> setOutputPort(outputPort | OUTPUT_A20);
        default -> {
          if (b >= PULSE_OUTPUT) {
            // The low four bits that are 0 pull their output port bits down; bit 0 is RESET#.
            resets = (b & OUTPUT_NOT_RESET) == 0;
          } else if (b >= READ_RAM && b < READ_RAM + RAM_SIZE) {
            answer(b == READ_RAM ? commandByte : ram[b - READ_RAM] & 0xFF, 0);
          } else if (b >= WRITE_RAM && b < WRITE_RAM + RAM_SIZE) {
            command = b;
          }
        }
      }
      updateInterrupt();
    }
    if (resets) {
      reset.run();
    }
  }

  private void writeData(int b) {
    boolean resets = false;
    synchronized (this) {
      lastWasCommand = false;
      int parameterOf = command;
      command = 0;
      switch (parameterOf) {
        case 0 -> {
          // Talking to the keyboard opens its clock line.
          commandByte &= ~KEYBOARD_DISABLED;
          keyboard.command(b);
        }
        case WRITE_RAM -> commandByte = b;
        case WRITE_OUTPUT_PORT -> {
          setOutputPort(b);
          resets = (b & OUTPUT_NOT_RESET) == 0;
        }
        case WRITE_KEYBOARD_OUTPUT -> answer(b, 0);
        case WRITE_AUXILIARY_OUTPUT -> answer(b, STATUS_AUXILIARY);
        case WRITE_AUXILIARY -> {
          commandByte &= ~AUXILIARY_DISABLED;
          mouse.command(b);
        }
        default -> ram[parameterOf - WRITE_RAM] = (byte) b;
      }
      updateInterrupt();
    }
    if (resets) {
      reset.run();
    }
  }

  private int readOutputPort() {
    int full = outputStatus & (STATUS_OUTPUT_FULL | STATUS_AUXILIARY);
    return outputPort & ~(OUTPUT_KEYBOARD_FULL | OUTPUT_AUXILIARY_FULL)
        | (full == STATUS_OUTPUT_FULL ? OUTPUT_KEYBOARD_FULL : 0)
        | (full == (STATUS_OUTPUT_FULL | STATUS_AUXILIARY) ? OUTPUT_AUXILIARY_FULL : 0);
  }

  private void setOutputPort(int value) {
    outputPort = value;
    a20.set((value & OUTPUT_A20) != 0);
  }

  private void answer(int b, int status) {
    answer = (STATUS_OUTPUT_FULL | status) << 8 | b;
  }

  /** Moves the next byte into the output buffer when that is free, then drives the lines. */
  private void updateInterrupt() {
    if (outputStatus == 0 && answer != 0) {
      output = answer & 0xFF;
      outputStatus = answer >> 8;
      answer = 0;
    }
    while (outputStatus == 0 && !keyboard.empty() && (commandByte & KEYBOARD_DISABLED) == 0) {
      fromKeyboard(keyboard.take());
    }
    if (outputStatus == 0 && !mouse.empty() && (commandByte & AUXILIARY_DISABLED) == 0) {
      output = mouse.take();
      outputStatus = STATUS_OUTPUT_FULL | STATUS_AUXILIARY;
    }
    updateLines();
  }

  private void fromKeyboard(int b) {
    if ((commandByte & TRANSLATE) == 0) {
      output = b;
    } else if (b == BREAK_PREFIX) {
      breaking = true;
      return;
    } else {
      output = ScanCodes.toSet1(b) | (breaking ? BREAK_BIT : 0);
      breaking = false;
    }
    outputStatus = STATUS_OUTPUT_FULL;
  }

  private void updateLines() {
    boolean full = (outputStatus & STATUS_OUTPUT_FULL) != 0;
    boolean auxiliary = (outputStatus & STATUS_AUXILIARY) != 0;
    keyboardIrq.set(full && !auxiliary && (commandByte & KEYBOARD_INTERRUPT) != 0);
    mouseIrq.set(full && auxiliary && (commandByte & AUXILIARY_INTERRUPT) != 0);
  }

  @Override
  public synchronized State state() {
    return new State(
        commandByte,
        ram,
        outputPort,
        command,
        lastWasCommand,
        output,
        outputStatus,
        answer,
        breaking,
        keyboard.state(),
        mouse.state());
  }

  @Override
  public synchronized void restore(State state) {
    int bytes = state.commandByte | state.outputPort | state.output | state.outputStatus;
    boolean parameterValid =
        state.command == 0
            || state.command >= WRITE_RAM && state.command < WRITE_RAM + RAM_SIZE
            || state.command >= WRITE_OUTPUT_PORT && state.command <= WRITE_AUXILIARY;
    if (state.ram.length != RAM_SIZE
        || (bytes & ~0xFF) != 0
        || (state.answer & ~0xFFFF) != 0
        || !parameterValid
        || !Ps2Keyboard.valid(state.keyboard)
        || !Ps2Mouse.valid(state.mouse)) {
      throw new IllegalArgumentException("not the state of a keyboard controller: " + state);
    }
    commandByte = state.commandByte;
    System.arraycopy(state.ram, 0, ram, 0, RAM_SIZE);
    command = state.command;
    lastWasCommand = state.lastWasCommand;
    output = state.output;
    outputStatus = state.outputStatus;
    answer = state.answer;
    breaking = state.breaking;
    keyboard.restore(state.keyboard);
    mouse.restore(state.mouse);
    setOutputPort(state.outputPort);
    updateInterrupt();
  }

  @Override
  public synchronized void reset() {
    // What firmware would have left behind: translation on, both ports open, no interrupts.
    restore(
        new State(
            SYSTEM | TRANSLATE,
            new byte[RAM_SIZE],
            OUTPUT_AFTER_RESET,
            0,
            false,
            0,
            0,
            0,
            false,
            new Ps2Keyboard.State(new byte[0], true, 2, 0, 0),
            Ps2Mouse.State.INITIAL));
  }
}
