package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.decode.Form;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/** Turns a decoded instruction into an op: asks each family in turn. What nobody implements is #UD. */
final class Linker {
  private Linker() {}

  static Op link(Insn insn, CodePage page, int offset) {
    if (!page.cache.announces(insn)) {
      return new FlagOps.Undefined();
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
}
