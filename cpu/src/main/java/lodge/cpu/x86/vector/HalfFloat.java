package lodge.cpu.x86.vector;

/** Conversions between singles and the 16-bit storage format (F16C; SDM volume 1, 14.4.1). */
public final class HalfFloat {
  /** VCVTPS2PH: use MXCSR's rounding mode. */
  private static final int CURRENT = 4;

  private HalfFloat() {}

  /** VCVTPH2PS: always exact. Denormal operands raise nothing and count whatever DAZ says. */
  public static int toSingle(SimdFloat e, int half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half >>> 10 & 0x1F;
    int fraction = half & 0x3FF;
    if (exponent == 0x1F) {
      if (fraction != 0) {
        e.raised |= (fraction & 0x200) == 0 ? Mxcsr.IE : 0;
        fraction |= 0x200;
      }
      return sign | 0x7F80_0000 | fraction << 13;
    }
    if (exponent == 0) {
      return sign | Float.floatToRawIntBits(fraction * 0x1p-24f);
    }
    return sign | exponent + 127 - 15 << 23 | fraction << 13;
  }

  /**
   * VCVTPS2PH. Tiny results stay denormal whatever FTZ says.
   *
   * @param control bit 2: MXCSR's rounding mode, else bits 1:0 are the mode
   * @return 16 bits
   */
  public static int fromSingle(SimdFloat e, int single, int control) {
    int a = (int) SoftFloat.operand(e, single, SoftFloat.F32);
    int sign = a >>> 31;
    if (SoftFloat.isNan(a, SoftFloat.F32)) {
      if (SoftFloat.isSignaling(a, SoftFloat.F32)) {
        e.raised |= Mxcsr.IE;
      }
      return sign << 15 | 0x7E00 | a >>> 13 & 0x3FF;
    }
    if (SoftFloat.isInfinite(a, SoftFloat.F32)) {
      return sign << 15 | 0x7C00;
    }
    if (SoftFloat.isZero(a, SoftFloat.F32)) {
      return sign << 15;
    }
    SoftFloat.noteDenormals(e, a, a, SoftFloat.F32);
    if (SoftFloat.isDenormal(a, SoftFloat.F32)) {
      // Inexact even as an unmasked underflow counts it: the processor does not normalize here.
      e.raised |= Mxcsr.PE;
    }
    int mode = (control & CURRENT) != 0 ? e.rounding() : control & 3;
    int exponent = SoftFloat.normalizedExponent(a, SoftFloat.F32) - 127 + 15;
    long significand = SoftFloat.significand(a, SoftFloat.F32);
    return (int) SoftFloat.round(e, sign, exponent, significand, SoftFloat.F16, mode, false)
        & 0xFFFF;
  }
}
