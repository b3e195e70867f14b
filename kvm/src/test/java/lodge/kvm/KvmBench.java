package lodge.kvm;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import lodge.core.BusDevice;
import lodge.core.Exit;
import lodge.core.Vcpu;

/**
 * What exits cost, side by side with {@code bench/kvm-exits.c} and its guests. The argument is that
 * program, compiled. {@code ./bench/run --kvm} calls this.
 */
final class KvmBench {
  private static final String PORT = "ba0005 ee ebfd";
  private static final String MMIO = "b800a0 8ed8 a20000 ebfb";

  /** What wakes it up is an interrupt. */
  private static final String HLT = "fb f4 ebfd";

  private static final String HLT_WITHOUT_INTERRUPTS = "f4 ebfd";
  private static final int VECTOR = 0x21;
  private static final int HANDLER = 0x9000;
  private static final String IRET = "cf";

  private static final int ROUNDS = 3;
  private static final String COMPUTE = "66b980841e00 660fafc1 6601c8 6649 75f5 f4";
  private static final int TURNS = 2_000_000;
  private static final int EXITS = 50_000;
  private static final int RUNS = 5_000;
  private static final int MACHINES = 50;

  /** A device that has seen enough kicks the vCPU. */
  private static final class Counting implements BusDevice {
    private final Guest guest;
    private int left = EXITS;

    Counting(Guest guest) {
      this.guest = guest;
    }

    @Override
    public long read(long offset, int size) {
      return 0;
    }

    @Override
    public void write(long offset, int size, long value) {
      if (--left == 0) {
        guest.vcpu.kick();
      }
    }
  }

  private KvmBench() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    Map<String, Double> c = new LinkedHashMap<>();
    Map<String, Double> lodge = new LinkedHashMap<>();
    // By turns, the best of each: the host has other things to do, too.
    for (int i = 0; i < ROUNDS; i++) {
      leastPossible(arguments[0]).forEach((name, value) -> best(c, name, value));
      best(lodge, "port", port());
      best(lodge, "mmio", mmio());
      best(lodge, "hlt", hlt());
      best(lodge, "native", compute());
    }
    row("exits a second: port", c.get("port"), lodge.get("port"));
    row("exits a second: memory", c.get("mmio"), lodge.get("mmio"));
    row("exits a second: HLT", c.get("hlt"), lodge.get("hlt"));
    double bare = c.get("native");
    double guest = lodge.get("native");
    System.out.printf(
        "%-24s native %10.3f  lodge %12.3f  native/lodge %.2f%s%n",
        "nanoseconds a turn",
        bare,
        guest,
        bare / guest,
        guest > 3 * bare ? ": this host does not run guests directly" : "");
    System.out.printf("%-24s %d times a second%n", "out of KVM and in again", Math.round(runs()));
    machines();
  }

  /** Of nanoseconds the fewest, of rates the highest. */
  private static void best(Map<String, Double> values, String name, double value) {
    values.merge(name, value, name.equals("native") ? Math::min : Math::max);
  }

  private static Map<String, Double> leastPossible(String program)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Map<String, Double> rates = new LinkedHashMap<>();
    process
        .inputReader()
        .lines()
        .map(line -> line.split(" "))
        .forEach(words -> rates.put(words[0], Double.parseDouble(words[1])));
    if (process.waitFor() != 0) {
      throw new IOException(program + " failed");
    }
    return rates;
  }

  private static void row(String name, double c, double lodge) {
    System.out.printf("%-24s C %15.0f  lodge %12.0f  lodge/C %.2f%n", name, c, lodge, lodge / c);
  }

  private static double perSecond(long start) {
    return EXITS * 1e9 / (System.nanoTime() - start);
  }

  private static double port() {
    try (Guest guest = new Guest()) {
      guest.ports.map(0x500, 1, 1, new Counting(guest));
      guest.code(PORT).on(new KvmEngine());
      long start = System.nanoTime();
      guest.vcpu.run();
      return perSecond(start);
    }
  }

  private static double mmio() {
    try (Guest guest = new Guest()) {
      guest.mmio.map(0xA_0000, 0x1000, 8, new Counting(guest));
      guest.code(MMIO).on(new KvmEngine());
      long start = System.nanoTime();
      guest.vcpu.run();
      return perSecond(start);
    }
  }

  private static double hlt() {
    try (Guest guest = new Guest()) {
      guest.memory.putInt(4 * VECTOR, HANDLER);
      guest.code(HANDLER, IRET).code(HLT).on(new KvmEngine());
      int[] left = {EXITS};
      guest.apic.wake(
          guest.cpu,
          () -> {
            if (--left[0] == 0) {
              guest.vcpu.kick();
            }
            return VECTOR;
          });
      long start = System.nanoTime();
      if (guest.vcpu.run() != Exit.KICKED) {
        throw new IllegalStateException(guest.vcpu.failure());
      }
      return perSecond(start);
    }
  }

  /** How often a guest comes out of {@link Vcpu#run}, with all state, and goes in again. */
  private static double runs() {
    try (Guest guest = new Guest()) {
      guest.code(HLT_WITHOUT_INTERRUPTS).on(new KvmEngine());
      long start = 0;
      for (int i = -RUNS; i < RUNS; i++) {
        if (i == 0) {
          start = System.nanoTime();
        }
        guest.cpu.halted = false;
        if (guest.vcpu.run() != Exit.HALTED) {
          throw new IllegalStateException(guest.vcpu.failure());
        }
      }
      return RUNS * 1e9 / (System.nanoTime() - start);
    }
  }

  private static double compute() {
    try (Guest guest = new Guest()) {
      guest.code(COMPUTE).on(new KvmEngine());
      long start = System.nanoTime();
      guest.run();
      return (double) (System.nanoTime() - start) / TURNS;
    }
  }

  private static void machines() {
    double[] made = new double[MACHINES];
    double[] closed = new double[MACHINES];
    for (int i = 0; i < MACHINES; i++) {
      try (Guest guest = new Guest()) {
        long start = System.nanoTime();
        guest.on(new KvmEngine());
        long there = System.nanoTime();
        guest.vcpu.close();
        made[i] = (there - start) / 1e6;
        closed[i] = (System.nanoTime() - there) / 1e6;
      }
    }
    Arrays.sort(made);
    Arrays.sort(closed);
    System.out.printf(
        "%-24s median %10.2f ms, longest %.2f ms; closed in %.2f ms%n",
        "machine with one vCPU", made[MACHINES / 2], made[MACHINES - 1], closed[MACHINES / 2]);
  }
}
