package lodge.cpu.x86;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import lodge.core.Vcpu;

/** Kicks a vCPU whose guest does not come to its end, as some do on a host's emulator. */
final class Patience implements AutoCloseable {
  private static final int SECONDS = 2;
  private static final int KICKS = 3;

  private static final ScheduledExecutorService KICKER =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().daemon().name("patience").unstarted(task));

  private final ScheduledFuture<?> kicks;

  /** By how many kicks it was too late; one may come because the host stood still. */
  private volatile int kicked;

  Patience(Vcpu vcpu) {
    kicks = KICKER.scheduleWithFixedDelay(() -> kick(vcpu), SECONDS, SECONDS, TimeUnit.SECONDS);
  }

  private synchronized void kick(Vcpu vcpu) {
    kicked++;
    vcpu.kick();
  }

  /** It has been too long. */
  boolean isOver() {
    return kicked >= KICKS;
  }

  @Override
  public void close() {
    kicks.cancel(false);
  }
}
