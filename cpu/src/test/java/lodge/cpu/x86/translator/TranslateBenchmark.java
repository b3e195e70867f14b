package lodge.cpu.x86.translator;

import java.util.concurrent.TimeUnit;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.TestMachine;
import lodge.cpu.x86.interpreter.Op;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Microseconds to make a region of a loop: from the scan to the hidden class in its place. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class TranslateBenchmark {
  @Param public Loop loop;

  private final BenchGuest guest = new BenchGuest(true);
  private BenchGuest.Place place;

  /** Runs the loop, so that its branch was taken. */
  @Setup
  public void start() {
    guest.cpu().r[Cpu.RSI] = 0xA000;
    guest.cpu().r[Cpu.RDI] = 0xB000;
    guest.code(TestMachine.CODE, loop.code).run(TestMachine.CODE, 100);
    place = guest.firstPlace();
  }

  @TearDown
  public void close() {
    guest.close();
  }

  /** Gives the region. */
  @Benchmark
  public Op translate() {
    guest.translate(place);
    return place.op();
  }
}
