package lodge.devices;

/**
 * A mouse at the other end of a PS/2 wire (IBM PS/2 technical reference, mouse), with the wheel of
 * Microsoft's IntelliMouse and the five buttons of its Explorer: drivers knock for these by setting
 * the sample rate three times. Guarded by the keyboard controller's lock.
 */
public final class Ps2Mouse {
  static final int BUFFER = 8;

  private static final int ACKNOWLEDGE = 0xFA;
  private static final int SELF_TEST_PASSED = 0xAA;
  private static final int INVALID = 0xFE;

  // Commands
  private static final int SET_SCALING_1_1 = 0xE6;
  private static final int SET_SCALING_2_1 = 0xE7;
  private static final int SET_RESOLUTION = 0xE8;
  private static final int STATUS_REQUEST = 0xE9;
  private static final int SET_STREAM_MODE = 0xEA;
  private static final int READ_DATA = 0xEB;
  private static final int RESET_WRAP_MODE = 0xEC;
  private static final int SET_WRAP_MODE = 0xEE;
  private static final int SET_REMOTE_MODE = 0xF0;
  private static final int READ_ID = 0xF2;
  private static final int SET_SAMPLE_RATE = 0xF3;
  private static final int ENABLE = 0xF4;
  private static final int DISABLE = 0xF5;
  private static final int SET_DEFAULTS = 0xF6;
  private static final int RESEND = 0xFE;
  private static final int RESET = 0xFF;

  // What it is, in answer to READ_ID
  private static final int STANDARD = 0;
  private static final int WHEEL = 3;
  private static final int FIVE_BUTTONS = 4;

  /** The last three sample rates, 8 bits each, after which it has a wheel: 200, 100, 80. */
  private static final int WHEEL_KNOCK = 200 << 16 | 100 << 8 | 80;

  /** After which one with a wheel has five buttons: 200, 200, 80. */
  private static final int FIVE_BUTTONS_KNOCK = 200 << 16 | 200 << 8 | 80;

  // First byte of a packet
  private static final int ALWAYS_SET = 1 << 3;
  private static final int X_NEGATIVE = 1 << 4;
  private static final int Y_NEGATIVE = 1 << 5;
  private static final int X_OVERFLOW = 1 << 6;
  private static final int Y_OVERFLOW = 1 << 7;
  private static final int THREE_BUTTONS = 7;
  private static final int ALL_BUTTONS = 0x1F;

  /** Movement is counted in 9 bits with sign, the wheel in 4. */
  private static final int MOST_MOVEMENT = 255;

  private static final int MOST_WHEEL = 7;

  // First byte of the status: buttons in reverse order, and these
  private static final int STATUS_SCALING_2_1 = 1 << 4;
  private static final int STATUS_REPORTING = 1 << 5;
  private static final int STATUS_REMOTE = 1 << 6;

  private static final int DEFAULT_SAMPLE_RATE = 100;
  private static final int DEFAULT_RESOLUTION = 2;

  private final Ps2Queue queue = new Ps2Queue(BUFFER);

  private int id;
  private boolean reporting;
  private boolean remote;
  private boolean wrapping;
  private boolean scaling;
  private int resolution;

  /** The last three sample rates, the newest in the low byte. */
  private int sampleRates;

  /** The command whose parameter comes next, or 0. */
  private int command;

  private int lastSent;

  // What has not been reported
  private int dx;
  private int dy;
  private int wheel;
  private int buttons;
  private boolean changed;

  /**
   * {@code queue}: bytes not sent, oldest first; {@code sampleRates}: the last three, the newest in
   * the low byte; then what has moved since the last packet.
   */
  public record State(
      byte[] queue,
      int id,
      boolean reporting,
      boolean remote,
      boolean wrapping,
      boolean scaling,
      int resolution,
      int sampleRates,
      int command,
      int lastSent,
      int dx,
      int dy,
      int wheel,
      int buttons,
      boolean changed) {
    /** After power-on. */
    static final State INITIAL =
        new State(
            new byte[0],
            STANDARD,
            false,
            false,
            false,
            false,
            DEFAULT_RESOLUTION,
            DEFAULT_SAMPLE_RATE,
            0,
            0,
            0,
            0,
            0,
            0,
            false);

    /** Copies the queue. */
    public State {
      queue = queue.clone();
    }
  }

  Ps2Mouse() {}

  boolean empty() {
    return queue.empty();
  }

  /** The next byte on the wire; there must be one. What has moved meanwhile follows. */
  int take() {
    lastSent = queue.take();
    report();
    return lastSent;
  }

  /**
   * It is moved, its wheel turned, its buttons pressed: what finds no room in the queue is added up
   * until there is.
   *
   * @param pressed bits 0 to 4: left, right, middle, fourth, fifth button
   */
  void move(int right, int up, int turn, int pressed) {
    if (wrapping) {
      return;
    }
    dx = add(dx, right);
    dy = add(dy, up);
    wheel = Math.clamp((long) wheel + turn, -MOST_WHEEL, MOST_WHEEL);
    int down = pressed & ALL_BUTTONS;
    changed |= right != 0 || up != 0 || turn != 0 || down != buttons;
    buttons = down;
    report();
  }

  /** One beyond what can be told stands for an overflow. */
  private static int add(int sum, int more) {
    return Math.clamp((long) sum + more, -MOST_MOVEMENT - 1, MOST_MOVEMENT + 1);
  }

