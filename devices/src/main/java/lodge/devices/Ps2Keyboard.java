package lodge.devices;

/**
 * A keyboard at the other end of a PS/2 wire: its command set, and a buffer of 16 bytes for scan
 * codes and answers (IBM PS/2 technical reference, keyboard). Guarded by the keyboard controller's
 * lock.
 */
public final class Ps2Keyboard {
  static final int BUFFER = 16;

  private static final int ACKNOWLEDGE = 0xFA;
  private static final int SELF_TEST_PASSED = 0xAA;
  private static final int RESEND = 0xFE;
  private static final int ECHO = 0xEE;

  private static final int SET_LEDS = 0xED;
  private static final int SCAN_CODE_SET = 0xF0;
  private static final int READ_ID = 0xF2;
  private static final int SET_RATE = 0xF3;
  private static final int ENABLE = 0xF4;
  private static final int DISABLE = 0xF5;
  private static final int SET_DEFAULTS = 0xF6;
  private static final int ALL_TYPEMATIC = 0xF7;
  private static final int ALL_MAKE_BREAK = 0xF8;
  private static final int ALL_MAKE = 0xF9;
  private static final int ALL_TYPEMATIC_MAKE_BREAK = 0xFA;
  private static final int RESET = 0xFF;

  private final Ps2Queue queue = new Ps2Queue(BUFFER);
  private boolean scanning = true;
  private int scanCodeSet = 2;

  /** The command whose parameter comes next, or 0. */
  private int command;

  private int lastSent;

  /** {@code buffer}: what has not been sent, oldest first. */
  public record State(byte[] buffer, boolean scanning, int scanCodeSet, int command, int lastSent) {
    /** Copies the buffer. */
    public State {
      buffer = buffer.clone();
    }
  }

  Ps2Keyboard() {}

  boolean empty() {
    return queue.empty();
  }

  /** The next byte on the wire; there must be one. */
  int take() {
    lastSent = queue.take();
    return lastSent;
  }

  /**
   * A key's bytes in set 2; what is sent is the guest's choice. All or none: a key that finds the
   * buffer full is lost, as on the keyboard.
   */
  boolean key(int[] scanCode) {
    int[] bytes = ScanCodes.inSet(scanCodeSet, scanCode);
    if (!scanning || bytes.length > queue.space()) {
      return false;
    }
    queue.put(bytes);
    return true;
  }

  /** A byte from the host. Its answer comes before everything that waits. */
  void command(int b) {
    int parameterOf = command;
    command = 0;
    switch (parameterOf) {
      case SET_LEDS, SET_RATE -> answer(ACKNOWLEDGE);
      case SCAN_CODE_SET -> {
        answer(b <= 3 ? ACKNOWLEDGE : RESEND);
        if (b == 0) {
          queue.put(scanCodeSet);
        } else if (b <= 3) {
          scanCodeSet = b;
        }
      }
      default -> begin(b);
    }
  }

  private void begin(int b) {
    switch (b) {
      case SET_LEDS, SET_RATE, SCAN_CODE_SET -> {
        command = b;
        answer(ACKNOWLEDGE);
      }
      case ECHO -> answer(ECHO);
      case READ_ID -> {
        answer(ACKNOWLEDGE);
        queue.put(0xAB, 0x83);
      }
      case ENABLE -> {
        answer(ACKNOWLEDGE);
        scanning = true;
      }
      case DISABLE, SET_DEFAULTS -> {
        answer(ACKNOWLEDGE);
        defaults();
        scanning = b == SET_DEFAULTS;
      }
      case RESET -> {
        answer(ACKNOWLEDGE);
        defaults();
        scanning = true;
        queue.put(SELF_TEST_PASSED);
      }
      case RESEND -> answer(lastSent);
      // Which keys of set 3 repeat and which tell when they go up: all of them do.
      case ALL_TYPEMATIC, ALL_MAKE_BREAK, ALL_MAKE, ALL_TYPEMATIC_MAKE_BREAK -> answer(ACKNOWLEDGE);
      default -> answer(RESEND);
    }
  }

  private void defaults() {
    scanCodeSet = 2;
  }

  private void answer(int b) {
    queue.clear();
    queue.put(b);
  }

  State state() {
    return new State(queue.content(), scanning, scanCodeSet, command, lastSent);
  }

  static boolean valid(State state) {
    return state.buffer.length <= BUFFER
        && state.scanCodeSet >= 1
        && state.scanCodeSet <= 3
        && (state.command & ~0xFF) == 0
        && (state.lastSent & ~0xFF) == 0;
  }

  void restore(State state) {
    queue.restore(state.buffer);
    scanning = state.scanning;
    scanCodeSet = state.scanCodeSet;
    command = state.command;
    lastSent = state.lastSent;
  }
}
