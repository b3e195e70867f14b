package lodge.cpu.x86.translator;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Which blocks of a region can be reached from themselves. */
final class Loops {
  private Loops() {}

  /** The starts of those blocks. */
  static Set<Integer> of(
      List<Block> blocks, Function<Block.Placed, List<Integer>> indirectTargets) {
    Map<Integer, List<Integer>> successors = new HashMap<>();
    for (Block block : blocks) {
      successors.put(block.start(), block.successors(indirectTargets));
    }
    Set<Integer> loops = new HashSet<>();
    for (Block block : blocks) {
      if (reaches(block.start(), successors)) {
        loops.add(block.start());
      }
    }
    return loops;
  }

  private static boolean reaches(int start, Map<Integer, List<Integer>> successors) {
    Set<Integer> seen = new HashSet<>();
    ArrayDeque<Integer> pending = new ArrayDeque<>();
    pending.add(start);
    while (!pending.isEmpty()) {
      for (int next : successors.getOrDefault(pending.poll(), List.of())) {
        if (next == start) {
          return true;
        }
        if (seen.add(next)) {
          pending.add(next);
        }
      }
    }
    return false;
  }
}
