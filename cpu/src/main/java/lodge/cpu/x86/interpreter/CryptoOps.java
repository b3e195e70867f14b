package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.Cpu;
import lodge.cpu.x86.decode.Insn;
import lodge.cpu.x86.decode.Mnemonic;
import lodge.cpu.x86.vector.Aes;
import lodge.cpu.x86.vector.CarryLess;
import lodge.cpu.x86.vector.Sha;

/** AES-NI and PCLMULQDQ in both encodings, and SHA. */
final class CryptoOps {
  private CryptoOps() {}

  static Op link(Insn insn, int offset) {
    return switch (VexLinker.operation(insn)) {
      case AESENC, AESENCLAST, AESDEC, AESDECLAST ->
          insn.vex ? new VexAesRound(insn, offset) : new AesRound(insn, offset);
      case AESIMC, AESKEYGENASSIST ->
          insn.vex ? new VexAesKey(insn, offset) : new AesKey(insn, offset);
      case PCLMULQDQ ->
          insn.vex ? new VexMultiplyCarryLess(insn, offset) : new MultiplyCarryLess(insn, offset);
      case SHA1NEXTE, SHA1MSG1, SHA1MSG2, SHA1RNDS4, SHA256RNDS2, SHA256MSG1, SHA256MSG2 ->
          new ShaStep(insn, offset);
      default -> null;
    };
  }

  private static long roundLow(Mnemonic mnemonic, long low, long high) {
    return switch (mnemonic) {
      case AESENC -> Aes.encryptLow(low, high);
      case AESENCLAST -> Aes.encryptLastLow(low, high);
      case AESDEC -> Aes.decryptLow(low, high);
      default -> Aes.decryptLastLow(low, high);
    };
  }

  private static long roundHigh(Mnemonic mnemonic, long low, long high) {
    return switch (mnemonic) {
      case AESENC -> Aes.encryptHigh(low, high);
      case AESENCLAST -> Aes.encryptLastHigh(low, high);
      case AESDEC -> Aes.decryptHigh(low, high);
      default -> Aes.decryptLastHigh(low, high);
    };
  }

  /** AESENC, AESENCLAST, AESDEC and AESDECLAST: the source is the key. */
  static final class AesRound extends WideOp {
    private final Mnemonic mnemonic;

    AesRound(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long a = c.xmm[reg];
      long b = c.xmm[reg + 1];
      c.xmm[reg] = roundLow(mnemonic, a, b) ^ low;
      c.xmm[reg + 1] = roundHigh(mnemonic, a, b) ^ high;
    }
  }

  static final class VexAesRound extends VexWide {
    private final Mnemonic mnemonic;

    VexAesRound(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = VexLinker.operation(insn);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long a = c.xmm[first + at];
      long b = c.xmm[first + at + 1];
      set(c, at, roundLow(mnemonic, a, b) ^ low, roundHigh(mnemonic, a, b) ^ high);
    }
  }

  /** AESIMC and AESKEYGENASSIST. */
  static final class AesKey extends WideOp {
    private final boolean assist;
    private final int constant;

    AesKey(Insn insn, int offset) {
      super(insn, offset);
      assist = insn.form.mnemonic() == Mnemonic.AESKEYGENASSIST;
      constant = immediate(insn);
    }

    @Override
    void apply(Cpu c, long low, long high) {
      c.xmm[reg] = assist ? Aes.keyAssist(low, constant) : Aes.unmix(low);
      c.xmm[reg + 1] = assist ? Aes.keyAssist(high, constant) : Aes.unmix(high);
    }
  }

  static final class VexAesKey extends VexWide {
    private final boolean assist;
    private final int constant;

    VexAesKey(Insn insn, int offset) {
      super(insn, offset);
      assist = insn.form.mnemonic() == Mnemonic.VAESKEYGENASSIST;
      constant = immediate(insn);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      set(
          c,
          at,
          assist ? Aes.keyAssist(low, constant) : Aes.unmix(low),
          assist ? Aes.keyAssist(high, constant) : Aes.unmix(high));
    }
  }

  /** PCLMULQDQ: bits 0 and 4 of the immediate choose the factors' lanes. */
  static final class MultiplyCarryLess extends WideOp {
    private final int control;

    MultiplyCarryLess(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long a = (control & 1) == 0 ? c.xmm[reg] : c.xmm[reg + 1];
      long b = (control & 0x10) == 0 ? low : high;
      c.xmm[reg] = CarryLess.low(a, b);
      c.xmm[reg + 1] = CarryLess.high(a, b);
    }
  }

  static final class VexMultiplyCarryLess extends VexWide {
    private final int control;

    VexMultiplyCarryLess(Insn insn, int offset) {
      super(insn, offset);
      control = immediate(insn);
    }

    @Override
    void half(Cpu c, int at, long low, long high) {
      long a = c.xmm[(control & 1) == 0 ? first + at : first + at + 1];
      long b = (control & 0x10) == 0 ? low : high;
      set(c, at, CarryLess.low(a, b), CarryLess.high(a, b));
    }
  }

  /** The SHA instructions, which have no VEX form. */
  static final class ShaStep extends WideOp {
    private final Mnemonic mnemonic;
    private final int control;

    ShaStep(Insn insn, int offset) {
      super(insn, offset);
      mnemonic = insn.form.mnemonic();
      control = immediate(insn) & 3;
    }

    @Override
    void apply(Cpu c, long low, long high) {
      long a = c.xmm[reg];
      long b = c.xmm[reg + 1];
      switch (mnemonic) {
        case SHA1NEXTE -> set(c, low, Sha.nextE(b, high));
        case SHA1MSG1 -> set(c, a ^ high, b ^ a);
        case SHA1MSG2 -> Sha.message2(a, b, low, high, c.xmm, reg);
        case SHA1RNDS4 -> Sha.rounds(a, b, low, high, control, c.xmm, reg);
        case SHA256RNDS2 -> Sha.rounds256(a, b, low, high, c.xmm[0], c.xmm, reg);
        case SHA256MSG1 -> Sha.message256First(a, b, low, c.xmm, reg);
        default -> Sha.message256Second(a, b, high, c.xmm, reg);
      }
    }

    private void set(Cpu c, long low, long high) {
      c.xmm[reg] = low;
      c.xmm[reg + 1] = high;
    }
  }
}
