package lodge.devices;

/**
 * One counter of an 8254, as a function of time: {@code now} is in clock pulses since power-on and
 * never goes back. Guarded by the chip's lock.
 */
public final class PitCounter {
  private static final int INTERRUPT_ON_TERMINAL_COUNT = 0;
  private static final int ONE_SHOT = 1;
  private static final int RATE_GENERATOR = 2;
  private static final int SQUARE_WAVE = 3;
  private static final int SOFTWARE_STROBE = 4;
  private static final int HARDWARE_STROBE = 5;

  // Read/write field of the control word
  private static final int LOW_BYTE = 1;
  private static final int HIGH_BYTE = 2;
  private static final int BOTH_BYTES = 3;

  private int mode;
  private boolean bcd;
  private int access;
  private boolean gate;

  /** The count register: as written, 0 to 0xFFFF. */
  private int register;

  private int lowByteWritten;
  private boolean highByteNext;
  private boolean readHighNext;
  private int latchedCount;
  private int latchedBytes;
  private int latchedStatus;
  private boolean statusLatched;

  /**
   * The control word has been followed by a count, and the counter counts or waits for its gate.
   */
  private boolean loaded;

  /** Modes 1 and 5: the gate has risen since the count was written. */
  private boolean triggered;

  /** The count that is counting, 1 to 65536, in clock pulses. */
  private int count;

  /** When the counting element took the count. */
  private long start;

  /** Pulses that were counted before the gate closed, or -1 while it is open. */
  private long frozen;

  /** When {@link #register} replaces {@link #count} (modes 2 and 3), or -1. */
  private long reloadAt;

  /** Modes 2 and 3: the output rose at {@link #start}, where another period ended. */
  private boolean continued;

  /** Everything the guest can find out; times in clock pulses since power-on. */
  public record State(
      int mode,
      boolean bcd,
      int access,
      boolean gate,
      int register,
      int lowByteWritten,
      boolean highByteNext,
      boolean readHighNext,
      int latchedCount,
      int latchedBytes,
      int latchedStatus,
      boolean statusLatched,
      boolean loaded,
      boolean triggered,
      int count,
      long start,
      long frozen,
      long reloadAt,
      boolean continued) {}

  PitCounter() {}

  /**
   * @param word the control word without the counter's number; 0 in the access field latches the
   *     count
   */
  void control(int word, long now) {
    int newAccess = word >> 4 & 3;
    if (newAccess == 0) {
      latch(now);
      return;
    }
    access = newAccess;
    int m = word >> 1 & 7;
    mode = m > HARDWARE_STROBE ? m & 3 : m;
    bcd = (word & 1) != 0;
    highByteNext = false;
    readHighNext = false;
    latchedBytes = 0;
    statusLatched = false;
    loaded = false;
    triggered = false;
    reloadAt = -1;
  }

  void readBack(boolean latchCount, boolean latchStatus, long now) {
    if (latchCount) {
      latch(now);
    }
    if (latchStatus && !statusLatched) {
      latchedStatus =
          (out(now) ? 0x80 : 0)
              | (nullCount(now) ? 0x40 : 0)
              | access << 4
              | mode << 1
              | (bcd ? 1 : 0);
      statusLatched = true;
    }
  }

  /** A second latch before the first was read out is ignored. */
  private void latch(long now) {
    if (latchedBytes == 0) {
      latchedCount = value(now);
      latchedBytes = access == BOTH_BYTES ? 2 : 1;
    }
  }

  int read(long now) {
    if (statusLatched) {
      statusLatched = false;
      return latchedStatus;
    }
    int value = latchedBytes > 0 ? latchedCount : value(now);
    boolean high = access == HIGH_BYTE || access == BOTH_BYTES && readHighNext;
    if (access == BOTH_BYTES) {
      readHighNext = !readHighNext;
    }
    if (latchedBytes > 0) {
      latchedBytes--;
    }
    return (high ? value >> 8 : value) & 0xFF;
  }

