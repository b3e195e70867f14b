package lodge.cpu.x86.translator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CompileBudgetTest {
  private static final long SECOND = 1_000_000_000;

  private long now;
  private boolean busy;
  private final CompileBudget budget = new CompileBudget(() -> busy, () -> now);

  @Test
  void startsEmptyAndFillsUpWhileC2IsIdle() {
    int atFirst = budget.needed();
    now += SECOND;

    assertThat(atFirst).isGreaterThan(1);
    assertThat(budget.needed()).isEqualTo(1);
  }

  @Test
  void asksForHotterCodeTheMoreIsTranslated() {
    now += SECOND;
    int last = budget.needed();
    for (int i = 0; i < 1000; i++) {
      budget.spend(1);
      assertThat(budget.needed()).isGreaterThanOrEqualTo(last);
      last = budget.needed();
    }

    assertThat(last).isEqualTo(1024);
  }

  @Test
  void fillsUpSlowlyWhileC2IsBusy() {
    now += SECOND;
    budget.needed();
    for (int i = 0; i < 100; i++) {
      budget.spend(1);
    }
    busy = true;
    now += SECOND;
    int whileBusy = budget.needed();
    busy = false;
    now += SECOND;

    assertThat(whileBusy).isGreaterThan(1);
    assertThat(budget.needed()).isEqualTo(1);
  }
}
