package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.decode.Insn;

/**
 * Turns a decoded instruction into an op: asks each family in turn. What nobody implements is #UD.
 */
final class Linker {
  private Linker() {}

  static Op link(Insn insn, CodePage page, int offset) {
    if (!page.cache.announces(insn)) {
      return linkWithoutFeature(insn, offset);
    }
    Op op = IntegerLinker.link(insn, page, offset);
    if (op == null) {
      op = SystemLinker.link(insn, offset);
    }
    if (op == null) {
      op = VectorLinker.link(insn, offset);
    }
    if (op == null) {
      op = X87Linker.link(insn, offset);
    }
    return op != null ? op : page.cache.unimplemented(insn);
  }

  /**
   * Processors without LZCNT and TZCNT ignore the prefix and scan; all else that they do not know
   * is #UD.
   */
  private static Op linkWithoutFeature(Insn insn, int offset) {
    return switch (insn.form.mnemonic()) {
      case LZCNT -> new BitOps.BitScan(insn, offset, true);
      case TZCNT -> new BitOps.BitScan(insn, offset, false);
      default -> new FlagOps.Undefined();
    };
  }
}
