package lodge.cpu.x86.interpreter;

import lodge.core.Counters;
import lodge.core.Exit;
import lodge.core.GuestMemory;
import lodge.cpu.x86.Cpu;

/**
 * Two processors that execute the same: one with the translator on a board, and behind it, on a
 * thread of its own, one with the interpreter, which is given what the first one was given and is
 * compared with it again and again.
 */
public final class Lockstep {
  /**
   * How far and how closely.
   *
   * @param instructions after which it ends
   * @param batch most instructions, or translated regions, from one comparison of the processors to
   *     the next one
   * @param memoryInterval instructions from one comparison of the memories to the next one
   */
  public record Limits(long instructions, int batch, long memoryInterval) {}

  private final Trace trace = new Trace();
  private final Recorder recorder;
  private final Replayer replayer;
  private final Thread thread;

  /**
   * @param wired the processor on the board, which is not executed itself
   * @param recorded memory of the translator's processor
   * @param replayed memory of the interpreter's
   */
  public Lockstep(
      Cpu wired, GuestMemory recorded, GuestMemory replayed, boolean eager, Limits limits) {
    recorder = new Recorder(wired, recorded, eager, limits, trace);
    replayer = new Replayer(wired, replayed, recorded);
    recorder.cpu.msrs.startTsc(-wired.msrs.tscOffset());
    replayer.cpu.msrs.startTsc(-wired.msrs.tscOffset());
    thread = Thread.ofPlatform().name("replayer").daemon().unstarted(this::replay);
  }

  /** The translator's; to be set up before the first {@link #run}. */
  public Cpu recorder() {
    return recorder.cpu;
  }

  /** The interpreter's; likewise. */
  public Cpu replayer() {
    return replayer.cpu;
  }

  /** Lets the interpreter follow, from here on. */
  public void start() {
    thread.start();
  }

  /** Executes the translator's processor, as {@link lodge.core.Vcpu#run} does. */
  public Exit run() {
    return recorder.vcpu.run();
  }

  public void kick() {
    recorder.vcpu.kick();
  }

  /** Neither is the limit reached nor was anything found. */
  public boolean goesOn() {
    return recorder.goesOn();
  }

  /**
   * Waits for the interpreter.
   *
   * @throws AssertionError when the two are not the same
   */
  public void finish() throws InterruptedException {
    recorder.end();
    thread.join();
    if (trace.failure() != null) {
      throw trace.failure();
    }
  }

  /** What the translator's processor counted. */
  public Counters counters() {
    Counters counters = new Counters();
    recorder.vcpu.count(counters);
    counters.add("points", replayer.points());
    return counters;
  }

  private void replay() {
    trace.replay(replayer::replay);
  }
}
