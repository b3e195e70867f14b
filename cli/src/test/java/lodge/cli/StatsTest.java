package lodge.cli;

import static org.assertj.core.api.Assertions.assertThat;

import lodge.core.Counters;
import org.junit.jupiter.api.Test;

class StatsTest {
  @Test
  void aCounterIsALineOfNameAndValueAndSpeedIsWorkedOut() {
    Counters counters = new Counters();
    counters.add("guest_instructions", 3_000_000_000L);
    counters.add("wall_nanoseconds", 12_000_000_000L);
    counters.add("page_walks", 7);

    assertThat(Stats.lines(counters))
        .containsExactly(
            "guest_instructions 3000000000", "wall_seconds 12.000", "mips 250.000", "page_walks 7");
  }

  @Test
  void aMachineThatNeverRanHasNoSpeed() {
    Counters counters = new Counters();
    counters.add("guest_instructions", 0);
    counters.add("wall_nanoseconds", 0);

    assertThat(Stats.lines(counters)).contains("mips 0.000");
  }
}
