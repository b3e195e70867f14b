package lodge.cpu.x86.translator;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import lodge.cpu.x86.decode.Insn;

/**
 * A basic block of a region. Positions are relative to byte 0 of the page that the region's entry
 * is in.
 *
 * @param start position of the first instruction
 * @param code the instructions with their positions
 * @param fallthrough what follows in memory, {@link #NONE} when that is not reached
 * @param target where the last instruction jumps or calls to, {@link #NONE} when it does not
 */
record Block(int start, List<Placed> code, int fallthrough, int target) {
  static final int NONE = Integer.MIN_VALUE;

  /** An instruction and its position. */
  record Placed(int offset, Insn insn) {
    int end() {
      return offset + insn.length;
    }
  }

  /**
   * Starts of what may come next, of the region or not.
   *
   * @param indirectTargets where an indirect jump or return may go to directly
   */
  List<Integer> successors(Function<Placed, List<Integer>> indirectTargets) {
    List<Integer> next = new ArrayList<>();
    if (fallthrough != NONE) {
      next.add(fallthrough);
    }
    if (target != NONE) {
      next.add(target);
    }
    if (Flow.of(last().insn()) == Flow.INDIRECT) {
      next.addAll(indirectTargets.apply(last()));
    }
    return next;
  }

  Placed last() {
    return code.getLast();
  }
}
