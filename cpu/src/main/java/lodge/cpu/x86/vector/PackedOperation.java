package lodge.cpu.x86.vector;

import lodge.cpu.x86.decode.Mnemonic;

/**
 * Packed integer instructions by their (MMX and SSE) mnemonic: the doors for code that has the
 * mnemonic in a variable. Code that knows its instruction calls the functions behind them.
 */
public final class PackedOperation {
  private PackedOperation() {}

  /** Instructions whose result lane depends on the same lane of both operands alone. */
  public static boolean isLane(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case PADDB, PADDW, PADDD, PADDQ, PADDSB, PADDSW, PADDUSB, PADDUSW -> true;
      case PSUBB, PSUBW, PSUBD, PSUBQ, PSUBSB, PSUBSW, PSUBUSB, PSUBUSW -> true;
      case PAND, ANDPS, ANDPD, PANDN, ANDNPS, ANDNPD, POR, ORPS, ORPD, PXOR, XORPS, XORPD -> true;
      case PCMPEQB, PCMPEQW, PCMPEQD, PCMPEQQ, PCMPGTB, PCMPGTW, PCMPGTD, PCMPGTQ -> true;
      case PMINSB, PMINSW, PMINSD, PMINUB, PMINUW, PMINUD -> true;
      case PMAXSB, PMAXSW, PMAXSD, PMAXUB, PMAXUW, PMAXUD -> true;
      case PAVGB, PAVGW, PABSB, PABSW, PABSD, PSIGNB, PSIGNW, PSIGND, PSADBW -> true;
      case PMULLW, PMULHW, PMULHUW, PMULHRSW, PMULLD, PMULUDQ, PMULDQ, PMADDWD, PMADDUBSW -> true;
      default -> false;
    };
  }

  /**
   * One lane of an {@link #isLane} instruction.
   *
   * @param a lane of the destination
   * @param b lane of the source
   */
  public static long lane(Mnemonic mnemonic, long a, long b) {
    return switch (mnemonic) {
      case PADDB -> Packed.add(a, b, Packed.B);
      case PADDW -> Packed.add(a, b, Packed.W);
      case PADDD -> Packed.add(a, b, Packed.D);
      case PADDQ -> a + b;
      case PADDSB -> Packed.addSigned(a, b, Packed.B);
      case PADDSW -> Packed.addSigned(a, b, Packed.W);
      case PADDUSB -> Packed.addUnsigned(a, b, Packed.B);
      case PADDUSW -> Packed.addUnsigned(a, b, Packed.W);
      case PSUBB -> Packed.subtract(a, b, Packed.B);
      case PSUBW -> Packed.subtract(a, b, Packed.W);
      case PSUBD -> Packed.subtract(a, b, Packed.D);
      case PSUBQ -> a - b;
      case PSUBSB -> Packed.subtractSigned(a, b, Packed.B);
      case PSUBSW -> Packed.subtractSigned(a, b, Packed.W);
      case PSUBUSB -> Packed.subtractUnsigned(a, b, Packed.B);
      case PSUBUSW -> Packed.subtractUnsigned(a, b, Packed.W);
      case PAND, ANDPS, ANDPD -> a & b;
      case PANDN, ANDNPS, ANDNPD -> ~a & b;
      case POR, ORPS, ORPD -> a | b;
      case PXOR, XORPS, XORPD -> a ^ b;
      case PCMPEQB -> Packed.equal(a, b, Packed.B);
      case PCMPEQW -> Packed.equal(a, b, Packed.W);
      case PCMPEQD -> Packed.equal(a, b, Packed.D);
      case PCMPEQQ -> Packed.equalQuad(a, b);
      case PCMPGTB -> Packed.greater(a, b, Packed.B);
      case PCMPGTW -> Packed.greater(a, b, Packed.W);
      case PCMPGTD -> Packed.greater(a, b, Packed.D);
      case PCMPGTQ -> Packed.greaterQuad(a, b);
      case PMINSB -> Packed.minSigned(a, b, Packed.B);
      case PMINSW -> Packed.minSigned(a, b, Packed.W);
      case PMINSD -> Packed.minSigned(a, b, Packed.D);
      case PMINUB -> Packed.minUnsigned(a, b, Packed.B);
      case PMINUW -> Packed.minUnsigned(a, b, Packed.W);
      case PMINUD -> Packed.minUnsigned(a, b, Packed.D);
      case PMAXSB -> Packed.maxSigned(a, b, Packed.B);
      case PMAXSW -> Packed.maxSigned(a, b, Packed.W);
      case PMAXSD -> Packed.maxSigned(a, b, Packed.D);
      case PMAXUB -> Packed.maxUnsigned(a, b, Packed.B);
      case PMAXUW -> Packed.maxUnsigned(a, b, Packed.W);
      case PMAXUD -> Packed.maxUnsigned(a, b, Packed.D);
      case PAVGB -> Packed.average(a, b, Packed.B);
      case PAVGW -> Packed.average(a, b, Packed.W);
      case PABSB -> Packed.abs(b, Packed.B);
      case PABSW -> Packed.abs(b, Packed.W);
      case PABSD -> Packed.abs(b, Packed.D);
      case PSIGNB -> Packed.sign(a, b, Packed.B);
      case PSIGNW -> Packed.sign(a, b, Packed.W);
      case PSIGND -> Packed.sign(a, b, Packed.D);
      case PSADBW -> Packed.absoluteDifferences(a, b);
      case PMULLW -> PackedMultiply.lowWords(a, b);
      case PMULHW -> PackedMultiply.highWords(a, b);
      case PMULHUW -> PackedMultiply.highWordsUnsigned(a, b);
      case PMULHRSW -> PackedMultiply.highWordsRounded(a, b);
      case PMULLD -> PackedMultiply.lowDoublewords(a, b);
      case PMULUDQ -> PackedMultiply.wideUnsigned(a, b);
      case PMULDQ -> PackedMultiply.wideSigned(a, b);
      case PMADDWD -> PackedMultiply.addProducts(a, b);
      case PMADDUBSW -> PackedMultiply.addProductsOfBytes(a, b);
      default -> throw new IllegalArgumentException(mnemonic.name());
    };
  }

  /**
   * Instructions that halve: each register becomes one lane of the result, the destination's the
   * lower one.
   */
  public static boolean isHalving(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case PACKSSWB, PACKUSWB, PACKSSDW, PACKUSDW -> true;
      case PHADDW, PHADDSW, PHADDD, PHSUBW, PHSUBSW, PHSUBD -> true;
      default -> false;
    };
  }

  /**
   * What an {@link #isHalving} instruction makes of one 16-byte register (or, for MMX, of its two
   * operands).
   */
  public static long halve(Mnemonic mnemonic, long low, long high) {
    return switch (mnemonic) {
      case PACKSSWB -> PackedShuffle.packWordsSigned(low, high);
      case PACKUSWB -> PackedShuffle.packWordsUnsigned(low, high);
      case PACKSSDW -> PackedShuffle.packDoublewordsSigned(low, high);
      case PACKUSDW -> PackedShuffle.packDoublewordsUnsigned(low, high);
      case PHADDW -> PackedMultiply.addNeighbourWords(low, high);
      case PHADDSW -> PackedMultiply.addNeighbourWordsSigned(low, high);
      case PHADDD -> PackedMultiply.addNeighbourDoublewords(low, high);
      case PHSUBW -> PackedMultiply.subtractNeighbourWords(low, high);
      case PHSUBSW -> PackedMultiply.subtractNeighbourWordsSigned(low, high);
      case PHSUBD -> PackedMultiply.subtractNeighbourDoublewords(low, high);
      default -> throw new IllegalArgumentException(mnemonic.name());
    };
  }

  public static boolean isShift(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case PSLLW, PSLLD, PSLLQ, PSRLW, PSRLD, PSRLQ, PSRAW, PSRAD -> true;
      default -> false;
    };
  }

  /** One lane of an {@link #isShift} instruction. */
  public static long shift(Mnemonic mnemonic, long a, long count) {
    return switch (mnemonic) {
      case PSLLW -> PackedShift.leftWords(a, count);
      case PSLLD -> PackedShift.leftDoublewords(a, count);
      case PSLLQ -> PackedShift.leftQuadwords(a, count);
      case PSRLW -> PackedShift.rightWords(a, count);
      case PSRLD -> PackedShift.rightDoublewords(a, count);
      case PSRLQ -> PackedShift.rightQuadwords(a, count);
      case PSRAW -> PackedShift.arithmeticWords(a, count);
      case PSRAD -> PackedShift.arithmeticDoublewords(a, count);
      default -> throw new IllegalArgumentException(mnemonic.name());
    };
  }

  public static boolean isInterleave(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case PUNPCKLBW, PUNPCKLWD, PUNPCKLDQ, PUNPCKLQDQ, UNPCKLPS, UNPCKLPD -> true;
      case PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ, PUNPCKHQDQ, UNPCKHPS, UNPCKHPD -> true;
      default -> false;
    };
  }

  /**
   * Whether an {@link #isInterleave} instruction takes the high lanes (MMX: the high halves) of its
   * operands.
   */
  public static boolean isInterleaveHigh(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ, PUNPCKHQDQ, UNPCKHPS, UNPCKHPD -> true;
      default -> false;
    };
  }

  /** Low lane of the interleaved elements of two lanes. */
  public static long interleaveLow(Mnemonic mnemonic, long a, long b) {
    return switch (mnemonic) {
      case PUNPCKLBW, PUNPCKHBW -> PackedShuffle.interleaveLowBytes(a, b);
      case PUNPCKLWD, PUNPCKHWD -> PackedShuffle.interleaveLowWords(a, b);
      case PUNPCKLDQ, PUNPCKHDQ, UNPCKLPS, UNPCKHPS -> PackedShuffle.interleaveLowDoublewords(a, b);
      default -> a;
    };
  }

  /** High lane of the interleaved elements of two lanes. */
  public static long interleaveHigh(Mnemonic mnemonic, long a, long b) {
    return switch (mnemonic) {
      case PUNPCKLBW, PUNPCKHBW -> PackedShuffle.interleaveHighBytes(a, b);
      case PUNPCKLWD, PUNPCKHWD -> PackedShuffle.interleaveHighWords(a, b);
      case PUNPCKLDQ, PUNPCKHDQ, UNPCKLPS, UNPCKHPS ->
          PackedShuffle.interleaveHighDoublewords(a, b);
      default -> b;
    };
  }
}
