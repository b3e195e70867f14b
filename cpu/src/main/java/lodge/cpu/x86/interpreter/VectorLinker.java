package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.decode.Insn;

/**
 * Links MMX, SSE, AES, SHA and what is VEX-encoded, with all that belongs to them: extended state,
 * fences, cache control, CRC32.
 */
final class VectorLinker {
  private VectorLinker() {}

  /**
   * @param offset the instruction's offset in its code page
   * @return null when the instruction is none of these
   */
  static Op link(Insn insn, int offset) {
    if (insn.vex) {
      return VexLinker.link(insn, offset);
    }
    if (MmxOps.isMmx(insn)) {
      return MmxOps.link(insn, offset);
    }
    Op op = VectorMoves.link(insn, offset);
    if (op == null) {
      op = HotPacked.link(insn, offset);
    }
    if (op == null) {
      op = HotShuffle.link(insn, offset);
    }
    if (op == null) {
      op = HotDouble.link(insn, offset);
    }
    if (op == null) {
      op = PackedOps.link(insn, offset);
    }
    if (op == null) {
      op = FloatOps.link(insn, offset);
    }
    if (op == null) {
      op = ConvertOps.link(insn, offset);
    }
    if (op == null) {
      op = ElementOps.link(insn, offset);
    }
    if (op == null) {
      op = StringCompareOp.link(insn, offset);
    }
    if (op == null) {
      op = CryptoOps.link(insn, offset);
    }
    if (op == null) {
      op = MemoryOrderOps.link(insn, offset);
    }
    return op == null ? ExtendedState.link(insn, offset) : op;
  }
}