  private void report() {
    if (changed && reporting && !remote && queue.space() >= packetLength()) {
      queue.put(packet());
    }
  }

  private int packetLength() {
    return id == STANDARD ? 3 : 4;
  }

  private int[] packet() {
    int x = Math.clamp(dx, -MOST_MOVEMENT, MOST_MOVEMENT);
    int y = Math.clamp(dy, -MOST_MOVEMENT, MOST_MOVEMENT);
    int first =
        ALWAYS_SET
            | buttons & THREE_BUTTONS
            | (x < 0 ? X_NEGATIVE : 0)
            | (y < 0 ? Y_NEGATIVE : 0)
            | (x != dx ? X_OVERFLOW : 0)
            | (y != dy ? Y_OVERFLOW : 0);
    int turn = wheel;
    forgetMovement();
    return switch (id) {
      case WHEEL -> new int[] {first, x, y, turn};
      case FIVE_BUTTONS -> new int[] {first, x, y, turn & 0xF | (buttons & ~THREE_BUTTONS) << 1};
      default -> new int[] {first, x, y};
    };
  }

  private void forgetMovement() {
    dx = 0;
    dy = 0;
    wheel = 0;
    changed = false;
  }

  /** A byte from the host. Its answer takes the place of everything that waits. */
  void command(int b) {
    if (wrapping && b != RESET && b != RESET_WRAP_MODE) {
      answer(b);
      return;
    }
    int parameterOf = command;
    command = 0;
    switch (parameterOf) {
      case SET_SAMPLE_RATE -> {
        answer(ACKNOWLEDGE);
        setSampleRate(b);
      }
      case SET_RESOLUTION -> {
        answer(b <= 3 ? ACKNOWLEDGE : INVALID);
        resolution = b <= 3 ? b : resolution;
      }
      default -> begin(b);
    }
  }

  private void setSampleRate(int rate) {
    sampleRates = (sampleRates << 8 | rate) & 0xFF_FFFF;
    if (sampleRates == WHEEL_KNOCK) {
      id = Math.max(id, WHEEL);
    } else if (sampleRates == FIVE_BUTTONS_KNOCK && id == WHEEL) {
      id = FIVE_BUTTONS;
    }
  }

  private void begin(int b) {
    answer(ACKNOWLEDGE);
    switch (b) {
      case SET_SCALING_1_1 -> scaling = false;
      case SET_SCALING_2_1 -> scaling = true;
      case SET_RESOLUTION, SET_SAMPLE_RATE -> command = b;
      case STATUS_REQUEST -> queue.put(status(), resolution, sampleRates & 0xFF);
      case SET_STREAM_MODE -> setMode(false);
      case SET_REMOTE_MODE -> setMode(true);
      case READ_DATA -> queue.put(packet());
      case SET_WRAP_MODE -> {
        wrapping = true;
        forgetMovement();
      }
      case RESET_WRAP_MODE -> wrapping = false;
      case READ_ID -> queue.put(id);
      case ENABLE -> {
        reporting = true;
        forgetMovement();
      }
      case DISABLE -> {
        reporting = false;
        forgetMovement();
      }
      case SET_DEFAULTS -> setDefaults();
      case RESET -> {
        setDefaults();
        id = STANDARD;
        wrapping = false;
        queue.put(SELF_TEST_PASSED, STANDARD);
      }
      case RESEND -> answer(lastSent);
      default -> answer(INVALID);
    }
  }

  private void setMode(boolean toRemote) {
    remote = toRemote;
    forgetMovement();
  }

  private void setDefaults() {
    reporting = false;
    remote = false;
    scaling = false;
    resolution = DEFAULT_RESOLUTION;
    sampleRates = DEFAULT_SAMPLE_RATE;
    forgetMovement();
  }

  private int status() {
    return (buttons & 1) << 2
        | (buttons >> 2 & 1) << 1
        | buttons >> 1 & 1
        | (scaling ? STATUS_SCALING_2_1 : 0)
        | (reporting ? STATUS_REPORTING : 0)
        | (remote ? STATUS_REMOTE : 0);
  }

  private void answer(int b) {
    queue.clear();
    queue.put(b);
  }

  State state() {
    return new State(
        queue.content(),
        id,
        reporting,
        remote,
        wrapping,
        scaling,
        resolution,
        sampleRates,
        command,
        lastSent,
        dx,
        dy,
        wheel,
        buttons,
        changed);
  }

  static boolean valid(State state) {
    return state.queue.length <= BUFFER
        && (state.id == STANDARD || state.id == WHEEL || state.id == FIVE_BUTTONS)
        && (state.resolution & ~3) == 0
        && (state.sampleRates & ~0xFF_FFFF) == 0
        && ((state.command | state.lastSent) & ~0xFF) == 0
        && add(state.dx, 0) == state.dx
        && add(state.dy, 0) == state.dy
        && Math.abs(state.wheel) <= MOST_WHEEL
        && (state.buttons & ~ALL_BUTTONS) == 0;
  }

  void restore(State state) {
    queue.restore(state.queue);
    id = state.id;
    reporting = state.reporting;
    remote = state.remote;
    wrapping = state.wrapping;
    scaling = state.scaling;
    resolution = state.resolution;
    sampleRates = state.sampleRates;
    command = state.command;
    lastSent = state.lastSent;
    dx = state.dx;
    dy = state.dy;
    wheel = state.wheel;
    buttons = state.buttons;
    changed = state.changed;
  }
}
