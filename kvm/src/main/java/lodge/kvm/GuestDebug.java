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
 * Break- and watchpoints of a debugger outside of the guest in DR0 to DR3 (SDM volume 3, 19.2). As
 * long as there are any, those that the guest has in these registers have no effect.
 */
final class GuestDebug {
  private static final int REGISTERS = 4;

  private static final long CONTROL = Structs.GUEST_DEBUG.offset("control");
  private static final long DEBUG_REGISTERS = Structs.GUEST_DEBUG.offset("arch.debugreg");

  // linux/kvm.h, asm/kvm.h
  private static final int ENABLE = 1;
  private static final int USE_HARDWARE_BREAKPOINTS = 0x2_0000;

  // DR7
  private static final long ALWAYS_SET = 1 << 10;
  private static final int EXECUTE = 0;
  private static final int WRITE = 1;
  private static final int READ_OR_WRITE = 3;

  /**
   * What one register is to watch.
   *
   * @param length 1, 2, 4 or 8; it is aligned so
   */
  private record Place(long address, int length, int kind, Optional<Watchpoint> watchpoint) {
    /** Its bits in DR7, enabled for all tasks. */
    long control(int register) {
      int size = length == 8 ? 2 : length - 1;
      return 2L << 2 * register | (long) (size << 2 | kind) << 16 + 4 * register;
    }
  }

  private final Fd vcpu;
  private final boolean available;
  private final MemorySegment request = Arena.ofAuto().allocate(Structs.GUEST_DEBUG.size(), 8);
  private List<Place> places = List.of();

  GuestDebug(Kvm kvm, Fd vcpu) {
    this.vcpu = vcpu;
    available = kvm.has(Capability.SET_GUEST_DEBUG);
  }

  /**
   * Has the processor stop there from now on; steps are not its business.
   *
   * @return false when it cannot: its registers are too few, or it cannot tell loads from stores
   */
  boolean stopAt(DebugStops stops) {
    Optional<List<Place>> wanted = places(stops);
    wanted.filter(list -> !list.equals(places)).ifPresent(this::install);
    return wanted.isPresent();
  }

  private Optional<List<Place>> places(DebugStops stops) {
    if (stops.step()) {
      // The step ends before any of the others comes.
      return Optional.of(List.of());
    }
    List<Place> wanted = new ArrayList<>();
    stops.breakpoints().forEach(at -> wanted.add(new Place(at, 1, EXECUTE, Optional.empty())));
    for (Watchpoint watchpoint : stops.watchpoints()) {
      if (watchpoint.access() == Access.READ || watchpoint.length() > REGISTERS * 8) {
        return Optional.empty();
      }
      addPieces(watchpoint, wanted);
    }
    boolean fits = wanted.isEmpty() || available && wanted.size() <= REGISTERS;
    return fits ? Optional.of(wanted) : Optional.empty();
  }

  /** A register watches 1, 2, 4 or 8 bytes that are aligned so. */
  private static void addPieces(Watchpoint watchpoint, List<Place> places) {
    int kind = watchpoint.access() == Access.WRITE ? WRITE : READ_OR_WRITE;
    int done = 0;
    while (done < watchpoint.length()) {
      long at = watchpoint.address() + done;
      int piece = 8;
      while (piece > watchpoint.length() - done || (at & piece - 1) != 0) {
        piece >>= 1;
      }
      places.add(new Place(at, piece, kind, Optional.of(watchpoint)));
      done += piece;
    }
  }

  private void install(List<Place> wanted) {
    request.fill((byte) 0);
    long control = ALWAYS_SET;
    for (int i = 0; i < wanted.size(); i++) {
      request.set(JAVA_LONG, DEBUG_REGISTERS + 8 * i, wanted.get(i).address);
      control |= wanted.get(i).control(i);
    }
    request.set(JAVA_LONG, DEBUG_REGISTERS + 8 * 7, control);
    request.set(JAVA_INT, CONTROL, wanted.isEmpty() ? 0 : ENABLE | USE_HARDWARE_BREAKPOINTS);
    vcpu.call(Ioctl.SET_GUEST_DEBUG, request);
    places = wanted;
  }

  /**
   * What a stop was about.
   *
   * @param dr6 its bits 3:0 stand for the registers that were hit
   * @return empty for a breakpoint
   */
  Optional<Watchpoint> hit(long dr6) {
    for (int i = 0; i < places.size(); i++) {
      if ((dr6 >> i & 1) != 0) {
        return places.get(i).watchpoint;
      }
    }
    return Optional.empty();
  }
}
