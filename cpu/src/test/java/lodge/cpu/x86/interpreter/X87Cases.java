package lodge.cpu.x86.interpreter;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Operands and states for x87 instructions. */
final class X87Cases {
  /** Exponents and significands that each rule of the formats turns on. */
  static final int[] EDGE_SE;

  static final long[] EDGE_SIG;

  private static final long[] SIGNIFICANDS = {
    1L << 63,
    (1L << 63) + 1,
    -1L,
    0xC000_0000_0000_0000L,
    0xFFFF_FFFF_FFFF_F800L,
    0xFFFF_FFFF_FFFF_FC00L,
    0xFFFF_FF80_0000_0000L,
    0xAAAA_AAAA_AAAA_AAABL,
    0x8000_0000_0000_0400L,
    0x8000_0080_0000_0000L
  };

  private static final int[] EXPONENTS = {
    1, 0x3C00, 0x3BCD, 0x3F81, 0x3F6A, 0x3FBF, 0x3FFD, 0x3FFE, 0x3FFF, 0x4000, 0x400D, 0x400E,
    0x401E, 0x403B, 0x403D, 0x403E, 0x407E, 0x43FE, 0x7FFE
  };

  private static final long[] SPECIAL = {
    0, 0, // zero
    0, 1, // denormals
    0, 0x7FFF_FFFF_FFFF_FFFFL,
    0, 1L << 62,
    0, 1L << 63, // pseudo-denormals
    0, -1L,
    0x7FFF, 1L << 63, // infinity
    0x7FFF, 0xC000_0000_0000_0000L, // quiet NaNs
    0x7FFF, 0xC000_0000_0000_1234L,
    0x7FFF, -1L,
    0x7FFF, 0x8000_0000_0000_0001L, // signaling NaNs
    0x7FFF, 0xBFFF_0000_0000_0000L,
    0x7FFF, 0, // unsupported: pseudo-infinity, pseudo-NaN, unnormals
    0x7FFF, 0x4000_0000_0000_0000L,
    0x3FFF, 0,
    0x4000, 0x7FFF_FFFF_FFFF_FFFFL
  };

  static {
    int count = SPECIAL.length / 2 + SIGNIFICANDS.length + EXPONENTS.length;
    EDGE_SE = new int[2 * count];
    EDGE_SIG = new long[2 * count];
    int n = 0;
    for (int sign = 0; sign <= 0x8000; sign += 0x8000) {
      for (int i = 0; i < SPECIAL.length; i += 2) {
        EDGE_SE[n] = sign | (int) SPECIAL[i];
        EDGE_SIG[n++] = SPECIAL[i + 1];
      }
      for (long significand : SIGNIFICANDS) {
        EDGE_SE[n] = sign | 0x3FFF;
        EDGE_SIG[n++] = significand;
      }
      for (int i = 0; i < EXPONENTS.length; i++) {
        EDGE_SE[n] = sign | EXPONENTS[i];
        EDGE_SIG[n++] = SIGNIFICANDS[i % SIGNIFICANDS.length];
      }
    }
  }

  /** FDP before the instruction. */
  static final int DATA_POINTER = 0x5678_1234;

  private final Random random;
  final byte[] image = new byte[HardwareX87.SIZE];
  private final ByteBuffer buffer = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);

  X87Cases(long seed) {
    random = new Random(seed);
  }

  /** All registers valid and random, the given control word, no exceptions. */
  void state(int control, int top) {
    buffer.putInt(0, 0xFFFF_0000 | control);
    buffer.putInt(4, 0xFFFF_0000 | top << 11 | random.nextInt() & 0x4700);
    buffer.putInt(8, 0xFFFF_0000);
    buffer.putInt(12, 0x1234_5678);
    buffer.putInt(16, 0);
    buffer.putInt(20, DATA_POINTER);
    buffer.putInt(24, 0);
    for (int i = 0; i < 8; i++) {
      register(i, randomSe(), random.nextLong() | 1L << 63);
    }
    for (int at = HardwareX87.OPERAND; at < HardwareX87.SIZE; at++) {
      image[at] = 0x5A;
    }
    buffer.putLong(HardwareX87.FLAGS, 0x202 | random.nextInt() & 0x8D5);
    buffer.putLong(HardwareX87.RAX, 0);
  }

  /** ST(i). */
  void register(int i, int se, long sig) {
    buffer.putLong(28 + 10 * i, sig);
    buffer.putShort(36 + 10 * i, (short) se);
  }

  /** Marks ST(i) empty. */
  void empty(int i) {
    int p = (buffer.getInt(4) >> 11) + i & 7;
    buffer.putInt(8, buffer.getInt(8) | 3 << 2 * p);
  }

  void operand(long low, int high) {
    buffer.putLong(HardwareX87.OPERAND, low);
    buffer.putShort(HardwareX87.OPERAND + 8, (short) high);
  }

  /** An edge operand in the format that the memory forms of an opcode have, as near as it comes. */
  void edgeOperand(int opcode, int edge) {
    int se = EDGE_SE[edge];
    long sig = EDGE_SIG[edge];
    int exp = se & 0x7FFF;
    if (opcode == 0xD8 || opcode == 0xD9) {
      int narrow = exp == 0x7FFF ? 255 : exp == 0 ? 0 : Math.clamp(exp - 0x3FFF + 127, 0, 254);
      operand(((se & 0x8000) << 16 | narrow << 23 | (int) (sig << 1 >>> 41)) & 0xFFFF_FFFFL, 0);
    } else if (opcode == 0xDC || opcode == 0xDD) {
      long narrow = exp == 0x7FFF ? 2047 : exp == 0 ? 0 : Math.clamp(exp - 0x3FFF + 1023, 0, 2046);
      operand((long) (se & 0x8000) << 48 | narrow << 52 | sig << 1 >>> 12, 0);
    } else { // integers, BCD and extended
      operand((se & 1) == 0 ? sig >>> (se & 63) : sig >> (se & 63), se);
    }
  }

  private int randomSe() {
    return random.nextInt(0x10000);
  }

  Random random() {
    return random;
  }

  /** A random operand: mostly near 1, some edges, some anything. */
  void randomRegister(int i) {
    int kind = random.nextInt(16);
    if (kind == 0) {
      int n = random.nextInt(EDGE_SE.length);
      register(i, EDGE_SE[n], EDGE_SIG[n]);
    } else if (kind == 1) {
      register(i, randomSe(), random.nextLong());
    } else {
      int exponent = 0x3FFF + (int) (random.nextGaussian() * (kind < 8 ? 2 : 40));
      long sig = random.nextLong();
      if ((kind & 1) != 0) {
        sig &= -1L << random.nextInt(64);
      }
      register(i, exponent | (random.nextBoolean() ? 0x8000 : 0), sig | 1L << 63);
    }
  }
}