  void write(int b, long now) {
    switch (access) {
      case LOW_BYTE -> load(b, now);
      case HIGH_BYTE -> load(b << 8, now);
      default -> {
        if (highByteNext) {
          highByteNext = false;
          load(lowByteWritten | b << 8, now);
        } else {
          highByteNext = true;
          lowByteWritten = b;
          if (mode == INTERRUPT_ON_TERMINAL_COUNT) {
            // The first byte stops the counting and takes the output down.
            loaded = false;
          }
        }
      }
    }
  }

  /** A new count is complete; the counting element takes it with the next pulse. */
  private void load(int value, long now) {
    sync(now);
    register = value;
    switch (mode) {
      case INTERRUPT_ON_TERMINAL_COUNT, SOFTWARE_STROBE -> begin(now + 1);
      case ONE_SHOT, HARDWARE_STROBE -> loaded = true;
      default -> {
        if (!loaded || frozen >= 0) {
          begin(now + 1);
        } else {
          reloadAt = now < start ? start : nextBoundary(now);
        }
      }
    }
  }

  private void begin(long at) {
    loaded = true;
    count = pulses(register);
    start = at;
    frozen = gate ? -1 : 0;
    reloadAt = -1;
    continued = false;
  }

  void gate(boolean level, long now) {
    if (level == gate) {
      return;
    }
    sync(now);
    if (!level) {
      if (loaded && pausesWithGate()) {
        frozen = elapsed(now);
      }
      gate = false;
      return;
    }
    gate = true;
    switch (mode) {
      case INTERRUPT_ON_TERMINAL_COUNT, SOFTWARE_STROBE -> {
        if (loaded && frozen >= 0) {
          start = now - frozen;
        }
        frozen = -1;
      }
      case ONE_SHOT, HARDWARE_STROBE -> {
        if (loaded) {
          begin(now + 1);
          triggered = true;
        }
      }
      default -> {
        if (loaded) {
          begin(now + 1);
        }
      }
    }
  }

  private boolean pausesWithGate() {
    return mode != ONE_SHOT && mode != HARDWARE_STROBE;
  }

  private boolean periodic() {
    return mode == RATE_GENERATOR || mode == SQUARE_WAVE;
  }

  /** Whether the count changes and edges will come. */
  private boolean running() {
    return loaded && frozen < 0 && (pausesWithGate() || triggered);
  }

  /** Takes over a count that was written while another one was counting. */
  private void sync(long now) {
    if (reloadAt < 0 || now < reloadAt) {
      return;
    }
    boolean inHighHalf = mode == SQUARE_WAVE && (reloadAt - start) % count != 0;
    count = pulses(register);
    start = inHighHalf ? reloadAt - highPulses() : reloadAt;
    reloadAt = -1;
    continued = !inHighHalf;
  }

  private int highPulses() {
    return (count + 1) / 2;
  }

  /** When the present period or, for a square wave, half period ends. */
  private long nextBoundary(long now) {
    long phase = elapsed(now) % count;
    if (mode == SQUARE_WAVE && phase < highPulses()) {
      return now - phase + highPulses();
    }
    return now - phase + count;
  }

  private long elapsed(long now) {
    return frozen >= 0 ? frozen : Math.max(0, now - start);
  }

  /** A count of 0 is the largest; one of 1 does not work in the periodic modes. */
  private int pulses(int value) {
    int n = value;
    if (bcd) {
      n = 0;
      for (int digit = 12; digit >= 0; digit -= 4) {
        n = n * 10 + (value >> digit & 0xF);
      }
    }
    if (n == 0) {
      return bcd ? 10_000 : 0x1_0000;
    }
    return periodic() ? Math.max(n, 2) : n;
  }

  private boolean nullCount(long now) {
    sync(now);
    return !loaded || reloadAt >= 0 || now < start || !pausesWithGate() && !triggered;
  }

  /** The counting element as the guest reads it. */
  private int value(long now) {
    sync(now);
    if (!loaded || !pausesWithGate() && !triggered) {
      return register;
    }
    long t = elapsed(now);
    long n =
        switch (mode) {
          case RATE_GENERATOR -> count - t % count;
          case SQUARE_WAVE -> squareWaveValue((int) (t % count));
          default -> count - t;
        };
    return bcd ? toBcd((int) Math.floorMod(n, 10_000L)) : (int) n & 0xFFFF;
  }

