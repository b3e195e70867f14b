package lodge.cpu.x86.decode;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Instructions decoded in a second. The code is what GCC 12 makes of {@code bench/guest-bench.c},
 * its two text sections without padding, with {@code -O2} and then with {@code -O3
 * -march=x86-64-v3}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class DecodeBenchmark {
  /** Instructions in the code. */
  public static final int INSTRUCTIONS = 1465;

  private final Decoder decoder = new Decoder();
  private byte[] code;

  @Setup
  public void load() throws IOException {
    try (InputStream in = DecodeBenchmark.class.getResourceAsStream("guest-bench.code")) {
      code = in.readAllBytes();
    }
  }

  /** Gives the number of instructions. */
  @Benchmark
  @OperationsPerInvocation(INSTRUCTIONS)
  public int decode() {
    int count = 0;
    for (int at = 0; at < code.length; count++) {
      at += decoder.decode(code, at, code.length - at, 8).length;
    }
    return count;
  }
}
