package lodge.cpu.x86.translator;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import lodge.cpu.x86.decode.Insn;

/**
 * Which registers a region may have changed since it was entered: only they have to be written back
 * where it is left. What is written back everywhere has to be kept everywhere, and HotSpot's
 * register allocation takes more than half of C2's time. Bits 0 to 15 are the general registers, 16
 * to 31 the vector registers.
 */
final class DirtyRegisters {
  private static final int VECTORS = 16;

  private DirtyRegisters() {}

  /** By block start. */
  static Map<Integer, Integer> atStart(
      List<Block> blocks, int entry, Function<Block.Placed, List<Integer>> indirectTargets) {
    Map<Integer, Integer> dirty = new HashMap<>();
    dirty.put(entry, 0);
    for (boolean changed = true; changed; ) {
      changed = false;
      for (Block block : blocks) {
        Integer before = dirty.get(block.start());
        if (before == null) {
          continue;
        }
        int after = before;
        for (Block.Placed placed : block.code()) {
          after |= written(placed.insn());
        }
        for (int next : block.successors(indirectTargets)) {
          Integer known = dirty.get(next);
          if (known == null || (known | after) != known) {
            dirty.put(next, (known == null ? 0 : known) | after);
            changed = true;
          }
        }
      }
    }
    return dirty;
  }

  /** What an instruction's own code may write. */
  static int written(Insn insn) {
    int vectors = VectorForm.of(insn) == null ? 0 : VectorForm.written(insn);
    return RegisterUse.written(insn) | vectors << VECTORS;
  }

  static boolean general(int dirty, int register) {
    return (dirty >> register & 1) != 0;
  }

  static boolean vector(int dirty, int register) {
    return (dirty >> VECTORS + register & 1) != 0;
  }
}