  /**
   * Counts down by two in each half; an odd count loses its one in the first pulse of the high
   * half.
   */
  private int squareWaveValue(int phase) {
    int high = highPulses();
    int even = count & ~1;
    return phase < high ? Math.max(count - 2 * phase, 0) : even - 2 * (phase - high);
  }

  private static int toBcd(int n) {
    return n / 1000 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10;
  }

  /** The OUT pin. */
  boolean out(long now) {
    sync(now);
    if (!loaded) {
      return mode != INTERRUPT_ON_TERMINAL_COUNT;
    }
    long t = elapsed(now);
    return switch (mode) {
      case INTERRUPT_ON_TERMINAL_COUNT -> t >= count;
      case ONE_SHOT -> !triggered || t >= count || now < start;
      case RATE_GENERATOR -> frozen >= 0 || t % count != count - 1;
      case SQUARE_WAVE -> frozen >= 0 || t % count < highPulses();
      case HARDWARE_STROBE -> !triggered || t != count;
      default -> t != count;
    };
  }

  /** When OUT last rose by counting, at or before now; -1 when it has not. */
  long lastRisingEdge(long now) {
    sync(now);
    if (!running()) {
      return -1;
    }
    long t = elapsed(now);
    return switch (mode) {
      case INTERRUPT_ON_TERMINAL_COUNT, ONE_SHOT -> t >= count ? start + count : -1;
      case RATE_GENERATOR, SQUARE_WAVE -> t >= count || continued ? now - t % count : -1;
      default -> t > count ? start + count + 1 : -1;
    };
  }

  /** When OUT will next rise (for a square wave: change), or -1. */
  long nextEdge(long now) {
    sync(now);
    if (!running()) {
      return -1;
    }
    long t = elapsed(now);
    return switch (mode) {
      case INTERRUPT_ON_TERMINAL_COUNT, ONE_SHOT -> t < count ? start + count : -1;
      case RATE_GENERATOR -> now < start ? start + count : now - t % count + count;
      case SQUARE_WAVE -> now < start ? start + highPulses() : nextBoundary(now);
      default -> t <= count ? start + count + 1 : -1;
    };
  }

  State state() {
    return new State(
        mode,
        bcd,
        access,
        gate,
        register,
        lowByteWritten,
        highByteNext,
        readHighNext,
        latchedCount,
        latchedBytes,
        latchedStatus,
        statusLatched,
        loaded,
        triggered,
        count,
        start,
        frozen,
        reloadAt,
        continued);
  }

  static boolean valid(State state) {
    return state.mode >= INTERRUPT_ON_TERMINAL_COUNT
        && state.mode <= HARDWARE_STROBE
        && state.access >= LOW_BYTE
        && state.access <= BOTH_BYTES
        && (state.register & ~0xFFFF) == 0
        && (state.lowByteWritten & ~0xFF) == 0
        && state.count >= 1
        && state.count <= 0x1_0000 * 2;
  }

  void restore(State state) {
    mode = state.mode;
    bcd = state.bcd;
    access = state.access;
    gate = state.gate;
    register = state.register;
    lowByteWritten = state.lowByteWritten;
    highByteNext = state.highByteNext;
    readHighNext = state.readHighNext;
    latchedCount = state.latchedCount;
    latchedBytes = state.latchedBytes;
    latchedStatus = state.latchedStatus;
    statusLatched = state.statusLatched;
    loaded = state.loaded;
    triggered = state.triggered;
    count = state.count;
    start = state.start;
    frozen = state.frozen;
    reloadAt = state.reloadAt;
    continued = state.continued;
  }

  void reset(boolean gateOpen) {
    restore(
        new State(
            RATE_GENERATOR,
            false,
            BOTH_BYTES,
            gateOpen,
            0,
            0,
            false,
            false,
            0,
            0,
            0,
            false,
            false,
            false,
            1,
            0,
            -1,
            -1,
            false));
  }
}
