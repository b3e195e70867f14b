package lodge.machine.gdb;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import lodge.core.DebugStops;
import lodge.core.DebugStops.Access;
import lodge.core.DebugStops.Watchpoint;

/**
 * The debugger's break- and watchpoints (packets Z and z). None changes the guest's memory, so both
 * kinds of breakpoints are the same but for their names.
 */
final class StopList {
  /** As many as fit, and bytes of a watchpoint. */
  private static final int LIMIT = 1024;

  /** What a debugger sets or takes away. */
  sealed interface Point {
    record Software(long address) implements Point {}

    record Hardware(long address) implements Point {}

    record Watch(Watchpoint watchpoint) implements Point {}
  }

  private final Set<Point> points = new LinkedHashSet<>();

  /** Reads a point: {@code type,address,kind}. Empty when there is no such type. */
  static Optional<Point> read(Request request) {
    char type = request.next();
    request.expect(',');
    long address = request.hex();
    request.expect(',');
    long kind = request.hex();
    request.end();
    if (kind < 0 || kind > LIMIT || type >= '2' && kind == 0) {
      throw new Request.Malformed();
    }
    return switch (type) {
      case '0' -> Optional.of(new Point.Software(address));
      case '1' -> Optional.of(new Point.Hardware(address));
      case '2' -> watch(address, (int) kind, Access.WRITE);
      case '3' -> watch(address, (int) kind, Access.READ);
      case '4' -> watch(address, (int) kind, Access.ANY);
      default -> Optional.empty();
    };
  }

  private static Optional<Point> watch(long address, int length, Access access) {
    return Optional.of(new Point.Watch(new Watchpoint(address, length, access)));
  }

  /** Setting twice is setting once. @return false when there are too many */
  boolean change(Point point, boolean set) {
    if (!set) {
      points.remove(point);
    } else if (points.size() == LIMIT) {
      return points.contains(point);
    } else {
      points.add(point);
    }
    return true;
  }

  void clear() {
    points.clear();
  }

  DebugStops all() {
    Set<Long> breakpoints = new HashSet<>();
    List<Watchpoint> watchpoints = new ArrayList<>();
    for (Point each : points) {
      switch (each) {
        case Point.Software(long address) -> breakpoints.add(address);
        case Point.Hardware(long address) -> breakpoints.add(address);
        case Point.Watch(Watchpoint watchpoint) -> watchpoints.add(watchpoint);
      }
    }
    return new DebugStops(false, breakpoints, watchpoints);
  }

  /** How a stop's answer names the breakpoint at an address; empty when there is none. */
  String kindAt(long rip) {
    if (points.contains(new Point.Software(rip))) {
      return "swbreak:;";
    }
    return points.contains(new Point.Hardware(rip)) ? "hwbreak:;" : "";
  }
}
