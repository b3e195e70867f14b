package lodge.machine;

import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import lodge.core.DebugStops;
import lodge.core.HostClock;
import lodge.core.Vcpu;
import lodge.cpu.x86.Cpu;
import lodge.machine.gdb.Debuggee;

/**
 * A machine as its debugger sees it. A vCPU that stops freezes them all, from its own thread; the
 * debugger's thread then waits until all are outside of their engines.
 */
final class Debugging implements Debuggee {
  /** How often somebody who waits for a vCPU looks whether its thread is still there. */
  private static final long LOOK_MILLISECONDS = 100;

  private final Run run;
  private final List<VcpuThread> vcpus;
  private final HostClock clock;
  private final Queue<Stop> stopped = new ConcurrentLinkedQueue<>();
  private volatile Runnable told = () -> {};
  private DebugStops stops = DebugStops.NONE;

  Debugging(Run run, List<VcpuThread> vcpus, HostClock clock) {
    this.run = run;
    this.vcpus = vcpus;
    this.clock = clock;
  }

  /** Before the threads are started: nobody executes until the debugger says so. */
  void freeze() {
    vcpus.forEach(VcpuThread::freeze);
    clock.stop();
  }

  /** A vCPU has come to a place where it is to stop; by its own thread. */
  void stopped(int vcpu, Optional<DebugStops.Watchpoint> watchpoint) {
    stopped.add(new Stop(vcpu, watchpoint));
    vcpus.forEach(VcpuThread::freeze);
    told.run();
  }

  /** The machine has come to its end; by any thread. */
  void tellEnd() {
    told.run();
  }

  @Override
  public int vcpus() {
    return vcpus.size();
  }

  @Override
  public void stop() throws Ended, InterruptedException {
    if (ended()) {
      throw new Ended();
    }
    vcpus.forEach(VcpuThread::freeze);
    for (VcpuThread vcpu : vcpus) {
      answer(vcpu, _ -> true);
    }
    clock.stop();
  }

  @Override
  public <T> T at(int vcpu, Function<Cpu, T> look) throws Ended, InterruptedException {
    VcpuThread thread = vcpus.get(vcpu);
    return answer(thread, _ -> look.apply(thread.cpu()));
  }

  private static <T> T answer(VcpuThread thread, Function<Vcpu, T> question)
      throws Ended, InterruptedException {
    FutureTask<T> task = thread.order(question);
    while (true) {
      try {
        return task.get(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (thread.hasEnded()) {
          throw new Ended();
        }
      } catch (CancellationException e) {
        throw new Ended();
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause());
      }
    }
  }

  @Override
  public boolean stopAt(DebugStops wanted) throws Ended, InterruptedException {
    if (everywhere(vcpu -> vcpu.stopAt(wanted))) {
      stops = wanted;
      return true;
    }
    DebugStops before = stops;
    everywhere(vcpu -> vcpu.stopAt(before));
    return false;
  }

  private boolean everywhere(Predicate<Vcpu> order) throws Ended, InterruptedException {
    boolean all = true;
    for (VcpuThread vcpu : vcpus) {
      all &= answer(vcpu, order::test);
    }
    return all;
  }

  @Override
  public boolean resume(List<Action> actions) throws Ended, InterruptedException {
    // A stop at a breakpoint comes again by itself, if the breakpoint is still there.
    stopped.removeIf(stop -> stop.watchpoint().isEmpty());
    if (!stopped.isEmpty()) {
      told.run();
      return true;
    }
    for (int i = 0; i < vcpus.size(); i++) {
      boolean step = actions.get(i) == Action.STEP;
      DebugStops own = new DebugStops(step, stops.breakpoints(), stops.watchpoints());
      if (!answer(vcpus.get(i), vcpu -> vcpu.stopAt(own))) {
        return false;
      }
    }
    clock.resume();
    for (int i = 0; i < vcpus.size(); i++) {
      if (actions.get(i) != Action.STAY) {
        vcpus.get(i).thaw();
      }
    }
    return true;
  }

  @Override
  public Optional<Stop> takeStop() {
    return Optional.ofNullable(stopped.poll());
  }

  @Override
  public void onStop(Runnable whom) {
    told = whom;
  }

  @Override
  public boolean ended() {
    return !run.goesOn();
  }

  @Override
  public void kill() {
    run.request(new Outcome.Stopped());
  }
}
