package lodge.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lodge.core.DebugStops;
import lodge.core.DebugStops.Access;
import lodge.core.DebugStops.Watchpoint;

/**
 * What a debugger outside of the guest wants, by means of the processor's debug registers (SDM
 * volume 3, 18.2) and of KVM_SET_GUEST_DEBUG ("The Definitive KVM API Documentation", 4.87). The
 * guest's own debug registers do nothing meanwhile.
 *
 * <p>A step is the processor's own: one into an exception or an interrupt ends where its handler
 * returns to, and KVMs differ in whether the processor halts after one over HLT.
 */
final class GuestDebug {
  private static final int ENABLE = 1;
  private static final int SINGLESTEP = 1 << 1;
  private static final int USE_HW_BP = 1 << 17;

  private static final long CONTROL = Structs.GUEST_DEBUG.offset("control");
  private static final long REGISTERS = Structs.GUEST_DEBUG.offset("arch.debugreg");
  private static final int DR7 = 7;

  /** DR0 to DR3. */
  private static final int PLACES = 4;

  private static final int LONGEST = 8;

  /**
   * What one of DR0 to DR3 is for.
   *
   * @param kind R/W and LEN of DR7
   * @param watchpoint which this is a part of; empty for a breakpoint
   */
  private record Place(long address, int kind, Optional<Watchpoint> watchpoint) {}

  private final Fd vcpu;
  private final MemorySegment request = Arena.ofAuto().allocate(Structs.GUEST_DEBUG.size(), 8);
  private DebugStops stops = DebugStops.NONE;
  private List<Place> places = List.of();
  private boolean active;
  private boolean stopped;
  private Optional<Watchpoint> hit = Optional.empty();

  GuestDebug(Fd vcpu) {
    this.vcpu = vcpu;
  }

  /**
   * @return false, with nothing changed, when the processor has no registers for that
   */
  boolean stopAt(DebugStops wanted) {
    List<Place> needed = new ArrayList<>();
    wanted.breakpoints().forEach(each -> needed.add(new Place(each, 0, Optional.empty())));
    for (Watchpoint each : wanted.watchpoints()) {
      if (each.access() == Access.READ || each.length() > PLACES * LONGEST) {
        return false;
      }
      cover(each, needed);
    }
    if (needed.size() > PLACES) {
      return false;
    }
    stops = wanted;
    places = needed;
    return true;
  }

  /** What one register watches is aligned to its length. */
  private static void cover(Watchpoint watchpoint, List<Place> needed) {
    int done = 0;
    while (done < watchpoint.length()) {
      long address = watchpoint.address() + done;
      int length = Integer.highestOneBit(Math.min(watchpoint.length() - done, LONGEST));
      while ((address & length - 1) != 0) {
        length >>= 1;
      }
      needed.add(new Place(address, kind(watchpoint.access(), length), Optional.of(watchpoint)));
      done += length;
    }
  }

  private static int kind(Access access, int length) {
    int size =
        switch (length) {
          case 1 -> 0;
          case 2 -> 1;
          case 4 -> 3;
          default -> 2;
        };
    return (access == Access.WRITE ? 1 : 3) | size << 2;
  }

  /** A run begins. After the general registers: KVM steps from where it is told this. */
  void load() {
    stopped = false;
    hit = Optional.empty();
    boolean wanted = !stops.equals(DebugStops.NONE);
    if (!wanted && !active) {
      return;
    }
    active = wanted;
    request.fill((byte) 0);
    request.set(JAVA_INT, CONTROL, control());
    long dr7 = 0;
    for (int i = 0; i < places.size(); i++) {
      Place place = places.get(i);
      if (stops.step() && place.watchpoint().isEmpty()) {
        // A step leaves the breakpoint that it begins at.
        continue;
      }
      request.set(JAVA_LONG, REGISTERS + 8L * i, place.address());
      dr7 |= 2L << 2 * i | (long) place.kind() << 16 + 4 * i;
    }
    request.set(JAVA_LONG, REGISTERS + 8L * DR7, dr7);
    vcpu.call(Ioctl.SET_GUEST_DEBUG, request);
  }

  private int control() {
    if (!active) {
      return 0;
    }
    return ENABLE | (stops.step() ? SINGLESTEP : 0) | (places.isEmpty() ? 0 : USE_HW_BP);
  }

  boolean steps() {
    return stops.step();
  }

  /**
   * The guest has stopped.
   *
   * @param dr6 says by which registers
   */
  void stop(long dr6) {
    stopped = true;
    for (int i = 0; i < places.size() && hit.isEmpty(); i++) {
      if ((dr6 >> i & 1) != 0) {
        hit = places.get(i).watchpoint();
      }
    }
  }

  boolean stopped() {
    return stopped;
  }

  /** What the last run was stopped by, if it was a watchpoint. */
  Optional<Watchpoint> watchpointHit() {
    return hit;
  }
}
