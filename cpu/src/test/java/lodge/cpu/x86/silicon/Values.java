package lodge.cpu.x86.silicon;

import java.util.random.RandomGenerator;

/** Operand values at which instructions tend to go wrong, and random ones. */
final class Values {
  /** What the lanes of a case are taken for. */
  enum Flavour {
    INTEGER,
    SINGLE,
    DOUBLE
  }

  private static final long[] INTEGERS = {
    0,
    1,
    2,
    3,
    -1,
    -2,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFFL,
    0x8000_0000L,
    0xFFFF_FFFFL,
    0x1_0000_0000L,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    0x5555_5555_5555_5555L,
    0xAAAA_AAAA_AAAA_AAAAL,
    0x8080_8080_8080_8080L,
    0x7F7F_7F7F_7F7F_7F7FL,
    0x8000_8000_8000_8000L,
    0x7FFF_FFFF_7FFF_FFFFL,
    0x8000_0000_8000_0000L,
    0x0102_0304_0506_0708L,
    0xFFFF_FFFF_0000_0000L
  };

  private static final int[] SINGLES = {
    0,
    0x8000_0000,
    0x3F80_0000,
    0xBF80_0000,
    0x3FC0_0000,
    0x4000_0000,
    1,
    0x8000_0001,
    0x007F_FFFF,
    0x0080_0000,
    0x8080_0000,
    0x0080_0001,
    0x7F7F_FFFF,
    0xFF7F_FFFF,
    0x7F80_0000,
    0xFF80_0000,
    0x7FC0_0000,
    0xFFC0_0000,
    0x7FC1_2345,
    0x7F80_0001,
    0xFFA0_0000,
    0x4F00_0000,
    0xCF00_0000,
    0x4EFF_FFFF,
    0x5F00_0000,
    0xDF00_0000,
    0x4B00_0000,
    0x4AFF_FFFF,
    0x3F00_0000,
    0x3F00_0001,
    0x3EFF_FFFF,
    0x4049_0FDB,
    0x7F00_0000,
    0x3F7F_FFFF,
    0x3F80_0001,
    0x477F_E000,
    0x477F_F000,
    0x3880_0000,
    0x3300_0000
  };

  private static final long[] DOUBLES = {
    0,
    Long.MIN_VALUE,
    0x3FF0_0000_0000_0000L,
    0xBFF0_0000_0000_0000L,
    0x3FF8_0000_0000_0000L,
    0x4000_0000_0000_0000L,
    1,
    0x8000_0000_0000_0001L,
    0x000F_FFFF_FFFF_FFFFL,
    0x0010_0000_0000_0000L,
    0x8010_0000_0000_0000L,
    0x0010_0000_0000_0001L,
    0x7FEF_FFFF_FFFF_FFFFL,
    0xFFEF_FFFF_FFFF_FFFFL,
    0x7FF0_0000_0000_0000L,
    0xFFF0_0000_0000_0000L,
    0x7FF8_0000_0000_0000L,
    0xFFF8_0000_0000_0000L,
    0x7FF8_1234_5678_9ABCL,
    0x7FF0_0000_0000_0001L,
    0xFFF4_0000_0000_0000L,
    0x41DF_FFFF_FFC0_0000L,
    0x41E0_0000_0000_0000L,
    0xC1E0_0000_0000_0000L,
    0xC1E0_0000_0020_0000L,
    0x43E0_0000_0000_0000L,
    0xC3E0_0000_0000_0000L,
    0x43DF_FFFF_FFFF_FFFFL,
    0x4330_0000_0000_0000L,
    0x432F_FFFF_FFFF_FFFFL,
    0x3FE0_0000_0000_0000L,
    0x3FDF_FFFF_FFFF_FFFFL,
    0x3FE0_0000_0000_0001L,
    0x4009_21FB_5444_2D18L,
    0x3810_0000_0000_0000L,
    0x380F_FFFF_FFFF_FFFFL,
    0x36A0_0000_0000_0000L,
    0x47EF_FFFF_E000_0000L,
    0x47EF_FFFF_F000_0000L,
    0x3FEF_FFFF_FFFF_FFFFL,
    0x3FF0_0000_0000_0001L
  };

