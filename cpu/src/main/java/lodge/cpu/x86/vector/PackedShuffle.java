package lodge.cpu.x86.vector;

/** Interleaving, packing and permuting of elements. */
public final class PackedShuffle {
  private PackedShuffle() {}

  /** Spreads four bytes to four words. */
  private static long spreadBytes(long low32) {
    long x = (low32 | low32 << 16) & 0x0000_FFFF_0000_FFFFL;
    return (x | x << 8) & 0x00FF_00FF_00FF_00FFL;
  }

  private static long spreadWords(long low32) {
    return (low32 | low32 << 16) & 0x0000_FFFF_0000_FFFFL;
  }

  /** PUNPCKLBW within a lane: the low four bytes of each. */
  public static long interleaveLowBytes(long a, long b) {
    return spreadBytes(a & 0xFFFF_FFFFL) | spreadBytes(b & 0xFFFF_FFFFL) << 8;
  }

  public static long interleaveHighBytes(long a, long b) {
    return interleaveLowBytes(a >>> 32, b >>> 32);
  }

  public static long interleaveLowWords(long a, long b) {
    return spreadWords(a & 0xFFFF_FFFFL) | spreadWords(b & 0xFFFF_FFFFL) << 16;
  }

  public static long interleaveHighWords(long a, long b) {
    return interleaveLowWords(a >>> 32, b >>> 32);
  }

  public static long interleaveLowDoublewords(long a, long b) {
    return a & 0xFFFF_FFFFL | b << 32;
  }

  public static long interleaveHighDoublewords(long a, long b) {
    return a >>> 32 | b & 0xFFFF_FFFF_0000_0000L;
  }

  private static long clampWord(long a, int i, int low, int high) {
    return Math.clamp((short) (a >>> 16 * i), low, high) & 0xFFL;
  }

  private static long packWordLane(long a, int low, int high) {
    return clampWord(a, 0, low, high)
        | clampWord(a, 1, low, high) << 8
        | clampWord(a, 2, low, high) << 16
        | clampWord(a, 3, low, high) << 24;
  }

  /** PACKSSWB: the signed words of both lanes as signed bytes. */
  public static long packWordsSigned(long low, long high) {
    return packWordLane(low, -128, 127) | packWordLane(high, -128, 127) << 32;
  }

  /** PACKUSWB. */
  public static long packWordsUnsigned(long low, long high) {
    return packWordLane(low, 0, 255) | packWordLane(high, 0, 255) << 32;
  }

  private static long packDoublewordLane(long a, int low, int high) {
    return Math.clamp((int) a, low, high) & 0xFFFFL
        | (Math.clamp((int) (a >>> 32), low, high) & 0xFFFFL) << 16;
  }

  /** PACKSSDW. */
  public static long packDoublewordsSigned(long low, long high) {
    return packDoublewordLane(low, -32768, 32767) | packDoublewordLane(high, -32768, 32767) << 32;
  }

  /** PACKUSDW. */
  public static long packDoublewordsUnsigned(long low, long high) {
    return packDoublewordLane(low, 0, 65535) | packDoublewordLane(high, 0, 65535) << 32;
  }

  /** PSHUFB on an 8-byte register. */
  public static long shuffleBytes(long a, long control) {
    long result = 0;
    for (int i = 0; i < 64; i += 8) {
      int selector = (int) (control >>> i);
      if ((selector & 0x80) == 0) {
        result |= (a >>> 8 * (selector & 7) & 0xFF) << i;
      }
    }
    return result;
  }

  /** One result lane of PSHUFB on 16 bytes. */
  public static long shuffleBytes(long low, long high, long control) {
    long result = 0;
    for (int i = 0; i < 64; i += 8) {
      int selector = (int) (control >>> i);
      if ((selector & 0x80) == 0) {
        long lane = (selector & 8) == 0 ? low : high;
        result |= (lane >>> 8 * (selector & 7) & 0xFF) << i;
      }
    }
    return result;
  }

  /** The doubleword of a 16-byte register that the low two bits of {@code selector} choose. */
  public static long doubleword(long low, long high, int selector) {
    return ((selector & 2) == 0 ? low : high) >>> 32 * (selector & 1) & 0xFFFF_FFFFL;
  }

  /** Two chosen doublewords: bits 1:0 choose the lower one, 3:2 the upper one. */
  public static long doublewords(long low, long high, int selectors) {
    return doubleword(low, high, selectors) | doubleword(low, high, selectors >> 2) << 32;
  }

  /** Two doublewords as the low two bits of each doubleword of a lane choose (VPERMILPS). */
  public static long permute(long low, long high, long selectors) {
    return doubleword(low, high, (int) selectors)
        | doubleword(low, high, (int) (selectors >>> 32)) << 32;
  }

  /**
   * Four words of a lane as the four bit pairs of {@code selectors} choose (PSHUFW, PSHUFLW,
   * PSHUFHW).
   */
  public static long words(long a, int selectors) {
    return a >>> 16 * (selectors & 3) & 0xFFFFL
        | (a >>> 16 * (selectors >> 2 & 3) & 0xFFFFL) << 16
        | (a >>> 16 * (selectors >> 4 & 3) & 0xFFFFL) << 32
        | a >>> 16 * (selectors >> 6 & 3) << 48;
  }

  /** Words of b where the low four bits of {@code mask} are set, else of a. */
  public static long blendWords(long a, long b, int mask) {
    long tops = (mask & 1L) << 15 | (mask & 2L) << 30 | (mask & 4L) << 45 | (mask & 8L) << 60;
    return blend(a, b, Packed.spread(tops, Packed.W));
  }

  /** Doublewords of b where the low two bits of {@code mask} are set, else of a. */
  public static long blendDoublewords(long a, long b, int mask) {
    return blend(a, b, ((mask & 1) == 0 ? 0 : 0xFFFF_FFFFL) | ((mask & 2) == 0 ? 0 : -1L << 32));
  }

  /** Bits of b where {@code mask} is set, else of a. */
  private static long blend(long a, long b, long mask) {
    return a ^ (a ^ b) & mask;
  }

  /** Bytes of b where the byte of {@code control} has its top bit set (PBLENDVB). */
  public static long blendVariableBytes(long a, long b, long control) {
    return blend(a, b, Packed.spread(control & Packed.B, Packed.B));
  }

  /** BLENDVPS within a lane. */
  public static long blendVariableDoublewords(long a, long b, long control) {
    return blend(a, b, Packed.spread(control & Packed.D, Packed.D));
  }

  /** BLENDVPD within a lane. */
  public static long blendVariableQuadwords(long a, long b, long control) {
    return control < 0 ? b : a;
  }

  /** Mask of all ones in the bytes whose top bit is set. */
  public static long byteMask(long control) {
    return Packed.spread(control & Packed.B, Packed.B);
  }

  /**
   * Widens the low bytes of {@code source} by the given element sizes in bytes (PMOVZX): two, four
   * or eight a lane.
   */
  public static long widen(long source, int from, int to, boolean signed) {
    int fromBits = 8 * from;
    int toBits = 8 * to;
    long result = 0;
    for (int i = 0; i < 8 / to; i++) {
      long element = source >>> fromBits * i << 64 - fromBits;
      long wide = signed ? element >> 64 - fromBits : element >>> 64 - fromBits;
      result |= (toBits == 64 ? wide : wide & (1L << toBits) - 1) << toBits * i;
    }
    return result;
  }
}
