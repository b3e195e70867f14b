package lodge.machine;

import lodge.core.Exit;
import lodge.cpu.x86.Cpu;

/** The last exits of a vCPU, for the dump of a crash. */
final class ExitLog {
  private static final int SIZE = 16;

  private final Exit[] kinds = new Exit[SIZE];
  private final long[] rips = new long[SIZE];
  private final long[] times = new long[SIZE];
  private long count;

  void add(Exit exit, Cpu cpu) {
    int at = (int) (count++ % SIZE);
    kinds[at] = exit;
    rips[at] = cpu.rip;
    times[at] = cpu.clock.nanos();
  }

  /** One line an exit, oldest first: seconds since power-on, kind, RIP. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("last exits:\n");
    for (long i = Math.max(0, count - SIZE); i < count; i++) {
      int at = (int) (i % SIZE);
      text.append("  %12.6f %-10s rip=%016x%n".formatted(times[at] / 1e9, kinds[at], rips[at]));
    }
    return text.toString();
  }
}
