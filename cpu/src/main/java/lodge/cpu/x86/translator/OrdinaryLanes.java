package lodge.cpu.x86.translator;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import lodge.cpu.x86.decode.Insn;

/**
 * Which lanes hold an ordinary double (a normal number or zero) at each point of a region: results
 * of arithmetic do, since it is declined otherwise, and so do its operands afterwards. What
 * arithmetic needs is required where the region is entered, once, so that loops need no checks of
 * what they carry along.
 *
 * <p>Sets of lanes are ints: bit {@code 2 * register + lane}, lanes 0 and 1 only.
 */
final class OrdinaryLanes {
  private final Map<Integer, Integer> atStart = new HashMap<>();
  private final int required;

  /**
   * @param requires something may be required at the entry
   */
  OrdinaryLanes(
      List<Block> blocks,
      int entry,
      boolean requires,
      Function<Block.Placed, List<Integer>> indirectTargets) {
    Map<Integer, List<Integer>> successors = new HashMap<>();
    for (Block block : blocks) {
      successors.put(block.start(), block.successors(indirectTargets));
    }
    this.required = requires ? exposed(blocks, entry, successors) : 0;
    blocks.forEach(block -> atStart.put(block.start(), -1));
    atStart.put(entry, required);
    for (boolean changed = true; changed; ) {
      changed = false;
      for (Block block : blocks) {
        int lanes = after(block, atStart.get(block.start()));
        for (int next : successors.get(block.start())) {
          Integer old = atStart.get(next);
          if (old != null && (old & lanes) != old) {
            atStart.put(next, old & lanes);
            changed = true;
          }
        }
      }
    }
  }

  /** Those that are to be ordinary for the region to be entered. */
  int required() {
    return required;
  }

  /** Those that are ordinary at a block's start. */
  int atStart(int block) {
    return atStart.get(block);
  }

  private static int after(Block block, int lanes) {
    int result = lanes;
    for (Block.Placed placed : block.code()) {
      result = after(placed.insn(), result);
    }
    return result;
  }

  /** Lanes that arithmetic reads on some way from the entry before they are written. */
  private static int exposed(
      List<Block> blocks, int entry, Map<Integer, List<Integer>> successors) {
    Map<Integer, Integer> needed = new HashMap<>();
    for (boolean changed = true; changed; ) {
      changed = false;
      for (Block block : blocks) {
        int lanes = 0;
        for (int next : successors.get(block.start())) {
          lanes |= needed.getOrDefault(next, 0);
        }
        for (int i = block.code().size() - 1; i >= 0; i--) {
          Insn insn = block.code().get(i).insn();
          lanes = lanes & ~written(insn) | operands(insn);
        }
        changed |= !Integer.valueOf(lanes).equals(needed.put(block.start(), lanes));
      }
    }
    return needed.getOrDefault(entry, 0);
  }

  /** Lanes that an instruction may write; all of them when the interpreter's op executes it. */
  private static int written(Insn insn) {
    VectorForm form = VectorForm.of(insn);
    if (form == null) {
      return IntegerEmitter.emits(insn) ? 0 : -1;
    }
    int written = VectorForm.written(insn);
    return written == 0 ? 0 : 3 << 2 * Integer.numberOfTrailingZeros(written);
  }

  /** Lanes that an instruction requires to be ordinary. */
  static int operands(Insn insn) {
    VectorForm form = VectorForm.of(insn);
    if (form == null || !form.isFloat() || form == VectorForm.FROM_INTEGER) {
      return 0;
    }
    String operation = VectorForm.operation(insn);
    if (form == VectorForm.TO_DOUBLE
        || form != VectorForm.TO_SINGLE && !VectorForm.isDouble(operation)) {
      return 0;
    }
    int count = VectorForm.isPacked(operation) ? 3 : 1;
    int lanes = insn.memory ? 0 : count << 2 * insn.rm;
    return switch (form) {
      case ARITHMETIC ->
          FloatArithmetic.of(operation).binary()
              ? lanes | count << 2 * VectorForm.first(insn)
              : lanes;
      case FUSED -> lanes | count << 2 * insn.reg | count << 2 * insn.vexRegister;
      case ORDER -> lanes | count << 2 * insn.reg;
      case COMPARE -> lanes | count << 2 * VectorForm.first(insn);
      default -> lanes;
    };
  }

  /** The lanes that are ordinary after an instruction. */
  static int after(Insn insn, int before) {
    VectorForm form = VectorForm.of(insn);
    if (form == null) {
      return before & ~written(insn);
    }
    String operation = VectorForm.operation(insn);
    int known = before | operands(insn);
    int to = written(insn);
    int first = known >> 2 * VectorForm.first(insn) & 3;
    int last = insn.memory ? 0 : known >> 2 * insn.rm & 3;
    int result =
        switch (form) {
          case ARITHMETIC, FUSED ->
              !VectorForm.isDouble(operation)
                  ? first & 2
                  : VectorForm.isPacked(operation) ? 3 : 1 | first & 2;
          case FROM_INTEGER -> operation.endsWith("SD") ? 1 | first & 2 : first & 2;
          case TO_DOUBLE -> 1 | first & 2;
          case TO_SINGLE -> first & 2;
          case COMPARE -> VectorForm.isPacked(operation) ? 0 : first & 2;
          case MOVE ->
              insn.memory ? 0 : insn.form.operands()[0].charAt(0) == 'V' ? last : reg(insn, known);
          case SCALAR -> insn.memory ? 2 : scalar(insn, operation, known);
          case ELEMENT -> 2;
          case LOGIC -> operation.contains("XOR") && isSelf(insn) ? 3 : 0;
          case UNPACK -> {
            int half = operation.contains("KH") ? 1 : 0;
            yield first >> half & 1 | (last >> half & 1) << 1;
          }
          case CROSS ->
              operation.equals("MOVHLPS") ? last >> 1 | first & 2 : first & 1 | (last & 1) << 1;
          default -> 0;
        };
    if (to == 0) {
      return known;
    }
    int shift = Integer.numberOfTrailingZeros(to);
    return known & ~to | result << shift & to;
  }

  private static int reg(Insn insn, int known) {
    return known >> 2 * insn.reg & 3;
  }

  /** MOVSD and MOVSS between registers. */
  private static int scalar(Insn insn, String operation, int known) {
    boolean load = insn.form.operands()[0].charAt(0) == 'V';
    int low = known >> 2 * (load ? insn.rm : insn.reg) & 1;
    int upper = insn.vex ? insn.vexRegister : load ? insn.reg : insn.rm;
    return (operation.equals("MOVSD") ? low : 0) | known >> 2 * upper & 2;
  }

  private static boolean isSelf(Insn insn) {
    return !insn.memory && insn.rm == VectorForm.first(insn);
  }
}
