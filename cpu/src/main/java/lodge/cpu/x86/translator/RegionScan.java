package lodge.cpu.x86.translator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import lodge.cpu.x86.decode.Decoder;
import lodge.cpu.x86.decode.Form;
import lodge.cpu.x86.decode.Insn;

/**
 * Finds a region: the instructions that can be reached from a hot one by direct jumps within its
 * page, up to a bound, grouped into basic blocks.
 */
final class RegionScan {
  private final Decoder decoder = new Decoder();
  private final byte[] page;
  private final int limit;
  private final TreeMap<Integer, Insn> found = new TreeMap<>();
  private final Set<Integer> leaders = new HashSet<>();

  /**
   * @param page the 4096 bytes of the page
   * @param limit most instructions of the region
   */
  RegionScan(byte[] page, int limit) {
    this.page = page;
    this.limit = limit;
  }

  /**
   * The region's blocks in the order of their addresses; empty when the entry itself cannot be
   * translated.
   */
  List<Block> scan(int entry) {
    ArrayDeque<Integer> pending = new ArrayDeque<>();
    pending.add(entry);
    leaders.add(entry);
    while (!pending.isEmpty() && found.size() < limit) {
      follow(pending.poll(), pending);
    }
    // A region that starts by leaving would lead back to itself.
    if (!found.containsKey(entry) || Flow.of(found.get(entry)) == Flow.UNKNOWN) {
      return List.of();
    }
    return blocks();
  }

  /** Decodes a straight run; its jump targets are put up for later. */
  private void follow(int start, ArrayDeque<Integer> pending) {
    int offset = start;
    while (offset < 4096 && !found.containsKey(offset) && found.size() < limit) {
      Insn insn = decoder.decode(page, offset, 4096 - offset, 8);
      if (insn == null || insn.form == Form.UNDEFINED || insn.form == Form.TOO_LONG) {
        return;
      }
      Insn copy = insn.copy();
      found.put(offset, copy);
      int end = offset + copy.length;
      Flow flow = Flow.of(copy);
      if (flow == Flow.JUMP || flow == Flow.CONDITIONAL) {
        long target = end + copy.imm;
        if (target >= 0 && target < 4096) {
          leaders.add((int) target);
          pending.add((int) target);
        }
      }
      if (flow == Flow.CONDITIONAL) {
        leaders.add(end);
      }
      if (flow != Flow.NEXT && flow != Flow.CONDITIONAL) {
        return;
      }
      offset = end;
    }
  }

  private List<Block> blocks() {
    // Where instructions overlap, the bytes after one are not the next one in this order.
    for (Map.Entry<Integer, Insn> entry : found.entrySet()) {
      int end = entry.getKey() + entry.getValue().length;
      Integer next = found.higherKey(entry.getKey());
      if (next != null && next != end) {
        leaders.add(end);
      }
    }
    List<Block> blocks = new ArrayList<>();
    List<Block.Placed> code = new ArrayList<>();
    for (Map.Entry<Integer, Insn> entry : found.entrySet()) {
      Block.Placed placed = new Block.Placed(entry.getKey(), entry.getValue());
      code.add(placed);
      Flow flow = Flow.of(placed.insn());
      int end = placed.end();
      if (flow != Flow.NEXT || leaders.contains(end) || !found.containsKey(end)) {
        long target = flow == Flow.JUMP || flow == Flow.CONDITIONAL ? end + placed.insn().imm : -1;
        boolean falls = flow == Flow.NEXT || flow == Flow.CONDITIONAL;
        blocks.add(
            new Block(
                code.getFirst().offset(),
                List.copyOf(code),
                falls ? end : -1,
                target >= 0 && target < 4096 ? (int) target : -1));
        code.clear();
      }
    }
    return blocks;
  }
}
