package lodge.cpu.x86.translator;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import lodge.cpu.x86.FlagState;

/**
 * Which kind of {@link FlagState} each block of a region finds: constant where all ways there
 * agree.
 */
final class FlagKinds {
  private FlagKinds() {}

  /**
   * Kinds by block start; {@link FlagState#DYNAMIC} where they differ.
   *
   * @param atEntry the one with which the region is entered
   */
  static Map<Integer, Integer> atStart(
      List<Block> blocks,
      int entry,
      int atEntry,
      Function<Block.Placed, List<Integer>> indirectTargets) {
    Map<Integer, Integer> kinds = new HashMap<>();
    kinds.put(entry, atEntry);
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

  /** Whether an instruction asks for the flags with which the region is entered. */
  static boolean areRead(
      List<Block> blocks, int entry, Function<Block.Placed, List<Integer>> indirectTargets) {
    Map<Integer, Block> byStart = new HashMap<>();
    blocks.forEach(block -> byStart.put(block.start(), block));
    Set<Integer> reached = new HashSet<>(Set.of(entry));
    Deque<Integer> pending = new ArrayDeque<>(reached);
    while (!pending.isEmpty()) {
      Block block = byStart.get(pending.poll());
      if (block == null) {
        continue;
      }
      boolean overwritten = false;
      for (Block.Placed placed : block.code()) {
        if (!overwritten && IntegerEmitter.asksForFlags(placed.insn())) {
          return true;
        }
        overwritten |=
            IntegerEmitter.flagKindAfter(placed.insn(), FlagState.DYNAMIC) != FlagState.DYNAMIC;
      }
      if (!overwritten) {
        for (int next : block.successors(indirectTargets)) {
          if (reached.add(next)) {
            pending.add(next);
          }
        }
      }
    }
    return false;
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
