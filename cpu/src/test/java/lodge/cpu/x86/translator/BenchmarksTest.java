package lodge.cpu.x86.translator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.function.Consumer;
import lodge.cpu.x86.MmuBenchmark;
import lodge.cpu.x86.decode.DecodeBenchmark;
import lodge.cpu.x86.interpreter.Op;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The benchmarks measure what they say. */
class BenchmarksTest {
  @Test
  void allOfTheCodeIsDecoded() throws IOException {
    DecodeBenchmark benchmark = new DecodeBenchmark();
    benchmark.load();

    assertThat(benchmark.decode()).isEqualTo(DecodeBenchmark.INSTRUCTIONS);
  }

  @ParameterizedTest
  @EnumSource
  void eachTranslationIsANewRegion(Loop loop) {
    TranslateBenchmark benchmark = new TranslateBenchmark();
    benchmark.loop = loop;
    benchmark.start();
    Op first = benchmark.translate();
    Op second = benchmark.translate();
    benchmark.close();

    assertThat(first).isInstanceOf(RegionOp.class);
    assertThat(second).isInstanceOf(RegionOp.class);
    assertThat(second.getClass()).isNotEqualTo(first.getClass());
  }

  @Test
  void aLoopIsOneRegion() {
    Map<String, Long> counters = translated(DispatchBenchmark::instruction);

    assertThat(counters.get("guest_instructions_translated"))
        .isGreaterThanOrEqualTo(DispatchBenchmark.COUNT);
    assertThat(counters).containsEntry("region_exits_indirect", 0L);
    assertThat(counters.get("region_exits_direct")).isLessThan(10);
  }

  @Test
  void theInterpreterExecutesTheSameLoop() {
    DispatchBenchmark benchmark = new DispatchBenchmark();
    benchmark.code = DispatchBenchmark.Code.INTERPRETED;
    benchmark.start();
    benchmark.instruction();

    // And the HLT.
    assertThat(benchmark.counters())
        .containsEntry("guest_instructions", DispatchBenchmark.COUNT + 1L)
        .doesNotContainKey("guest_instructions_translated");
    benchmark.close();
  }

  @Test
  void regionsAreLeftEachTime() {
    assertThat(translated(DispatchBenchmark::directExit).get("region_exits_direct"))
        .isBetween(DispatchBenchmark.COUNT - 10L, DispatchBenchmark.COUNT + 10L);
    assertThat(translated(DispatchBenchmark::indirectExit).get("region_exits_indirect"))
        .isBetween(DispatchBenchmark.COUNT - 10L, DispatchBenchmark.COUNT + 10L);
    assertThat(translated(DispatchBenchmark::declinedInstruction).get("region_exits_declined"))
        .isBetween(DispatchBenchmark.COUNT - 10L, DispatchBenchmark.COUNT + 10L);
  }

  private static Map<String, Long> translated(Consumer<DispatchBenchmark> run) {
    DispatchBenchmark benchmark = new DispatchBenchmark();
    benchmark.code = DispatchBenchmark.Code.TRANSLATED;
    benchmark.start();
    run.accept(benchmark);
    Map<String, Long> counters = benchmark.counters();
    benchmark.close();
    return counters;
  }

  @Test
  void aHitFindsThePageAndAMissDoesNot() {
    MmuBenchmark benchmark = new MmuBenchmark();
    benchmark.map();
    benchmark.tlbHit();
    long before = benchmark.misses();
    long hits = benchmark.tlbHit();
    long between = benchmark.misses();
    // The first view is still known.
    benchmark.tlbMiss();
    long after = benchmark.misses();
    long loaded = benchmark.tlbMiss();
    long end = benchmark.misses();
    benchmark.close();

    assertThat(hits).isEqualTo(MmuBenchmark.LOADS);
    assertThat(between).isEqualTo(before);
    assertThat(loaded).isEqualTo(MmuBenchmark.LOADS);
    assertThat(end).isEqualTo(after + MmuBenchmark.LOADS);
  }
}
