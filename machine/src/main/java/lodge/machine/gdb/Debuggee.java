package lodge.machine.gdb;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import lodge.core.DebugStops;
import lodge.core.DebugStops.Watchpoint;
import lodge.cpu.x86.Cpu;

/** What a debugger does to a machine. All but {@link #onStop} belongs to the session's thread. */
public interface Debuggee {
  /** What a vCPU does when the machine goes on. */
  enum Action {
    STAY,
    STEP,
    CONTINUE
  }

  /**
   * A vCPU has stopped, and with it the machine.
   *
   * @param watchpoint empty after a step and at a breakpoint
   */
  record Stop(int vcpu, Optional<Watchpoint> watchpoint) {}

  /** The machine has come to its end. */
  @SuppressWarnings("serial")
  final class Ended extends Exception {
    public Ended() {
      super("the machine has ended");
    }
  }

  int vcpus();

  /** Stops vCPUs and time; returns when nobody executes any more. */
  void stop() throws Ended, InterruptedException;

  /** Has the thread of a vCPU that is stopped look at its state, or change it. */
  <T> T at(int vcpu, Function<Cpu, T> look) throws Ended, InterruptedException;

  /**
   * Where all vCPUs stop from now on.
   *
   * @return false when the engine cannot stop there; then nothing has changed
   */
  boolean stopAt(DebugStops stops) throws Ended, InterruptedException;

  /**
   * Lets the machine go on.
   *
   * @param actions by vCPU
   * @return false when the engine cannot do that; then the machine stands
   */
  boolean resume(List<Action> actions) throws Ended, InterruptedException;

  /** The next of the stops that have come since; empty when there is none. */
  Optional<Stop> takeStop();

  /** Who is told that a stop can be taken, or that the machine has ended; by any thread. */
  void onStop(Runnable told);

  boolean ended();

  /** Ends the machine. */
  void kill();
}
