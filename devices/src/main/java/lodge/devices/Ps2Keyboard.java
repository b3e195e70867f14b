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
  private static final int RESET = 0xFF;

  private final byte[] buffer = new byte[BUFFER];
  private int head;
  private int count;
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
    return count == 0;
  }

  /** The next byte on the wire; there must be one. */
  int take() {
    lastSent = buffer[head] & 0xFF;
    head = (head + 1) % BUFFER;
    count--;
    return lastSent;
  }

  /** A key's bytes, all or none: a key that finds the buffer full is lost, as on the keyboard. */
  boolean key(int[] scanCode) {
    if (!scanning || scanCode.length > BUFFER - count) {
      return false;
    }
    for (int b : scanCode) {
      put(b);
    }
    return true;
  }

  /** A byte from the host. Its answer comes before everything that waits. */
  void command(int b) {
    int parameterOf = command;
    command = 0;
    switch (parameterOf) {
      case SET_LEDS, SET_RATE -> answer(ACKNOWLEDGE);
      case SCAN_CODE_SET -> {
        answer(ACKNOWLEDGE);
        if (b == 0) {
          put(scanCodeSet);
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
        put(0xAB);
        put(0x83);
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
        put(SELF_TEST_PASSED);
      }
      case RESEND -> answer(lastSent);
      default -> answer(RESEND);
    }
  }

  private void defaults() {
    scanCodeSet = 2;
  }

  private void answer(int b) {
    count = 0;
    put(b);
  }

  private void put(int b) {
    if (count < BUFFER) {
      buffer[(head + count) % BUFFER] = (byte) b;
      count++;
    }
  }

  State state() {
    byte[] waiting = new byte[count];
    for (int i = 0; i < count; i++) {
      waiting[i] = buffer[(head + i) % BUFFER];
    }
    return new State(waiting, scanning, scanCodeSet, command, lastSent);
  }

  static boolean valid(State state) {
    return state.buffer.length <= BUFFER
        && state.scanCodeSet >= 1
        && state.scanCodeSet <= 3
        && (state.command & ~0xFF) == 0
        && (state.lastSent & ~0xFF) == 0;
  }

  void restore(State state) {
    head = 0;
    count = state.buffer.length;
    System.arraycopy(state.buffer, 0, buffer, 0, count);
    scanning = state.scanning;
    scanCodeSet = state.scanCodeSet;
    command = state.command;
    lastSent = state.lastSent;
  }

  void reset() {
    restore(new State(new byte[0], true, 2, 0, 0));
  }
}
