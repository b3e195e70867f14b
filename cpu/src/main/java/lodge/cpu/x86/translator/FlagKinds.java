package lodge.cpu.x86.translator;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Which kind of {@link FlagState} each block of a region finds: constant where all ways there
 * agree.
 */
final class FlagKinds {
  private FlagKinds() {}

  /** Kinds by block start; {@link FlagState#DYNAMIC} where they differ. */
  static Map<Integer, Integer> atEntry(
      List<Block> blocks, int entry, Function<Block.Placed, List<Integer>> indirectTargets) {
    Map<Integer, Integer> kinds = new HashMap<>();
    kinds.put(entry, FlagState.READY);
    boolean changed = true;
    while (changed) {
      changed = false;
      for (Block block : blocks) {
        Integer in = kinds.get(block.start());
        if (in == null) {
          continue;
        }
        int out = after(block, in);
        for (int target : block.successors(indirectTargets)) {
          changed |= meet(kinds, target, out);
        }
      }
    }
    return kinds;
  }

  private static int after(Block block, int kind) {
    int result = kind;
    for (Block.Placed placed : block.code()) {
      result = IntegerEmitter.flagKindAfter(placed.insn(), result);
    }
    return result;
  }

  private static boolean meet(Map<Integer, Integer> kinds, int target, int kind) {
    Integer old = kinds.get(target);
    int merged = old == null || old == kind ? kind : FlagState.DYNAMIC;
    if (old != null && old == merged) {
      return false;
    }
    kinds.put(target, merged);
    return true;
  }
}
