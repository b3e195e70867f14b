package lodge.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class HostClockTest {
  @Test
  void timeStandsStillWhileItIsStoppedAndGoesOnFromThere() {
    try (HostClock clock = new HostClock()) {
      clock.stop();
      long stopped = clock.nanos();
      long host = System.nanoTime();
      while (System.nanoTime() == host) {
        Thread.onSpinWait();
      }
      assertThat(clock.nanos()).isEqualTo(stopped);
      long before = System.nanoTime();
      clock.resume();
      long now = clock.nanos();
      assertThat(now - stopped).isBetween(0L, System.nanoTime() - before);
    }
  }

  @Test
  void timersWaitForTimeToGoOn() {
    try (HostClock clock = new HostClock()) {
      CompletableFuture<Boolean> firedInTime = new CompletableFuture<>();
      boolean[] resumed = {false};
      clock.stop();
      clock
          .timer(
              () -> {
                synchronized (resumed) {
                  firedInTime.complete(resumed[0]);
                }
              })
          .arm(clock.nanos());
      CompletableFuture<Void> other = new CompletableFuture<>();
      clock.timer(() -> other.complete(null)).arm(clock.nanos() - 1);
      synchronized (resumed) {
        clock.resume();
        resumed[0] = true;
      }
      assertThat(firedInTime.join()).isTrue();
      other.join();
    }
  }
}
