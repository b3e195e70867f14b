package lodge.core;

import java.util.Optional;

/**
 * One virtual processor under some engine. Port and memory I/O is served inside {@link #run}
 * through the buses. Between two runs the architectural state is complete and true.
 *
 * <p>All methods belong to the vCPU's own thread, except {@link #kick}.
 */
public interface Vcpu extends AutoCloseable {
  /** Executes guest instructions until one of the few reasons to stop comes up. */
  Exit run();

  /**
   * Makes {@link #run} look around within a millisecond: an interrupt may be pending or the machine
   * may want the thread. From any thread, any number of times; a kick before {@code run} is not
   * lost.
   */
  void kick();

  /**
   * Back to the state after power-on or RESET#. Whatever the engine knew about the contents of
   * guest memory is forgotten: the memory may be filled anew before the next run.
   */
  void reset();

  /**
   * What {@link Exit#FAILED} or {@link Exit#SHUTDOWN} was about: registers, code bytes, last
   * events; readable text.
   */
  String failure();

  /**
   * What the last {@link Exit#FAILED} was about if another engine may go on: this one does not
   * execute the instruction that the guest has come to, and the state is the one before it. One
   * line; empty when nobody can go on.
   */
  default Optional<String> limit() {
    return Optional.empty();
  }

  /**
   * Where {@link #run} is to end with {@link Exit#BREAKPOINT} from now on, also after a reset. The
   * guest sees nothing of it.
   *
   * @return false when the engine cannot stop there: then it stops where it did before
   */
  default boolean stopAt(DebugStops stops) {
    return stops.equals(DebugStops.NONE);
  }

  /** What the last {@link Exit#BREAKPOINT} was about; empty for a breakpoint and a step. */
  default Optional<DebugStops.Watchpoint> watchpointHit() {
    return Optional.empty();
  }

  /** Adds this vCPU's counters, by name. */
  void count(Counters counters);

  @Override
  void close();
}