  private static final long[] SIGNIFICANDS = {
    0x8000_0000_0000_0000L,
    0x8000_0000_0000_0001L,
    -1,
    0xC000_0000_0000_0000L,
    0xC90F_DAA2_2168_C235L,
    0x8000_0000_0000_0400L,
    0x8000_0080_0000_0000L,
    0xFFFF_FFFF_FFFF_F800L,
    0xFFFF_FF00_0000_0000L,
    0xB504_F333_F9DE_6484L,
    0xA000_0000_0000_0000L
  };

  private Values() {}

  static long integer(RandomGenerator random) {
    return switch (random.nextInt(8)) {
      case 0, 1, 2 -> INTEGERS[random.nextInt(INTEGERS.length)];
      case 3 -> 1L << random.nextInt(64);
      case 4 -> (1L << random.nextInt(64)) - 1;
      case 5 -> random.nextInt(256);
      case 6 -> random.nextLong() >> random.nextInt(64);
      default -> random.nextLong();
    };
  }

  static int single(RandomGenerator random) {
    return switch (random.nextInt(4)) {
      case 0, 1 -> SINGLES[random.nextInt(SINGLES.length)];
      case 2 -> Float.floatToRawIntBits((random.nextInt(2001) - 1000) / 8f);
      default ->
          random.nextInt() >>> 1 & 0x07FF_FFFF | 0x3C00_0000 | random.nextInt() & 0x8000_0000;
    };
  }

  static long doubleBits(RandomGenerator random) {
    return switch (random.nextInt(4)) {
      case 0, 1 -> DOUBLES[random.nextInt(DOUBLES.length)];
      case 2 -> Double.doubleToRawLongBits((random.nextInt(20001) - 10000) / 16.0);
      default -> random.nextLong() & 0x807F_FFFF_FFFF_FFFFL | 0x3FC0_0000_0000_0000L;
    };
  }

  /** 64 bits of a vector register or of memory. */
  static long lane(RandomGenerator random, Flavour flavour) {
    return switch (flavour) {
      case INTEGER -> integer(random);
      case SINGLE -> single(random) & 0xFFFF_FFFFL | (long) single(random) << 32;
      case DOUBLE -> doubleBits(random);
    };
  }

  /** Significand and sign-exponent of an 80-bit number, valid or not. */
  static void extended(RandomGenerator random, long[] significand, int[] signExponent, int i) {
    int sign = random.nextInt(4) == 0 ? 0x8000 : 0;
    long fraction =
        random.nextBoolean()
            ? SIGNIFICANDS[random.nextInt(SIGNIFICANDS.length)]
            : random.nextLong() | Long.MIN_VALUE;
    int exponent;
    switch (random.nextInt(20)) {
      case 0 -> {
        fraction = 0;
        exponent = 0;
      }
      case 1 -> {
        fraction = Long.MIN_VALUE;
        exponent = 0x7FFF;
      }
      case 2 -> {
        fraction =
            random.nextBoolean()
                ? 0xC000_0000_0000_0000L
                : random.nextLong() | 0xC000_0000_0000_0000L;
        exponent = 0x7FFF;
      }
      case 3 -> {
        fraction = random.nextLong() & 0x3FFF_FFFF_FFFF_FFFFL | 0x8000_0000_0000_0001L;
        exponent = 0x7FFF;
      }
      case 4 -> {
        fraction =
            random.nextBoolean() ? random.nextLong() & Long.MAX_VALUE : 1L << random.nextInt(63);
        exponent = 0;
      }
      case 5 -> {
        fraction = random.nextLong() & Long.MAX_VALUE;
        exponent = random.nextInt(0x8000);
      }
      case 6 -> exponent = random.nextInt(3);
      case 7 -> exponent = 0x7FFE - random.nextInt(3);
      case 8 -> exponent = random.nextInt(0x7FFF);
      case 9 -> exponent = 0x3FFF - 126 - random.nextInt(30);
      case 10 -> exponent = 0x3FFF - 1022 - random.nextInt(60);
      case 11 -> exponent = 0x3FFF + 120 + random.nextInt(16);
      case 12 -> exponent = 0x3FFF + 1016 + random.nextInt(16);
      case 13, 14 -> {
        int bits = random.nextInt(64);
        fraction = random.nextLong() | Long.MIN_VALUE;
        fraction = fraction >>> 63 - bits << 63 - bits;
        exponent = 0x3FFF + bits;
      }
      default -> exponent = 0x3FFF - 8 + random.nextInt(16);
    }
    significand[i] = fraction;
    signExponent[i] = sign | exponent;
  }
}
