package lodge.cpu.x86.interpreter;

import lodge.cpu.x86.decode.Insn;

/**
 * General registers as operands of any size. A byte register is coded with bit 4 set for AH, CH, DH
 * and BH.
 */
final class Registers {
  private static final int HIGH_BYTE = 16;

  private Registers() {}

  /**
   * The code of the register that an instruction names by number for an operand of {@code size}
   * bytes.
   */
  static int code(Insn insn, int number, int size) {
    return size == 1 && !insn.rex && number >= 4 && number < 8 ? number - 4 | HIGH_BYTE : number;
  }

  /** The value, zero-extended. */
  static long read(long[] r, int code, int size) {
    return switch (size) {
      case 8 -> r[code];
      case 4 -> r[code] & 0xFFFF_FFFFL;
      case 2 -> r[code] & 0xFFFF;
      default -> read8(r, code);
    };
  }

  static int read8(long[] r, int code) {
    return (int) (r[code & 15] >>> ((code & HIGH_BYTE) >> 1)) & 0xFF;
  }

  /** 32-bit results clear the upper half, smaller ones leave the rest of the register. */
  static void write(long[] r, int code, int size, long value) {
    switch (size) {
      case 8 -> r[code] = value;
      case 4 -> r[code] = value & 0xFFFF_FFFFL;
      case 2 -> r[code] = r[code] & ~0xFFFFL | value & 0xFFFF;
      default -> write8(r, code, value);
    }
  }

  static void write8(long[] r, int code, long value) {
    int shift = (code & HIGH_BYTE) >> 1;
    int register = code & 15;
    r[register] = r[register] & ~(0xFFL << shift) | (value & 0xFF) << shift;
  }
}
