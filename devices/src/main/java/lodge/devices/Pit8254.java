package lodge.devices;

import lodge.core.BusDevice;
import lodge.core.Clock;
import lodge.core.InterruptLine;
import lodge.core.Stateful;

/**
 * The PC's interval timer (Intel 8254 data sheet), clocked with 1.193182 MHz: counter 0 interrupts,
 * counter 2 drives the speaker. Port 0x61, through which software opens counter 2's gate and sees
 * its output, is {@link #systemControlB}.
 *
 * <p>Nothing ticks: counters are functions of the time since they were loaded, and the host's timer
 * is armed for counter 0's next edge only.
 */
public final class Pit8254 implements BusDevice, Stateful<Pit8254.State> {
  /** Counts a second. */
  public static final long HZ = 1_193_182;

  private static final int CONTROL_WORD = 3;
  private static final int READ_BACK = 3;

  private static final long NANOS_PER_SECOND = 1_000_000_000;

  /** Counter 0 interrupts the host no more often than this, however short the count. */
  private static final long MIN_EDGE_NANOS = 50_000;

  /** Memory refresh requests of a PC, which toggle bit 4 of port 0x61. */
  private static final long REFRESH_NANOS = 15_085;

  // Port 0x61
  private static final int GATE_2 = 1;
  private static final int CONTROL_B_WRITABLE = 0x0F;
  private static final int REFRESH = 1 << 4;
  private static final int OUT_2 = 1 << 5;

  private final InterruptLine irq;
  private final Clock clock;
  private final Clock.Timer timer;
  private final PitCounter[] counters = {new PitCounter(), new PitCounter(), new PitCounter()};
  private int controlB;

  /** Counter 0's rising edge that was last told to the interrupt controller. */
  private long lastEdge;

  /** {@code controlB}: bits 3:0 of port 0x61; {@code lastEdge} in counts since power-on. */
  public record State(
      PitCounter.State counter0,
      PitCounter.State counter1,
      PitCounter.State counter2,
      int controlB,
      long lastEdge) {}

  /**
   * @param irq counter 0's output
   */
  public Pit8254(InterruptLine irq, Clock clock) {
    this.irq = irq;
    this.clock = clock;
    this.timer = clock.timer(this::onTimer);
    reset();
  }

  /** Ports 0x40-0x43. */
  @Override
  public synchronized long read(long offset, int size) {
    // The control word register cannot be read.
    return offset >= 0 && offset < CONTROL_WORD ? counters[(int) offset].read(now()) : -1;
  }

  @Override
  public synchronized void write(long offset, int size, long value) {
    long now = now();
    int b = (int) value & 0xFF;
    if (offset >= 0 && offset < CONTROL_WORD) {
      counters[(int) offset].write(b, now);
    } else if (offset == CONTROL_WORD && b >> 6 == READ_BACK) {
      for (int i = 0; i < counters.length; i++) {
        if ((b >> i + 1 & 1) != 0) {
          counters[i].readBack((b & 1 << 5) == 0, (b & 1 << 4) == 0, now);
        }
      }
    } else if (offset == CONTROL_WORD) {
      counters[b >> 6].control(b & 0x3F, now);
    }
    updateInterrupt(now);
  }

  /**
   * Port 0x61: gate 2, speaker and parity check enables below, refresh toggle and counter 2's
   * output above.
   */
  public BusDevice systemControlB() {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return offset == 0 ? readControlB() : -1;
      }

      @Override
      public void write(long offset, int size, long value) {
        if (offset == 0) {
          writeControlB((int) value & CONTROL_B_WRITABLE);
        }
      }
    };
  }

  private synchronized int readControlB() {
    long nanos = clock.nanos();
    return controlB
        | ((nanos / REFRESH_NANOS & 1) != 0 ? REFRESH : 0)
        | (counters[2].out(counts(nanos)) ? OUT_2 : 0);
  }

  private synchronized void writeControlB(int value) {
    controlB = value;
    counters[2].gate((value & GATE_2) != 0, now());
  }

  private void updateInterrupt(long now) {
    PitCounter counter = counters[0];
    long edge = counter.lastRisingEdge(now);
    boolean out = counter.out(now);
    if (edge > lastEdge) {
      lastEdge = edge;
      // The low pulse before the edge may have come and gone unseen.
      irq.set(false);
      irq.set(true);
    }
    irq.set(out);
    long next = counter.nextEdge(now);
    if (next < 0) {
      timer.cancel();
    } else {
      timer.arm(Math.max(nanos(next), clock.nanos() + (edge >= 0 ? MIN_EDGE_NANOS : 0)));
    }
  }

  private synchronized void onTimer() {
    updateInterrupt(now());
  }

  private long now() {
    return counts(clock.nanos());
  }

  /** Clock pulses since power-on. */
  private static long counts(long nanos) {
    return nanos / NANOS_PER_SECOND * HZ + nanos % NANOS_PER_SECOND * HZ / NANOS_PER_SECOND;
  }

  /** The first nanosecond of a clock pulse. */
  private static long nanos(long counts) {
    return counts / HZ * NANOS_PER_SECOND + (counts % HZ * NANOS_PER_SECOND + HZ - 1) / HZ;
  }

  @Override
  public synchronized State state() {
    return new State(
        counters[0].state(), counters[1].state(), counters[2].state(), controlB, lastEdge);
  }

  @Override
  public synchronized void restore(State state) {
    boolean valid =
        PitCounter.valid(state.counter0)
            && PitCounter.valid(state.counter1)
            && PitCounter.valid(state.counter2);
    if (!valid || (state.controlB & ~CONTROL_B_WRITABLE) != 0) {
      throw new IllegalArgumentException("not the state of an 8254: " + state);
    }
    counters[0].restore(state.counter0);
    counters[1].restore(state.counter1);
    counters[2].restore(state.counter2);
    controlB = state.controlB;
    lastEdge = state.lastEdge;
    updateInterrupt(now());
  }

  /**
   * The data sheet leaves the counters undefined: here they stand still, outputs high, counter 2's
   * gate shut.
   */
  @Override
  public synchronized void reset() {
    counters[0].reset(true);
    counters[1].reset(true);
    counters[2].reset(false);
    controlB = 0;
    lastEdge = now();
    updateInterrupt(lastEdge);
  }
}
