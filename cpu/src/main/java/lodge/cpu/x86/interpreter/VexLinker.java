package lodge.cpu.x86.interpreter;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;

/** Links VEX-encoded vector instructions: AVX, AVX2, FMA, F16C, AES and the like. */
final class VexLinker {
  /** From VADDPS to ADDPS and so on, where there is a legacy form. */
  private static final Map<Mnemonic, Mnemonic> LEGACY = legacy();

  private VexLinker() {}

  private static Map<Mnemonic, Mnemonic> legacy() {
    Map<String, Mnemonic> names = new HashMap<>();
    for (Mnemonic mnemonic : Mnemonic.values()) {
      names.put(mnemonic.name(), mnemonic);
    }
    Map<Mnemonic, Mnemonic> legacy = new EnumMap<>(Mnemonic.class);
    for (Mnemonic mnemonic : Mnemonic.values()) {
      String name = mnemonic.name();
      if (name.charAt(0) == 'V' && names.containsKey(name.substring(1))) {
        legacy.put(mnemonic, names.get(name.substring(1)));
      }
    }
    return legacy;
  }

  /** An instruction's mnemonic without the V of VEX where it has a legacy form. */
  static Mnemonic operation(Insn insn) {
    Mnemonic mnemonic = insn.form.mnemonic();
    return insn.vex ? LEGACY.getOrDefault(mnemonic, mnemonic) : mnemonic;
  }

  /**
   * @param offset the instruction's offset in its code page
   * @return null when the instruction is none of these
   */
  static Op link(Insn insn, int offset) {
    Op op = VexMoves.link(insn, offset);
    if (op == null) {
      op = HotVex.link(insn, offset);
    }
    if (op == null) {
      op = VexPacked.link(insn, offset);
    }
    if (op == null) {
      op = VexPermute.link(insn, offset);
    }
    if (op == null) {
      op = VexFloat.link(insn, offset);
    }
    if (op == null) {
      op = VexFused.link(insn, offset);
    }
    if (op == null) {
      op = VexConvert.link(insn, offset);
    }
    if (op == null) {
      op = VexElements.link(insn, offset);
    }
    if (op == null) {
      op = VexMasked.link(insn, offset);
    }
    if (op == null) {
      op = VexGather.link(insn, offset);
    }
    if (op == null) {
      op = CryptoOps.link(insn, offset);
    }
    return op == null ? linkEitherEncoding(insn, offset) : op;
  }

  /** What writes no vector register, so that VEX changes nothing but the rules of availability. */
  private static Op linkEitherEncoding(Insn insn, int offset) {
    return switch (operation(insn)) {
      case UCOMISD, COMISD -> new FloatOps.OrderDouble(insn, offset);
      case UCOMISS, COMISS -> new FloatOps.OrderSingle(insn, offset);
      case CVTSD2SI, CVTTSD2SI -> new ConvertOps.DoubleToInteger(insn, offset);
      case CVTSS2SI, CVTTSS2SI -> new ConvertOps.SingleToInteger(insn, offset);
      case PEXTRB -> new ElementOps.Extract(insn, offset, 1);
      case PEXTRW -> new ElementOps.Extract(insn, offset, 2);
      case PEXTRD, EXTRACTPS -> new ElementOps.Extract(insn, offset, 4);
      case PEXTRQ -> new ElementOps.Extract(insn, offset, 8);
      case MASKMOVDQU -> new ElementOps.StoreMasked(insn, offset);
      case PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM -> new StringCompareOp(insn, offset);
      case LDMXCSR -> new MemoryOrderOps.LoadControl(insn, offset);
      case STMXCSR -> new MemoryOrderOps.StoreControl(insn, offset);
      default -> null;
    };
  }
}
