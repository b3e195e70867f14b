package lodge.cpu.x86;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Nanoseconds for a load of 8 bytes from a page of 4 KiB. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MmuBenchmark {
  /** Loads in one invocation. */
  public static final int LOADS = 1024;

  /** One page after the other, and each time another of the host's cache lines. */
  private static final int PAGES = 64;

  private static final long STRIDE = 4096 + 64;

  /** Two views of the same pages, so far from each other that both need the same TLB entries. */
  private static final long HERE = 0x80_0000;

  private static final long THERE = HERE + (4 << 20);

  private static final long PAGE_TABLE = 0x5_0000;
  private static final long DATA = 0x40_0000;

  private final TestMachine machine = new TestMachine();
  private Mmu mmu;

  @Setup
  public void map() {
    for (int i = 0; i < PAGES; i++) {
      machine.memory.putLong(PAGE_TABLE + 8 * i, DATA + 4096 * i | 7);
      machine.memory.putLong(DATA + STRIDE * i, 1);
    }
    long directory = TestMachine.PML4 + 0x2000;
    machine.memory.putLong(directory + 8 * (HERE >> 21), PAGE_TABLE | 7);
    machine.memory.putLong(directory + 8 * (THERE >> 21), PAGE_TABLE | 7);
    mmu = machine.longMode(0).c.mmu;
  }

  @TearDown
  public void close() {
    machine.close();
  }

  /** Gives the sum of what was loaded: 1 each time. */
  @Benchmark
  @OperationsPerInvocation(LOADS)
  public long tlbHit() {
    long sum = 0;
    for (int i = 0; i < LOADS; i++) {
      sum += mmu.read64(HERE + i % PAGES * STRIDE);
    }
    return sum;
  }

  /** As {@link #tlbHit}, but each load takes the entry away that the other view will need. */
  @Benchmark
  @OperationsPerInvocation(LOADS)
  public long tlbMiss() {
    long sum = 0;
    for (int i = 0; i < LOADS; i++) {
      long view = i / PAGES % 2 == 0 ? HERE : THERE;
      sum += mmu.read64(view + i % PAGES * STRIDE);
    }
    return sum;
  }

  /** How often a load missed. */
  public long misses() {
    return mmu.tlbMisses;
  }
}
