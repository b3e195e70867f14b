package lodge.cpu.x86.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.locks.LockSupport;
import lodge.cpu.x86.Engine;
import lodge.cpu.x86.interpreter.InterpreterEngine;
import lodge.cpu.x86.translator.TranslatorEngine;
import org.junit.jupiter.api.Test;

/**
 * Guests of random bytes, of random instructions and of damaged ones, in every mode, with random
 * tables, devices and interrupts: none of them may make the host's code throw, hang or grow.
 *
 * <p>{@code -Dlodge.fuzz.seconds=N} is the time for all of it, {@code -Dlodge.fuzz.seed=N} the seed
 * of the first guest; each later one has the seed after that of the guest before.
 */
class HostileGuestTest {
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("lodge.fuzz.seconds", "12"));
  private static final long SEED = Long.getLong("lodge.fuzz.seed", 1);

  /** A kick is answered within a millisecond; a loaded host may stop us for much longer. */
  private static final long PATIENCE_NANOS = 30_000_000_000L;

  private static final long GROWTH_LIMIT = 128L << 20;

  @Test
  void theInterpreterSurvivesEveryGuest() throws InterruptedException {
    survives(new InterpreterEngine());
  }

  @Test
  void theTranslatorSurvivesEveryGuest() throws InterruptedException {
    survives(new TranslatorEngine(true));
  }

  private static void survives(Engine engine) throws InterruptedException {
    System.out.println("hostile guests on the " + engine.name() + " from seed " + SEED);
    try (HostileGuests guests = new HostileGuests(engine, SEED)) {
      Thread thread = Thread.ofPlatform().daemon().name("guest").start(guests);
      long end = System.nanoTime() + (long) (SECONDS * 5e8);
      long seen = -1;
      long since = 0;
      long settled = 0;
      while (thread.isAlive()) {
        long now = System.nanoTime();
        if (guests.returns != seen) {
          seen = guests.returns;
          since = now;
        } else if (now - since > PATIENCE_NANOS) {
          StringBuilder stack = new StringBuilder();
          for (StackTraceElement element : thread.getStackTrace()) {
            stack.append("\n  ").append(element);
          }
          throw new AssertionError("no answer to a kick; " + guests.describe() + stack);
        }
        if (now > end) {
          guests.stop = true;
        } else if (settled == 0 && guests.guests > 200) {
          settled = usedHeap();
        }
        guests.kick();
        LockSupport.parkNanos(300_000);
      }
      System.out.println(guests.summary());
      assertThat(guests.failure).isNull();
      assertThat(guests.guests).isPositive();
      if (settled != 0) {
        assertThat(usedHeap() - settled).as("growth of the heap").isLessThan(GROWTH_LIMIT);
      }
    }
  }

  private static long usedHeap() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
