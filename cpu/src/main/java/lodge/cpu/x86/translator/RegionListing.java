package lodge.cpu.x86.translator;

import java.util.Set;
import java.util.stream.Collectors;
import lodge.cpu.x86.decode.InsnText;

/** A region's guest code, disassembled block by block. */
final class RegionListing {
  private RegionListing() {}

  /**
   * @param base RIP of byte 0 of the entry's page
   */
  static void write(RegionEmitter emitter, long base, StringBuilder text) {
    Set<Integer> steps =
        emitter.steps.stream().map(Block.Placed::offset).collect(Collectors.toSet());
    for (Block block : emitter.blocks) {
      text.append(String.format("block 0x%x\n", base + block.start()));
      for (Block.Placed placed : block.code()) {
        long rip = base + placed.offset();
        char mark =
            steps.contains(placed.offset())
                ? '*'
                : Flow.of(placed.insn()) == Flow.UNKNOWN ? '!' : ' ';
        text.append(String.format("  %c 0x%x  %s\n", mark, rip, InsnText.of(placed.insn(), rip)));
      }
    }
  }
}
