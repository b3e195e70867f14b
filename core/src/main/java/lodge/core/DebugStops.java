package lodge.core;

import java.util.List;
import java.util.Set;

/**
 * Where a debugger outside of the guest wants a vCPU to stop. Addresses are linear ones of whatever
 * address space the vCPU is in.
 *
 * @param step after one instruction, or one repetition of a string instruction. Interrupts wait
 *     meanwhile, unless the vCPU halts for one; an exception ends the step at its handler
 * @param breakpoints before the instructions that begin there
 * @param watchpoints behind the instructions that access these
 */
public record DebugStops(boolean step, Set<Long> breakpoints, List<Watchpoint> watchpoints) {
  public static final DebugStops NONE = new DebugStops(false, Set.of(), List.of());

  /** What a watchpoint is about. */
  public enum Access {
    WRITE,
    READ,
    ANY
  }

  /**
   * Bytes that are watched.
   *
   * @param length 1 and more
   */
  public record Watchpoint(long address, int length, Access access) {
    /** Whether it has bytes in common with others. */
    public boolean overlaps(long start, int size) {
      return start - address >= 0 && start - address < length
          || address - start >= 0 && address - start < size;
    }
  }

  public DebugStops {
    breakpoints = Set.copyOf(breakpoints);
    watchpoints = List.copyOf(watchpoints);
  }
}
