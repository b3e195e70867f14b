package lodge.cpu.x86.translator;

import java.util.List;
import lodge.cpu.x86.decode.Insn;

/**
 * A basic block of a region.
 *
 * @param start offset of the first instruction in its page
 * @param code the instructions with their offsets
 * @param fallthrough offset of what follows in memory, -1 when that is not reached
 * @param target offset that the last instruction jumps to, -1 when it is no direct jump in the page
 */
record Block(int start, List<Placed> code, int fallthrough, int target) {
  /** An instruction and its offset in the page. */
  record Placed(int offset, Insn insn) {
    int end() {
      return offset + insn.length;
    }
  }

  Placed last() {
    return code.getLast();
  }
}
