package lodge.cpu.x86.translator;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.TestMachine;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Nanoseconds from one instruction to the next, and from one region to the next by each of the
 * usual ways out, with the few instructions between two of them. What the same instructions take in
 * the interpreter stands beside it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DispatchBenchmark {
  /** Which engine runs the code. */
  public enum Code {
    INTERPRETED,
    TRANSLATED
  }

  /** Instructions or ways out in one run. */
  public static final int COUNT = 1 << 16;

  private static final long LOOP = TestMachine.CODE;
  private static final long DIRECT = 0xA000;
  private static final long INDIRECT = 0xC000;
  private static final long DECLINED = 0xE000;

  /** From one region to its partner in the next page. */
  private static final long PAGE = 0x1000;

  @Param public Code code;

  private BenchGuest guest;

  @Setup
  public void start() {
    guest = new BenchGuest(code == Code.TRANSLATED);
    guest.code(LOOP, Loop.INTEGER.code);
    // DEC ECX; JNZ to the partner; HLT
    guest.code(DIRECT, "FFC9 0F85 F80F0000 F4").code(DIRECT + PAGE, "FFC9 0F85 F8EFFFFF F4");
    // DEC ECX; JZ to the HLT; PUSH the partner's address; RET; HLT
    guest.code(INDIRECT, "FFC9 7402 53 C3 F4").code(INDIRECT + PAGE, "FFC9 7402 55 C3 F4");
    guest.cpu().r[Cpu.RBX] = INDIRECT + PAGE;
    guest.cpu().r[Cpu.RBP] = INDIRECT;
    // DEC ECX; MOV EDX, [RSI] across two pages; JNZ to the DEC; HLT
    guest.code(DECLINED, "FFC9 8B16 75FA F4");
    guest.cpu().r[Cpu.RSI] = 0x6FFE;
  }

  @TearDown
  public void close() {
    guest.close();
  }

  /** One instruction of a loop without memory. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public long instruction() {
    return guest.run(LOOP, COUNT / Loop.INSTRUCTIONS);
  }

  /** A jump to a constant address in another page, and the instruction before it. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public long directExit() {
    return guest.run(DIRECT, COUNT);
  }

  /** A return to an address that the region has not called from, and the 3 instructions before. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public long indirectExit() {
    return guest.run(INDIRECT, COUNT);
  }

  /**
   * A load that the region leaves to the interpreter, with the instruction before it and, in the
   * interpreter, the jump behind it.
   */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public long declinedInstruction() {
    return guest.run(DECLINED, COUNT);
  }

  Map<String, Long> counters() {
    return guest.counters();
  }
}
