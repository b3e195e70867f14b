package lodge.cpu.x86.translator;

import java.util.Set;
import java.util.stream.Collectors;
import lodge.cpu.x86.decode.InsnText;

/**
 * A region's blocks and the ways between them in DOT, the language of Graphviz. What leaves the
 * region is dashed.
 */
final class RegionGraph {
  private final RegionEmitter emitter;
  private final long base;
  private final StringBuilder text;
  private final Set<Integer> starts;

  private RegionGraph(RegionEmitter emitter, long base, StringBuilder text) {
    this.emitter = emitter;
    this.base = base;
    this.text = text;
    this.starts = emitter.blocks.stream().map(Block::start).collect(Collectors.toSet());
  }

  /**
   * @param base RIP of byte 0 of the entry's page
   */
  static void write(RegionEmitter emitter, long base, int number, StringBuilder text) {
    text.append("digraph region_").append(number).append(" {\n");
    text.append("  node [shape=box];\n");
    RegionGraph graph = new RegionGraph(emitter, base, text);
    emitter.blocks.forEach(graph::node);
    emitter.blocks.forEach(graph::edges);
    text.append("}\n");
  }

  private void node(Block block) {
    String entry = block.start() == emitter.entry ? ", peripheries=2" : "";
    int count = block.code().size();
    text.append(
        String.format(
            "  \"%s\" [label=\"%<s\\n%d instruction%s\"%s];\n",
            name(block.start()), count, count == 1 ? "" : "s", entry));
  }

  private void edges(Block block) {
    Block.Placed last = block.last();
    String word = InsnText.of(last.insn(), base + last.offset()).split(" ")[0];
    Flow flow = Flow.of(last.insn());
    if (block.fallthrough() != Block.NONE) {
      edge(block, block.fallthrough(), "");
    }
    if (block.target() != Block.NONE) {
      edge(block, block.target(), word);
    }
    if (flow == Flow.INDIRECT) {
      emitter.indirectTargets(last).stream()
          .filter(starts::contains)
          .forEach(target -> edge(block, target, word));
      exit(block, "elsewhere", word);
    }
    if (flow == Flow.UNKNOWN) {
      exit(block, "interpreter", word);
    }
  }

  private void edge(Block from, int to, String label) {
    if (starts.contains(to)) {
      text.append(
          String.format(
              "  \"%s\" -> \"%s\" [label=\"%s\"];\n", name(from.start()), name(to), label));
    } else {
      exit(from, name(to), label);
    }
  }

  private void exit(Block from, String to, String label) {
    text.append(String.format("  \"%s\" [shape=plaintext];\n", to));
    text.append(
        String.format(
            "  \"%s\" -> \"%s\" [label=\"%s\", style=dashed];\n", name(from.start()), to, label));
  }

  private String name(int position) {
    return "0x" + Long.toHexString(base + position);
  }
}
