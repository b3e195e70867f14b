package lodge.cpu.x86;

import java.util.Arrays;
import java.util.Optional;
import lodge.core.DebugStops;
import lodge.core.DebugStops.Access;
import lodge.core.DebugStops.Watchpoint;

/**
 * What a debugger outside of the guest wants of one processor: a second set of debug registers,
 * without their limits, that the guest cannot see. It belongs to the vCPU's thread.
 */
public final class HostDebug {
  /** In {@link Cpu#dataBreakpoints}, beside the guest's own: there are watchpoints. */
  static final int WATCHES = 1 << 4;

  private final Cpu cpu;
  private DebugStops stops = DebugStops.NONE;

  /** Sorted. */
  private long[] breakpoints = {};

  private Watchpoint hit;

  /** The processor is where it was to stop. */
  public boolean stopped;

  HostDebug(Cpu cpu) {
    this.cpu = cpu;
  }

  public void stopAt(DebugStops wanted) {
    boolean watchedOthers = !wanted.watchpoints().equals(stops.watchpoints());
    stops = wanted;
    breakpoints = wanted.breakpoints().stream().mapToLong(Long::longValue).sorted().toArray();
    if (watchedOthers) {
      DebugRegisters.armed(cpu);
    }
  }

  /** Where it is to stop. */
  public DebugStops stops() {
    return stops;
  }

  /** A run begins: what the last one ended with is history. */
  public void begin() {
    stopped = false;
    hit = null;
  }

  /** Every instruction is to be executed apart. */
  public boolean steps() {
    return stops.step();
  }

  /** There is a breakpoint at {@link Cpu#rip}: the processor stops. */
  public boolean breaks() {
    if (breakpoints.length == 0 || Arrays.binarySearch(breakpoints, cpu.linearRip()) < 0) {
      return false;
    }
    stopped = true;
    return true;
  }

  int watches() {
    return stops.watchpoints().isEmpty() ? 0 : WATCHES;
  }

  /** Whether any of the bytes is watched, for whatever access. */
  boolean overlaps(long gva, int size) {
    for (Watchpoint each : stops.watchpoints()) {
      if (each.overlaps(gva, size)) {
        return true;
      }
    }
    return false;
  }

  /** The watchpoint that an access hits, or null. */
  Watchpoint hit(long gva, int size, boolean write) {
    Access other = write ? Access.READ : Access.WRITE;
    for (Watchpoint each : stops.watchpoints()) {
      if (each.access() != other && each.overlaps(gva, size)) {
        return each;
      }
    }
    return null;
  }

  /** An access has hit a watchpoint. */
  public void note(Watchpoint watchpoint) {
    if (hit == null) {
      hit = watchpoint;
    }
    stopped = true;
  }

  /** The instruction faulted: it has accessed nothing. */
  public void forget() {
    hit = null;
    stopped = false;
  }

  /** What the processor was stopped by, if it was a watchpoint. */
  public Optional<Watchpoint> watchpointHit() {
    return Optional.ofNullable(hit);
  }
}
