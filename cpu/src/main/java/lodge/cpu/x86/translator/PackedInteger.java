package lodge.cpu.x86.translator;

import java.lang.constant.ClassDesc;
import java.util.Map;
import lodge.cpu.x86.vector.Packed;
import lodge.cpu.x86.vector.PackedMultiply;
import lodge.cpu.x86.vector.PackedShift;
import lodge.cpu.x86.vector.PackedShuffle;

/**
 * Packed integer arithmetic lane by lane: the function of {@link Packed} or {@link PackedMultiply}
 * that makes a lane of the result of the same lanes of both operands.
 *
 * @param element the function's last argument, the highest bits of the elements; 0: it has none
 */
record PackedInteger(ClassDesc owner, String method, long element) {
  private static final ClassDesc PACKED = Packed.class.describeConstable().orElseThrow();
  private static final ClassDesc MULTIPLY = PackedMultiply.class.describeConstable().orElseThrow();
  private static final ClassDesc SHIFT = PackedShift.class.describeConstable().orElseThrow();
  private static final ClassDesc SHUFFLE = PackedShuffle.class.describeConstable().orElseThrow();

  private static final Map<String, PackedInteger> LANES =
      Map.ofEntries(
          packed("PADDB", "add", Packed.B),
          packed("PADDW", "add", Packed.W),
          packed("PADDD", "add", Packed.D),
          packed("PADDSB", "addSigned", Packed.B),
          packed("PADDSW", "addSigned", Packed.W),
          packed("PADDUSB", "addUnsigned", Packed.B),
          packed("PADDUSW", "addUnsigned", Packed.W),
          packed("PSUBB", "subtract", Packed.B),
          packed("PSUBW", "subtract", Packed.W),
          packed("PSUBD", "subtract", Packed.D),
          packed("PSUBSB", "subtractSigned", Packed.B),
          packed("PSUBSW", "subtractSigned", Packed.W),
          packed("PSUBUSB", "subtractUnsigned", Packed.B),
          packed("PSUBUSW", "subtractUnsigned", Packed.W),
          packed("PCMPEQB", "equal", Packed.B),
          packed("PCMPEQW", "equal", Packed.W),
          packed("PCMPEQD", "equal", Packed.D),
          packed("PCMPEQQ", "equalQuad", 0),
          packed("PCMPGTB", "greater", Packed.B),
          packed("PCMPGTW", "greater", Packed.W),
          packed("PCMPGTD", "greater", Packed.D),
          packed("PCMPGTQ", "greaterQuad", 0),
          packed("PMINSB", "minSigned", Packed.B),
          packed("PMINSW", "minSigned", Packed.W),
          packed("PMINSD", "minSigned", Packed.D),
          packed("PMINUB", "minUnsigned", Packed.B),
          packed("PMINUW", "minUnsigned", Packed.W),
          packed("PMINUD", "minUnsigned", Packed.D),
          packed("PMAXSB", "maxSigned", Packed.B),
          packed("PMAXSW", "maxSigned", Packed.W),
          packed("PMAXSD", "maxSigned", Packed.D),
          packed("PMAXUB", "maxUnsigned", Packed.B),
          packed("PMAXUW", "maxUnsigned", Packed.W),
          packed("PMAXUD", "maxUnsigned", Packed.D),
          packed("PAVGB", "average", Packed.B),
          packed("PAVGW", "average", Packed.W),
          packed("PSADBW", "absoluteDifferences", 0),
          multiply("PMULLW", "lowWords"),
          multiply("PMULHW", "highWords"),
          multiply("PMULHUW", "highWordsUnsigned"),
          multiply("PMULLD", "lowDoublewords"),
          multiply("PMULUDQ", "wideUnsigned"),
          multiply("PMULDQ", "wideSigned"),
          multiply("PMADDWD", "addProducts"),
          shift("PSLLW", "leftWords"),
          shift("PSLLD", "leftDoublewords"),
          shift("PSLLQ", "leftQuadwords"),
          shift("PSRLW", "rightWords"),
          shift("PSRLD", "rightDoublewords"),
          shift("PSRLQ", "rightQuadwords"),
          shift("PSRAW", "arithmeticWords"),
          shift("PSRAD", "arithmeticDoublewords"));

  /** Of the low lanes of both operands the two functions that make the result's two lanes. */
  private static final Map<String, PackedInteger[]> INTERLEAVING =
      Map.of(
          "PUNPCKLBW", interleave("interleaveLowBytes", "interleaveHighBytes"),
          "PUNPCKLWD", interleave("interleaveLowWords", "interleaveHighWords"),
          "PUNPCKLDQ", interleave("interleaveLowDoublewords", "interleaveHighDoublewords"),
          "UNPCKLPS", interleave("interleaveLowDoublewords", "interleaveHighDoublewords"),
          "PUNPCKHBW", interleave("interleaveLowBytes", "interleaveHighBytes"),
          "PUNPCKHWD", interleave("interleaveLowWords", "interleaveHighWords"),
          "PUNPCKHDQ", interleave("interleaveLowDoublewords", "interleaveHighDoublewords"),
          "UNPCKHPS", interleave("interleaveLowDoublewords", "interleaveHighDoublewords"));

  private static Map.Entry<String, PackedInteger> packed(String name, String method, long element) {
    return Map.entry(name, new PackedInteger(PACKED, method, element));
  }

  private static Map.Entry<String, PackedInteger> multiply(String name, String method) {
    return Map.entry(name, new PackedInteger(MULTIPLY, method, 0));
  }

  private static Map.Entry<String, PackedInteger> shift(String name, String method) {
    return Map.entry(name, new PackedInteger(SHIFT, method, 0));
  }

  private static PackedInteger[] interleave(String low, String high) {
    return new PackedInteger[] {
      new PackedInteger(SHUFFLE, low, 0), new PackedInteger(SHUFFLE, high, 0)
    };
  }

  /** Shifts take one count for all lanes: an immediate, or the low lane of the last operand. */
  boolean isShift() {
    return owner.equals(SHIFT);
  }

  /** By a mnemonic without the V of its VEX form; null when it is none of these. */
  static PackedInteger of(String operation) {
    return LANES.get(operation);
  }

  /** See {@link #INTERLEAVING}; null for others. */
  static PackedInteger[] interleaving(String operation) {
    return INTERLEAVING.get(operation);
  }
}
